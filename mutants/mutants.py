#!/usr/bin/env python3
"""Mutation testing of `core` and `simd` with one build for all mutants. Usage: mutants/README.md.

Every mutant of `cargo mutants --list` is put into one copy of the tree behind a switch (switch.py), the tests are built
once and each is asked which mutants it comes by (build.py). A mutant then costs the run of those tests alone, until one
fails: parts of a second in place of a build.
"""

import argparse
import collections
import json
import math
import pathlib
import random
import re
import resource
import select
import signal
import subprocess
import sys
import time

import build

MEMORY = 6 << 30


def limit(seconds):
    """What a test program may take. Seconds are the processor's: others may be at work on this machine."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def fails(program, names, seconds, number, work):
    """Whether one of these tests of a program fails with the mutant on: its name, or how it ended; None if none does."""
    # The first test that meets a proptest reads files.
    allowed = math.ceil(2 + 10 * seconds)
    running = subprocess.Popen([program, "--exact", *names, "--test-threads=1"], cwd=work, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=lambda: limit(allowed),
                               env={**build.ENVIRONMENT, "SOUTHWELL_MUTANT": str(number)})
    # A test that waits for ever takes no time of the processor.
    deadline, text = time.monotonic() + 60 * allowed, b""
    try:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return "timeout"
            if not select.select([running.stdout], [], [], left)[0]:
                return "timeout"
            piece = running.stdout.read1(1 << 16)
            text += piece
            at = text.find(b" ... FAILED")
            if at >= 0:
                return text[:at].split(b"test ")[-1].decode(errors="replace")
            if not piece:
                if running.wait() == -signal.SIGXCPU or running.returncode == -signal.SIGKILL:
                    return "timeout"
                return None if running.returncode == 0 else f"ended with {running.returncode}"
    finally:
        running.kill()
        running.stdout.close()
        running.wait()


class Tests:
    """The tests by the mutants that they come by, the likeliest to fail first."""

    def __init__(self, found):
        self.of = collections.defaultdict(list)
        for test in sorted(found, key=lambda test: test["seconds"]):
            for number in test["reached"]:
                self.of[number].append(test)
        self.killers = collections.defaultdict(list)

    def verdict(self, number, mutant, work):
        tests = self.of.get(number, [])
        if not tests:
            return "unreached", ""
        place = (mutant["file"], (mutant["function"] or {}).get("function_name"))
        known = self.killers[place] + self.killers[mutant["file"]]
        known = [test for test in dict.fromkeys(known) if any((t["binary"], t["test"]) == test for t in tests)][:8]
        by_name = {(test["binary"], test["test"]): test for test in tests}
        first = [by_name.pop(name) for name in known]
        rest = list(by_name.values())
        # The quickest ones singly, what is left a program at a time, the cheapest program first.
        batches = [[test] for test in first + rest[:4]]
        programs = collections.defaultdict(list)
        for test in rest[4:]:
            programs[test["program"], test["seconds"] > 0.3].append(test)
        batches += sorted(programs.values(), key=lambda batch: sum(test["seconds"] for test in batch))
        for batch in batches:
            why = fails(batch[0]["program"], [test["test"] for test in batch], sum(test["seconds"] for test in batch),
                        number, work)
            if why is None:
                continue
            killer = next((test for test in batch if test["test"] == why), batch[0] if len(batch) == 1 else None)
            if killer is not None:
                name = (killer["binary"], killer["test"])
                for key in (place, mutant["file"]):
                    self.killers[key] = [name, *(other for other in self.killers[key] if other != name)][:16]
            return ("timeout" if why == "timeout" else "killed"), f"{batch[0]['binary']}: {why}"
        return "missed", ""


def interval(killed, of):
    """Wilson's interval at 95 %."""
    if of == 0:
        return 0.0, 1.0
    z, p = 1.959964, killed / of
    middle, half = p + z * z / (2 * of), z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return (middle - half) / (1 + z * z / of), (middle + half) / (1 + z * z / of)


# From what says least of a mutant to what says most: tests that do not come by it take nothing back.
SHARPNESS = {"unreached": 0, "missed": 1, "timeout": 2, "killed": 2}


