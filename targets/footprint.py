#!/usr/bin/env python3
"""What firmware takes, against what it took: reads the rows that run.sh found.

footprint.py check FOUND TABLE   fails where a figure of TABLE grew by more than 5 %, or a row is missing or new
footprint.py write FOUND TABLE   writes TABLE
"""
import sys

GROWTH = 1.05
FIGURES = ("flash", "RAM", "instructions")
HEAD = """\
# What the firmware takes

Written by `targets/run.sh write`; `targets/run.sh` fails where a figure grew by more than 5 %, so that the table
changes in the commit that makes it change. Bytes; RAM is statics and the stack at its deepest, problem and workspace
included; instructions are those of the solve and the reading of its answer, counted by the emulator (not cycles).
The output, the vectors and the test's own data are in every image.

| board | target | image | opt-level | flash | RAM | instructions |
|---|---|---|---|---|---|---|
"""


def number(text):
    return None if text == "-" else int(text.replace(",", ""))


def read_found(path):
    rows = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            *key, flash, ram, instructions = line.rstrip("\n").split("\t")
            rows[tuple(key)] = tuple(number(text) for text in (flash, ram, instructions))
    return rows


def read_table(path):
    rows = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if line.startswith("|") and len(cells) == 7 and cells[4][0].isdigit():
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
            if (now is None) != (before is None):
                faults.append(f"{' '.join(key)}: {name} {before} in the table, {now} now")
            elif now is not None and now > before * GROWTH:
                faults.append(f"{' '.join(key)}: {name} grew from {before:,} to {now:,}")
    return faults


def main():
    mode, found, table = sys.argv[1], read_found(sys.argv[2]), sys.argv[3]
    if mode == "write":
        write(found, table)
        return 0
    faults = check(found, read_table(table))
    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    if faults:
        print("If that is meant: targets/run.sh write, and commit the table with the change.", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
