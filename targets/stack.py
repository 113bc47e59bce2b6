#!/usr/bin/env python3
"""The deepest that the stack of a Cortex-M image can get, and the code behind a function, read from machine code.

stack.py IMAGE            prints the bytes of stack from `main` down, and what is left open (nothing, if it is a bound)
stack.py IMAGE PATTERN    prints of every function whose name matches the bytes of stack from it down, the bytes of code
                          that it reaches (without constants), those of the compiler's own routines among it (memcpy,
                          arithmetic in software), how many of these compute with doubles, and the chain that takes the
                          stack

A function's frame is all that it pushes and subtracts anywhere; below it is what the deepest of its calls takes. A call
through a pointer may reach every function whose address the image holds, but no closure is called while it runs: each
of them counts once in a chain. Interrupts come on top. Needs the component llvm-tools.
"""

import pathlib
import re
import subprocess
import sys

FUNCTION = re.compile(r"^([0-9a-f]+) <(.+)>:$")
INSTRUCTION = re.compile(r"^\s*[0-9a-f]+: [0-9a-f ]+\t(\S+)(?:\t(.*))?$")
BRANCH = re.compile(r"(bl?|cbn?z|b(?:eq|ne|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le))(?:\.[nw])?$")
COMPILERS = re.compile(r"^__aeabi|^mem|compiler_builtins")
DOUBLE = re.compile(r"__aeabi_(?:d|\w+2d\b)|__\w+df\d?\b")
# More functions in pointers than this are added up: their order is not looked into.
MOST_ORDERS = 10


