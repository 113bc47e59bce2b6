#!/usr/bin/env python3
"""Writes docs/first-ten-minutes.md: what a newcomer types on a fresh clone, and what comes back.

    python3 docs/first_ten_minutes.py                    clones this repository to a scratch folder, builds, runs
    python3 docs/first_ten_minutes.py --binary PATH      runs with a binary that exists: no clone, no build, no times

The commands after the build are those of README.md, section `On a host`; check.py runs the page again, so what is
written here stays true.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from check import shell

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE / "first-ten-minutes.md"
# Commands of the README whose answers are many lines, and how many of them are enough.
CUT = {"southwell descend data.npz": 6, "southwell completions": 0}
# Seconds differ from run to run: what a page says instead matches anything up to the end of a line.
TIMES = [
    (re.compile(r"\d+\.\d+ s( to couple.*)?$", re.M), "…"),
    (re.compile(r"^(policy +iterations +to CG).*$", re.M), r"\1…"),
    (re.compile(r"^(\S+ +\d+ +\d\.\d{3}) +\d+\.\d{3} +\d+\.\d{3}$", re.M), r"\1 …"),
]

HEAD = """# The first ten minutes

What is typed on a fresh clone, in order, and what comes back; `…` stands for what differs from run to run. Written by
`python3 docs/first_ten_minutes.py`{how}; `./test.sh pages`
runs every command after the build again and compares.

## Clone, build, the main job
<!-- not run: clones, and builds for minutes -->
```console
$ git clone {url} southwell && cd southwell
$ cargo build --release
$ export PATH=$PWD/target/release:$PATH
```
{built}
```console
$ southwell heat --steps 200
{heat}
```

A thousand steps are the published experiment; two hundred show the same. Fewer iterations than conjugate gradients
(`to CG` below 1) without being told omega: that is what `auto` is for.

## Files of your own
`python3 docs/data.py FOLDER` writes small ones for every command below.

"""

TAIL = """
## In a program of your own
<!-- not run: makes a package and builds it -->
```console
$ cargo new --lib tick && cd tick
$ cargo add --path ../southwell/core
```
Then the snippet of the README, section `In firmware`: the tests compile and run it as it stands there. For a service, take
`--path ../southwell/std-adapters` and `southwell_std::owned`.

## Next
[Which method](which-method.md) for your problem; [errors](errors.md), when one comes; [coming from another
library](migrate.md); [firmware](../targets/README.md).
"""


def run(command, folder, environment):
    done = shell(command, folder, environment)
    if done.returncode:
        sys.exit(f"{command}\n{done.stdout}")
    text = done.stdout.rstrip()
    for pattern, instead in TIMES:
        text = pattern.sub(instead, text)
    return text


def commands():
    """The lines of the README's section, without comments."""
    readme = (HERE.parent / "README.md").read_text()
    section = readme[readme.index("\n## On a host\n") :]
    block = re.search(r"^```sh\n(.*?)^```$", section, re.M | re.S)[1]
    for line in block.splitlines():
        command = re.sub(r"\s+#.*$", "", line)
        cut = next((cut for start, cut in CUT.items() if command.startswith(start)), None)
        if command.startswith("southwell heat") or cut == 0:
            continue
        yield f"{command} | head -n {cut}" if cut else command


def main():
    given = pathlib.Path(sys.argv[sys.argv.index("--binary") + 1]).resolve() if "--binary" in sys.argv else None
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        environment = {**os.environ, "COLUMNS": "80"}
        url, built, binary = "URL", "", given
        if given is None:
            clone = scratch / "southwell"
            subprocess.run(["git", "clone", "--quiet", HERE.parent, clone], check=True)
            start = time.monotonic()
            subprocess.run(["cargo", "build", "--release", "--locked"], cwd=clone, check=True)
            minutes = (time.monotonic() - start) / 60
            built = f"The build took {minutes:.1f} minutes on {os.cpu_count()} cores, packages fetched before.\n"
            binary = clone / "target/release/southwell"
        environment["PATH"] = f"{binary.parent}:{environment['PATH']}"
        folder = scratch / "try"
        subprocess.run([sys.executable, HERE / "data.py", folder], check=True)
        heat = run("southwell heat --steps 200", folder, environment)
        how = " with `--binary`, so without the build" if given else ""
        page = HEAD.format(how=how, url=url, heat=heat, built=built)
        page += "```console\n"
        for command in commands():
            page += f"$ {command}\n"
            text = run(command, folder, environment)
            page += f"{text}\n" if text else ""
        page += "```\n" + TAIL
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
