#!/usr/bin/env python3
"""What firmware takes, against what it took: reads the rows that run.sh found.

footprint.py check FOUND TABLE [ONLY]   fails where a figure of TABLE grew by more than 5 %, or a row is missing or new;
                                        a figure that TABLE does not know is not compared
footprint.py write FOUND TABLE [ONLY]   writes TABLE
With ONLY, the pattern of which rows were run, the others are left as they are.
"""
import sys

GROWTH = 1.05
FIGURES = ("flash", "RAM", "stack", "bound of the stack", "instructions")
HEAD = """\
# What the firmware takes

Written by `targets/run.sh write`; `targets/run.sh` fails where a figure grew by more than 5 %, so that the table
changes in the commit that makes it change. Bytes; RAM is statics and the stack at its deepest, problem and workspace
included; stack is that part of it, as painted, and bound what `targets/stack.py` reads from the machine code of every
function and call: no run can take more (interrupts come on top; a dash where it was not read, or where code calls itself).
Instructions are those of the solve and the reading of its answer, counted by the emulator (not cycles).
The output, the vectors and the test's own data are in every image. Rows without a board are one solve: all code of the
library that it reaches, constants and the compiler's own routines apart (memcpy, arithmetic in software), and the bound of
the stack from there. Rows of elementary functions are a call of one, ours, `libm`'s or `micromath`'s, in the same way.

| board | target | image | opt-level | flash | RAM | stack | bound | instructions |
|---|---|---|---|---|---|---|---|---|
"""


def number(text):
    return None if text == "-" else int(text.replace(",", ""))


def read_found(path):
    rows = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            cells = line.rstrip("\n").split("\t")
            rows[tuple(cells[:4])] = tuple(number(text) for text in cells[4:])
    return rows


def read_table(path):
    rows = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if line.startswith("|") and len(cells) == 9 and cells[4][0].isdigit():
                rows[tuple(cells[:4])] = tuple(number(cell) for cell in cells[4:])
    return rows


def write(rows, path):
    def cell(value):
        return "-" if value is None else f"{value:,}"

    with open(path, "w", encoding="utf-8") as table:
        table.write(HEAD)
        for key, figures in rows.items():
            table.write("| " + " | ".join((*key, *map(cell, figures))) + " |\n")


def check(found, known):
    faults = []
    for key in known.keys() - found.keys():
        faults.append(f"{' '.join(key)}: is in the table, but was not built")
    for key, figures in found.items():
        if key not in known:
            faults.append(f"{' '.join(key)}: is not in the table")
            continue
        for name, now, before in zip(FIGURES, figures, known[key]):
            if before is not None and now is None:
                faults.append(f"{' '.join(key)}: {name} {before} in the table, none now")
            elif before is not None and now > before * GROWTH:
                faults.append(f"{' '.join(key)}: {name} grew from {before:,} to {now:,}")
    return faults


def main():
    mode, found, table, *only = sys.argv[1], read_found(sys.argv[2]), *sys.argv[3:]
    known = read_table(table)
    if mode == "write":
        write(known | found if only else found, table)
        return 0
    faults = check(found, {key: figures for key, figures in known.items() if not only or key in found})
    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    if faults:
        print("If that is meant: targets/run.sh write, and commit the table with the change.", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
