"""How deep a function is where it calls: its stack pointer followed through the machine code of a Cortex-M.

`follow` goes every way through a function. It gives up, rather than guess, where it does not understand how the stack
pointer changes, where two ways meet at different depths, and where a function returns without having popped all.
"""

import re

CONDITION = "(eq|ne|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?"
# A jump or a call to a place that is named; `bl` is a call.
BRANCH = re.compile(rf"(cbn?z|bl?){CONDITION}(?:\.[nw])?$")
THROUGH_POINTER = re.compile(rf"(blx|bx){CONDITION}$")
RETURN = re.compile(rf"(?:pop|ldm|ldmia){CONDITION}$")
NUMBER = r"#(-?0x[0-9a-f]+|-?\d+)"
# What has two results, or none: of all else the first operand is what is written.
TWO_RESULTS = re.compile(r"ldrd|[us]m(?:u|la)ll?|umaal|vmov")
NO_RESULT = re.compile(r"v?st|cmp|cmn|tst|teq|push")


class Lost(Exception):
    """The stack pointer cannot be followed."""


def listed(operands):
    """Bytes of the registers in braces."""
    count = 0
    for part in re.search(r"\{(.*)\}", operands)[1].split(","):
        ends = [int(found) for found in re.findall(r"\d+", part)]
        count += ends[1] - ends[0] + 1 if len(ends) == 2 else 1
    return count * (8 if "{d" in operands else 4)


def lowered(name, operands):
    """Bytes by which an instruction lowers the stack pointer, negative if it raises it; None if that is not to be seen."""
    if name in ("push", "vpush") or (name in ("stmdb", "vstmdb") and operands.startswith("sp!")):
        return listed(operands)
    if name in ("pop", "vpop") or (name in ("ldm", "ldmia", "vldmia") and operands.startswith("sp!")):
        return -listed(operands)
    if indexed := re.search(rf"\[sp, {NUMBER}\]!$|\[sp\], {NUMBER}$", operands):
        return -int(indexed[1] or indexed[2], 0)
    if not re.match(r"sp\b", operands) and "sp!" not in operands:
        return 0
    if NO_RESULT.match(name) or name.startswith(("ldm", "vldm")):
        return None if "sp!" in operands else 0
    by = re.fullmatch(rf"sp, (?:sp, )?{NUMBER}", operands)
    if by and name in ("sub", "subw", "add", "addw"):
        return int(by[1], 0) if name.startswith("sub") else -int(by[1], 0)
    return None


class Way:
    """One way through a function: how deep it is, where the frame pointer and the register that was last made of either
    stand, as depths."""

    def __init__(self, depth, frame):
        self.depth, self.frame, self.made = depth, frame, (None, 0)

    def take(self, name, operands):
        """An instruction that does not jump."""
        if moved := re.fullmatch(r"sp, (\w+)", operands):
            known = dict([("r7", self.frame), self.made])
            if name != "mov" or known.get(moved[1]) is None:
                raise Lost
            self.depth = known[moved[1]]
            return
        lower = lowered(name, operands)
        if lower is None or self.depth + lower < 0:
            raise Lost
        self.depth += lower
        made = self.makes(name, operands)
        if self.writes("r7", name, operands):
            self.frame = made[1] if made[0] == "r7" else None
        self.made = made

    def makes(self, name, operands):
        """The register that an instruction sets to a place on the stack, as its depth."""
        if name == "mov" and (copied := re.fullmatch(r"(\w+), sp", operands)):
            return copied[1], self.depth
        if name == "bfc" and operands.startswith(f"{self.made[0]}, #"):
            # Aligned downwards: at most so much deeper.
            bits = re.fullmatch(rf"\w+, #(?:0x)?0, {NUMBER}", operands)
            return (self.made[0], self.made[1] + (1 << int(bits[1], 0))) if bits else (None, 0)
        of = re.fullmatch(rf"(\w+), (sp|r7), {NUMBER}", operands)
        begin = of and (self.depth if of[2] == "sp" else self.frame)
        if begin is None or name not in ("add", "addw", "sub", "subw", "subs", "adds"):
            return None, 0
        return of[1], begin + int(of[3], 0) * (1 if name.startswith("sub") else -1)

    @staticmethod
    def writes(register, name, operands):
        if NO_RESULT.match(name):
            return False
        if name.startswith(("ldm", "pop")) and re.search(rf"\b{register}\b", operands):
            return True
        first = rf"(?:\w+, )?{register}\b" if TWO_RESULTS.match(name) else rf"{register}\b"
        return bool(re.match(first, operands))