def output(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def tool(name):
    """A program of the component llvm-tools."""
    sysroot = pathlib.Path(output("rustc", "--print", "sysroot").strip())
    found = next(sysroot.glob(f"lib/rustlib/*/bin/{name}"), None)
    return found or sys.exit(f"{name} is missing: rustup component add llvm-tools")


def number(text):
    return int(text, 0)


def lowered(name, operands):
    """Bytes by which an instruction lowers the stack pointer; None if that is not to be seen."""
    name = name.split(".")[0]
    if name in ("push", "vpush") or (name in ("stmdb", "vstmdb") and operands.startswith("sp!")):
        count = 0
        for part in re.search(r"\{(.*)\}", operands)[1].split(","):
            ends = [int(found) for found in re.findall(r"\d+", part)]
            count += ends[1] - ends[0] + 1 if len(ends) == 2 else 1
        return count * (8 if "{d" in operands else 4)
    if name in ("sub", "subw") and re.match(r"sp,|\w+, sp,", operands):
        # Into another register as well: the stack pointer follows.
        by = re.search(r"#(0x[0-9a-f]+|\d+)", operands)
        return number(by[1]) if by else None
    if name in ("str", "strd", "vstr") and (by := re.search(r"\[sp, #-(0x[0-9a-f]+|\d+)\]!", operands)):
        return number(by[1])
    if name == "bfc" and (bits := re.search(r"#0x0, #0x([0-9a-f]+)$|#0, #(\d+)$", operands)):
        # Aligned: at most so much more.
        return 1 << int(bits[1] or bits[2], 16)
    return None if name == "add" and re.match(r"sp, (sp, )?r", operands) else 0


class Image:
    """Frames and calls of every function, by address."""

    def __init__(self, path):
        self.names, self.frames, self.calls = {}, {}, {}
        self.through_pointers, self.open = set(), set()
        self.lower_halves, self.immediates = {}, set()
        listing = output(tool("llvm-objdump"), "--disassemble", "--demangle", "--mcpu=cortex-m4", path)
        at, last = None, 0
        for line in listing.splitlines():
            if found := FUNCTION.match(line):
                at = number("0x" + found[1])
                self.names[at], self.frames[at], self.calls[at] = found[2], 0, set()
            elif at is not None and (found := INSTRUCTION.match(line)):
                last = number("0x" + found[0].split(":")[0].strip()) + 4
                self.read(at, found[1], found[2] or "")
        for at in self.calls:
            self.calls[at] &= self.names.keys()
        ends = sorted(self.names)[1:] + [last]
        # Without what pads a function up to the next one, which is another in every build.
        own = self.symbols(path)
        self.sizes = {at: min(end - at, own.get(at) or end - at) for at, end in zip(sorted(self.names), ends)}
        words = self.words(path) | self.immediates
        self.taken = frozenset(word - 1 for word in words if word - 1 in self.names)
        self.known = {}

    def read(self, at, name, operands):
        lower = lowered(name, operands)
        if lower is None or name == "<unknown>":
            self.open.add(f"{self.names[at]}: {name} {operands}")
        self.frames[at] += lower or 0
        target = re.search(r"0x([0-9a-f]+) <", operands)
        if (branch := BRANCH.match(name)) and target:
            to = number("0x" + target[1])
            # A jump to the own start is a loop.
            if to != at or branch[1] == "bl":
                self.calls[at].add(to)
        elif (half := re.match(r"(\w+), #(0x[0-9a-f]+|\d+)$", operands)) and name.startswith("movw"):
            self.lower_halves[half[1]] = number(half[2])
        elif half and name.startswith("movt"):
            self.immediates.add(self.lower_halves.get(half[1], 0) | number(half[2]) << 16)
        elif name == "blx" or (name == "bx" and operands != "lr"):
            self.through_pointers.add(at)

    @staticmethod
    def symbols(path):
        """The bytes of every function that says how long it is."""
        listing = output(tool("llvm-nm"), "--print-size", path)
        found = re.findall(r"^([0-9a-f]+) ([0-9a-f]+) [tTwW] ", listing, re.MULTILINE)
        return {int(at, 16) & ~1: int(size, 16) for at, size in found}

    @staticmethod
    def words(path):
        """All words but those of the vector table."""
        words = set()
        for name in (".rodata", ".data", ".text"):
            dump = output(tool("llvm-objdump"), "--full-contents", f"--section={name}", path)
            for line in re.findall(r"^ [0-9a-f]+ ((?:[0-9a-f]+ ){1,4})", dump, re.MULTILINE):
                words |= {int.from_bytes(bytes.fromhex(word), "little") for word in line.split() if len(word) == 8}
        return words

    def reaches_pointers(self, at, seen):
        if at in seen:
            return False
        seen.add(at)
        return at in self.through_pointers or any(self.reaches_pointers(to, seen) for to in self.calls[at])

    def deepest(self, at, free, path=()):
        """Bytes and the chain from a function down; `free` are the functions that pointers may still reach."""
        if not self.reaches_pointers(at, set()):
            free = frozenset()
        if (at, free) in self.known:
            return self.known[at, free]
        if at in path:
            self.open.add(f"{self.names[at]} calls itself")
            return 0, ()
        ways = [(to, free) for to in self.calls[at]]
        if at in self.through_pointers:
            ways += [(to, free - {to}) for to in free]
        below = max((self.deepest(to, left, (*path, at)) for to, left in ways), default=(0, ()))
        self.known[at, free] = self.frames[at] + below[0], (at, *below[1])
        return self.known[at, free]

    def code(self, at):
        """Bytes of all functions that a function reaches, its own included; of the compiler's among them; and how many
        of these compute with doubles."""
        seen, left = set(), [at]
        while left:
            if (one := left.pop()) not in seen:
                seen.add(one)
                left += [*self.calls[one], *(self.taken if one in self.through_pointers else ())]
        own = [self.sizes[one] for one in seen if COMPILERS.search(self.names[one])]
        double = sum(bool(DOUBLE.search(self.names[one])) for one in seen)
        return sum(self.sizes[one] for one in seen), sum(own), double

    def bound(self, at):
        """The same, from the outside."""
        taken = frozenset(to for to in self.taken if to != at and self.reaches_pointers(to, set()))
        ends = self.taken - taken
        if len(taken) <= MOST_ORDERS:
            # Those that call through no pointer end a chain: the deepest of them stands for all.
            last = max(ends, key=lambda to: self.deepest(to, frozenset())[0], default=None)
            return self.deepest(at, taken | {last} - {None})
        rest = sum(self.deepest(to, frozenset())[0] for to in taken)
        rest += max((self.deepest(to, frozenset())[0] for to in ends), default=0)
        bytes_, chain = self.deepest(at, frozenset())
        return bytes_ + rest, chain


def main():
    sys.setrecursionlimit(10_000)
    image = Image(sys.argv[1])
    if len(sys.argv) == 2:
        main_at = next(at for at, name in image.names.items() if name == "main")
        print(image.bound(main_at)[0], *sorted(image.open))
        return
    found = [(*image.bound(at), *image.code(at)) for at, name in image.names.items() if re.search(sys.argv[2], name)]
    for bytes_, chain, code, compilers, double in sorted(found, reverse=True):
        way = " + ".join(f"{image.frames[at]} {image.names[at]}" for at in chain)
        print(f"stack {bytes_}, code {code}, compiler's {compilers}, for doubles {double}: {way}")


if __name__ == "__main__":
    main()