def results(*paths):
    """What became of every mutant that ran: the sharpest verdict of it, the last one of several."""
    found = {}
    for line in [line for path in paths if path.exists() for line in path.read_text().split("\n") if line]:
        entry = json.loads(line)
        known = found.get(entry["name"])
        if known is None or SHARPNESS[entry["verdict"]] >= SHARPNESS[known["verdict"]]:
            found[entry["name"]] = entry
    return found


def reasons(name):
    """What a list says of survivors: triples of a pattern, a kind and a reason."""
    known, kind, reason = [], "", ""
    for line in (build.HERE / name).read_text().split("\n"):
        if line.startswith("## "):
            kind = line[3:]
        elif line.startswith("# "):
            reason = line[2:]
        elif line:
            known.append((re.compile(line), kind, reason))
    return known


def without_place(name):
    """What a mutant is called whatever lines have come before it."""
    return re.sub(r":\d+:\d+: ", ": ", name)


def reason_for(name, known):
    """The kind of a survivor and why it survives, if that is known."""
    name = without_place(name)
    return next(((kind, reason) for pattern, kind, reason in known if pattern.fullmatch(name)), None)


def score(mutants, fates, done, all_files):
    """A table: mutants by module, what became of them."""
    known = reasons("equivalent.txt")
    rows = collections.defaultdict(collections.Counter)
    for mutant in mutants:
        parts = mutant["file"].split("/")
        module = mutant["file"] if all_files else "/".join([parts[0], *parts[2:3]]).removesuffix(".rs")
        fate = fates.get(mutant["name"]) or done.get(mutant["name"], {}).get("verdict", "not run")
        if fate in ("missed", "unreached") and reason_for(mutant["name"], known):
            fate = "equivalent"
        if build.left_out(mutant["name"]):
            fate = {"killed": "out, killed", "timeout": "out, killed", "missed": "out", "equivalent": "out",
                    "unreached": "out"}.get(fate, "of no count")
        for row in (module, parts[0] + ", all", "all"):
            rows[row][fate.split(":")[0]] += 1
    columns = ["killed", "timeout", "missed", "unreached", "equivalent", "unviable", "left", "not run", "out, killed", "out"]
    print("| module | mutants | " + " | ".join(columns) + " | killed of viable that ran | 95 % | with what is left out "
          "| equivalents aside |")
    print("|---|" + "---:|" * (len(columns) + 5))
    for module, row in sorted(rows.items(), key=lambda item: (item[0] == "all", ", all" in item[0], item[0])):
        killed = row["killed"] + row["timeout"]
        noticeable = killed + row["missed"] + row["unreached"]
        ran = noticeable + row["equivalent"]
        low, high = interval(killed, ran)
        share = f"{100 * killed / ran:.1f} %" if ran else "-"
        band = f"{100 * low:.1f}–{100 * high:.1f}" if ran else "-"
        of_all = ran + row["out, killed"] + row["out"]
        whole = f"{100 * (killed + row['out, killed']) / of_all:.1f} %" if of_all else "-"
        print(f"| {module} | {sum(row.values())} | " + " | ".join(str(row[column]) for column in columns)
              + f" | {share} | {band} | {whole} | {f'{100 * killed / noticeable:.1f} %' if noticeable else '-'} |")


FAMILIES = ("simd", "relaxation", "omega", "descent", "transport", "subgradient", "bandit")


def family(name):
    parts = name.split(":")[0].split("/")
    return "simd" if parts[0] == "simd" else parts[2].removesuffix(".rs")


def changes(names):
    """Mutants of one file, function by function: `f`: `<` to `<=`, twice."""
    found = collections.defaultdict(collections.Counter)
    for name in names:
        what = without_place(name).split(": ", 1)[1]
        change, _, function = what.rpartition(" in ")
        if not change or " -> " in function:
            whole = re.fullmatch(r"replace (.*?)(?: -> .*)? with (.*)", what)
            function, change = (whole[1], "gives " + whole[2]) if whole else ("", what)
        change = re.sub(r"^replace (\S+) with (\S+)$", r"\1 → \2", change)
        function = re.sub(r"^<impl (?:\w+(?:<.*?>)? for )?(\w+).*>::|^(\w+)<.*>::", lambda m: (m[1] or m[2]) + "::", function)
        found[function][change] += 1
    texts = []
    for function, counts in sorted(found.items()):
        each = (f"`{change}`" + (f" ({count} times)" if count > 1 else "") for change, count in counts.items())
        texts.append((f"`{function}`: " if function else "") + ", ".join(each))
    return "; ".join(texts)