def follow(code):
    """Of the instructions of a function (address, name, operands): its deepest; the calls of and jumps to other places, as
    (address, depth there); and how deep it is where it calls through a pointer, None if it does not. None if that cannot
    be told.

    A call, and a jump once all is popped; a call under a condition:

    >>> follow([(0, "push", "{r4, lr}"), (2, "bl", "0x40 <f>"), (6, "pop.w", "{r4, lr}"), (10, "b.w", "0x80 <g>")])
    (8, [(64, 8), (128, 0)], None)
    >>> follow([(0, "sub", "sp, #0x8"), (2, "vldmia", "sp, {d0}"), (6, "add", "sp, #0x8"), (8, "bx", "lr")])
    (8, [], None)
    >>> follow([(0, "sub", "sp, #0x8"), (2, "blls", "0x40 <f>"), (6, "add", "sp, #0x8"), (8, "bx", "lr")])
    (8, [(64, 8)], None)

    A frame that is aligned and found again by the frame pointer, a jump over a call through a pointer, a table:

    >>> begin = [(0, "push", "{r4, r6, r7, lr}"), (2, "add", "r7, sp, #0x8"), (4, "mov", "r4, sp")]
    >>> align = [(6, "bfc", "r4, #0x0, #0x4"), (10, "mov", "sp, r4"), (12, "cbz", "r0, 0x10 <f+0x10>"), (14, "blx", "r1")]
    >>> end = [(16, "sub.w", "r4, r7, #0x8"), (20, "mov", "sp, r4"), (22, "pop", "{r4, r6, r7, pc}")]
    >>> follow(begin + align + end)
    (32, [], 32)
    >>> follow([(0, "push", "{r4, lr}"), (2, "tbb", "[pc, r4]"), (6, ".word", "0x03"), (10, "pop", "{r4, pc}")])
    (8, [], None)

    What returns at another depth, what is met at two, and what nobody knows:

    >>> follow([(0, "push", "{r4, lr}"), (2, "bx", "lr")])
    >>> follow([(0, "cbz", "r0, 0x4 <f+0x4>"), (2, "push", "{r4}"), (4, "bx", "lr")])
    >>> follow([(0, "add", "sp, r0"), (2, "bx", "lr")])
    """
    try:
        return Function(code).followed()
    except Lost:
        return None


class Function:
    """All ways through a function."""

    def __init__(self, code):
        self.code = code
        self.places = {at: k for k, (at, _, _) in enumerate(code)}
        self.seen, self.left, self.tables = {}, [(0, 0, None)], set()
        self.deepest, self.calls, self.through = 0, [], None

    def followed(self):
        while self.left:
            while self.left:
                self.along(*self.left.pop())
            # What nothing else leads to is reached through a table.
            if self.tables:
                rest = (k for k, (_, name, _) in enumerate(self.code) if k not in self.seen and name[0] not in ".<")
                self.left += [(k, *table) for k in rest for table in self.tables][: len(self.tables)]
        return self.deepest, self.calls, self.through

    def along(self, k, depth, frame):
        way = Way(depth, frame)
        while k < len(self.code):
            at, full, operands = self.code[k]
            name = full.split(".")[0]
            if full[0] in ".<":
                return
            if k in self.seen:
                if self.seen[k] != (way.depth, way.frame):
                    raise Lost
                return
            self.seen[k] = way.depth, way.frame
            if self.jumps(way, full, operands) or name == "udf":
                return
            if not BRANCH.match(full) and not THROUGH_POINTER.match(name) and not self.returns(name, operands):
                way.take(name, operands)
                self.deepest = max(self.deepest, way.depth)
            k += 1

    @staticmethod
    def returns(name, operands):
        return bool(RETURN.match(name)) and re.search(r"\bpc\b", operands) is not None

    def jumps(self, way, full, operands):
        """Notes where an instruction jumps to or what it calls; whether nothing follows it."""
        name = full.split(".")[0]
        target = re.search(r"0x([0-9a-f]+) <", operands)
        if (branch := BRANCH.match(full)) and target:
            to = int(target[1], 16)
            if branch[1] != "bl" and to in self.places:
                self.left.append((self.places[to], way.depth, way.frame))
            else:
                self.calls.append((to, way.depth))
            return branch[1] == "b" and branch[2] is None
        if pointer := THROUGH_POINTER.match(name):
            if pointer[1] == "blx" or operands != "lr":
                self.through = max(self.through or 0, way.depth)
            elif way.depth != 0:
                raise Lost
            return pointer[1] == "bx" and pointer[2] is None
        if self.returns(name, operands):
            if listed(operands) != way.depth:
                raise Lost
            return name in ("pop", "ldm", "ldmia")
        if name in ("tbb", "tbh"):
            self.tables.add((way.depth, way.frame))
            return True
        if re.match(r"pc\b", operands) or (name.startswith("ldm") and re.search(r"\bpc\b", operands)):
            raise Lost
        return False
