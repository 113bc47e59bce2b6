#!/usr/bin/env python3
"""The deepest that the stack of a Cortex-M image can get, and the code behind a function, read from machine code.

stack.py IMAGE            prints the bytes of stack from `main` down, and what is left open (nothing, if it is a bound)
stack.py IMAGE PATTERN    prints of every function whose name matches the bytes of stack from it down, the bytes of code
                          that it reaches (without constants), those of the compiler's own routines among it (memcpy,
                          arithmetic in software), how many of these compute with doubles, and the chain that takes the
                          stack

A function takes what it has pushed and subtracted where it calls, and below that what is called: a jump into another
function, once all is popped again, adds nothing to that one. Where the stack pointer cannot be followed, all that is
pushed and subtracted anywhere counts at every call. A call through a pointer may reach every function whose address the
image holds, but no closure is called while it runs: each of them counts once in a chain. Interrupts come on top. Needs
the component llvm-tools.
"""

import pathlib
import re
import subprocess
import sys

from depth import BRANCH, THROUGH_POINTER, follow, lowered

FUNCTION = re.compile(r"^([0-9a-f]+) <(.+)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+): [0-9a-f ]+\t(\S+)(?:\t(.*))?$")
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


def anywhere(code):
    """All that a function pushes and subtracts anywhere, with what may do more than is seen."""
    total, unseen = 0, []
    for _, full, operands in code:
        name = full.split(".")[0]
        lower = lowered(name, operands)
        if name in ("sub", "subw") and (by := re.fullmatch(r"\w+, sp, #(0x[0-9a-f]+|\d+)", operands)):
            # Into another register as well: the stack pointer follows.
            lower = number(by[1])
        elif name == "bfc" and (bits := re.search(r"#(?:0x)?0, #(0x[0-9a-f]+|\d+)$", operands)):
            # Aligned: at most so much more.
            lower = 1 << number(bits[1])
        elif lower is None and name == "mov":
            lower = 0
        if lower is None or name == "<unknown>":
            unseen.append(f"{full} {operands}")
        total += max(lower or 0, 0)
    return total, unseen


class Image:
    """Of every function, by address: its frame, its calls and how deep it is there."""

    def __init__(self, path):
        self.names, self.frames, self.calls, self.through_pointers, self.open = {}, {}, {}, {}, set()
        listing = output(tool("llvm-objdump"), "--disassemble", "--demangle", "--mcpu=cortex-m4", path)
        code, at, last = {}, None, 0
        for line in listing.splitlines():
            if found := FUNCTION.match(line):
                at = number("0x" + found[1])
                self.names[at], code[at] = found[2], []
            elif at is not None and (found := INSTRUCTION.match(line)):
                last = number("0x" + found[1])
                code[at].append((last, found[2], found[3] or ""))
        for at, instructions in code.items():
            self.read(at, instructions)
        ends = sorted(self.names)[1:] + [last + 4]
        # Without what pads a function up to the next one, which is another in every build.
        own = self.symbols(path)
        self.sizes = {at: min(end - at, own.get(at) or end - at) for at, end in zip(sorted(self.names), ends)}
        words = self.words(path) | self.immediates(code)
        self.taken = frozenset(word - 1 for word in words if word - 1 in self.names)
        self.known = {}

    def read(self, at, code):
        if (followed := follow(code)) is None:
            self.frames[at], unseen = anywhere(code)
            self.open.update(f"{self.names[at]}: {what}" for what in unseen)
            ends = [(re.search(r"0x([0-9a-f]+) <", operands), name) for _, name, operands in code]
            calls = [(number("0x" + to[1]), name) for to, name in ends if to and BRANCH.match(name)]
            # A jump to the own start is a loop.
            calls = [(to, self.frames[at]) for to, name in calls if to != at or name.startswith("bl")]
            through = any(
                (found := THROUGH_POINTER.match(name)) and (found[1] == "blx" or operands != "lr")
                for _, name, operands in code
            )
            followed = self.frames[at], calls, self.frames[at] if through else None
        self.frames[at], calls, through = followed
        self.calls[at] = {}
        for to, depth in calls:
            if to in self.names:
                self.calls[at][to] = max(depth, self.calls[at].get(to, 0))
        if through is not None:
            self.through_pointers[at] = through

    @staticmethod
    def immediates(code):
        """Words that instructions put together of two halves."""
        lower_halves, words = {}, set()
        for _, name, operands in (instruction for function in code.values() for instruction in function):
            if half := re.match(r"(\w+), #(0x[0-9a-f]+|\d+)$", operands):
                if name.startswith("movw"):
                    lower_halves[half[1]] = number(half[2])
                elif name.startswith("movt"):
                    words.add(lower_halves.get(half[1], 0) | number(half[2]) << 16)
        return words

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
        """Bytes and the chain from a function down, as the bytes that each takes in it and its address; `free` are the
        functions that pointers may still reach."""
        if not self.reaches_pointers(at, set()):
            free = frozenset()
        if (at, free) in self.known:
            return self.known[at, free]
        if at in path:
            self.open.add(f"{self.names[at]} calls itself")
            return 0, ()
        ways = [(depth, to, free) for to, depth in self.calls[at].items()]
        if at in self.through_pointers:
            ways += [(self.through_pointers[at], to, free - {to}) for to in free]
        found = [(self.frames[at], ((self.frames[at], at),))]
        for depth, to, left in ways:
            below, chain = self.deepest(to, left, (*path, at))
            found.append((depth + below, ((depth, at), *chain)))
        self.known[at, free] = max(found)
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
        way = " + ".join(f"{taken} {image.names[at]}" for taken, at in chain)
        print(f"stack {bytes_}, code {code}, compiler's {compilers}, for doubles {double}: {way}")


if __name__ == "__main__":
    main()