def excluded(mutants, done):
    """A table: what .cargo/mutants.toml leaves out, and what became of it."""
    print("| not counted, and why | listed | ran | killed |\n|---|---:|---:|---:|")
    rows = {reason: [] for _, reason in build.EXCLUSIONS}
    for mutant in mutants:
        if reason := build.left_out(mutant["name"]):
            rows[reason].append(done.get(mutant["name"], {}).get("verdict"))
    for reason, verdicts in rows.items():
        if verdicts:
            killed = sum(verdict in ("killed", "timeout") for verdict in verdicts)
            print(f"| {reason} | {len(verdicts)} | {sum(verdict is not None for verdict in verdicts)} | {killed} |")


HEAD = """# Mutants that survive

Made by `mutants/mutants.py survivors` of runs that [trust.md](../docs/trust.md) counts: of samples, so that each stands for
others like it. They are named by file and function, as lines move. Kinds and reasons are those of
[equivalent.txt](equivalent.txt), which no test can notice, and of [survivors.txt](survivors.txt), which one might.
"""


def survivors(done):
    """A page: what survived, by kind and reason."""
    known = reasons("equivalent.txt") + reasons("survivors.txt")
    unjudged = ("A sharper test is missing", "")
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for name, entry in sorted(done.items()):
        if entry["verdict"] in ("missed", "unreached") and not build.left_out(name):
            kind, reason = reason_for(name, known) or unjudged
            found[kind][reason].append(name)
    kinds = [kind for kind in dict.fromkeys([kind for _, kind, _ in known] + [unjudged[0]]) if kind in found]
    here = [name for name in FAMILIES if any(family(mutant) == name for mutant in done)]
    print(HEAD)
    print("| | " + " | ".join(here) + " | all |\n|---|" + "---:|" * (len(here) + 1))
    rows = [("ran", [name for name in done if not build.left_out(name)]), ("survived", [name for of in found.values() for names in of.values() for name in names])]
    for title, names in rows + [(kind, [name for names in found[kind].values() for name in names]) for kind in kinds]:
        counts = collections.Counter(family(name) for name in names)
        print(f"| {title} | " + " | ".join(str(counts[name]) for name in here) + f" | {len(names)} |")
    for kind in kinds:
        print(f"\n## {kind}\n")
        for reason, names in found[kind].items():
            files = collections.defaultdict(list)
            for name in names:
                files[name.split(":")[0]].append(name)
            places = [f"`{file.replace('src/', '')}` {changes(names_there)}" for file, names_there in files.items()]
            print(f"- {reason}" if reason else "- Nothing is known that hinders a test from noticing.")
            for place in places:
                print(f"  - {place}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["build", "run", "score", "missed", "survivors", "excluded", "one"])
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/tmp/southwell-mutants"))
    parser.add_argument("--results", type=pathlib.Path, action="append", help="score and list what is in this file instead")
    parser.add_argument("--package", choices=["core", "simd"], action="append", help="this one only")
    parser.add_argument("--file", default="", help="mutants of files whose path has this in it only")
    parser.add_argument("--only", default="", help="switch mutants of files in whose path this pattern is found only: a quicker build")
    parser.add_argument("--narrow", action="store_true", help="without AVX-512: a quicker build, in which its own paths are not reached")
    parser.add_argument("--test", action="append", help="build and ask this test program only, besides the library's own tests")
    parser.add_argument("--shard", default="0/1", help="K/N: every N-th mutant of the shuffled list, from the K-th")
    parser.add_argument("--seed", type=int, default=1, help="of the order in which mutants are run")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no further mutant after so long")
    parser.add_argument("--as-built", action="store_true", help="build nothing: the tree and the tests as they were")
    parser.add_argument("--slowest", type=float, default=5.0, help="leave tests out that take longer, in seconds of the processor")
    parser.add_argument("--again", action="store_true", help="run what survived once more")
    parser.add_argument("--files", action="store_true", help="score file by file")
    parser.add_argument("--name", help="of the one mutant to run, or a part of it")
    options = parser.parse_args()
    packages = options.package or ["simd", "core"]
    options.work.mkdir(parents=True, exist_ok=True)
    path = options.work / "results.jsonl"

    done = results(*(options.results or [path]))
    if options.what == "survivors":
        return survivors(done)
    mutants, fates = build.listed(), {}
    patches = {**(build.NARROW if options.narrow else {}), **(build.ALONE if options.test else {})}
    for folder in packages:
        here, begin = options.work / folder, time.monotonic()
        here.mkdir(exist_ok=True)
        if options.what in ("build", "run", "one") and not options.as_built:
            fates |= build.make(here, mutants, folder, options.only, patches)
            print(f"{folder}: switches in {time.monotonic() - begin:.0f} s", flush=True)
        elif (here / "fates.json").exists():
            fates |= json.loads((here / "fates.json").read_text())["fates"]
    asked = [(number, mutant) for number, mutant in enumerate(mutants)
             if mutant["file"].split("/")[0] in packages
             and options.file in mutant["file"] and re.search(options.only, mutant["file"])]

    if options.what == "score":
        return score([mutant for _, mutant in asked], fates, done, options.files)
    if options.what == "excluded":
        return excluded([mutant for _, mutant in asked], done)
    if options.what == "missed":
        known = reasons("equivalent.txt") + reasons("survivors.txt")
        for _, mutant in asked:
            verdict = done.get(mutant["name"], {}).get("verdict")
            if verdict in ("missed", "unreached"):
                print(verdict, mutant["name"], *(reason_for(mutant["name"], known) or ())[1:])
        return None

    found = []
    for folder in packages:
        begin = time.monotonic()
        here = options.work / folder
        if options.as_built:
            found += build.mapped(here, folder)
        else:
            found += build.map_tests(here, folder, options.slowest, options.test or ())
        print(f"{folder}: {len(found)} tests built and mapped in {time.monotonic() - begin:.0f} s", flush=True)
    if options.what == "build":
        return None

    out = [test for test in found if test["seconds"] > options.slowest]
    for test in out:
        print(f"left out: {test['binary']}: {test['test']}, {test['seconds']:.1f} s")
    tests = Tests([test for test in found if test["seconds"] <= options.slowest])
    shard, of = map(int, options.shard.split("/"))
    random.Random(options.seed).shuffle(asked)
    again = ("missed", "unreached") if options.again else ()
    asked = [(number, mutant) for place, (number, mutant) in enumerate(asked)
             if place % of == shard and mutant["name"] not in fates
             and (mutant["name"] not in done or done[mutant["name"]]["verdict"] in again)
             and (not options.again or mutant["name"] in done and not build.left_out(mutant["name"]))
             and (options.name is None or options.name in mutant["name"])]
    begin, counts = time.monotonic(), collections.Counter()
    with path.open("a") as file:
        for place, (number, mutant) in enumerate(asked):
            if time.monotonic() - begin > options.seconds:
                break
            start = time.monotonic()
            verdict, by = tests.verdict(number, mutant, options.work)
            counts[verdict] += 1
            entry = {"name": mutant["name"], "verdict": verdict, "by": by, "seconds": round(time.monotonic() - start, 3)}
            file.write(json.dumps(entry) + "\n")
            file.flush()
            if options.what == "one" or verdict in ("missed", "unreached"):
                print(verdict, mutant["name"], by, flush=True)
            if place % 100 == 99:
                took = time.monotonic() - begin
                print(f"-- {place + 1} of {len(asked)}, {took / (place + 1):.2f} s each: {dict(counts)}", flush=True)
    print(f"{sum(counts.values())} mutants in {time.monotonic() - begin:.0f} s: {dict(counts)}")
    return None


if __name__ == "__main__":
    sys.exit(main())
