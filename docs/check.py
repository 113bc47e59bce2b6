#!/usr/bin/env python3
"""Runs every command of README.md and docs/*.md: `python3 docs/check.py target/debug/southwell [--write]`.

A block marked `sh` is run by bash in a scratch folder that holds the files of data.py, and must succeed. In a block
marked `console`, lines that begin with `$ ` are run, and what they print, on both outputs, must be what the page
says; `…` stands for anything within a line. An HTML comment `<!-- not run: why -->` before a block leaves it out.
Numbers of `--steps` above 200 are cut to 20, so that the whole takes seconds. A picture that lies in docs/gallery
must come out the same, byte for byte; `--write` puts the new ones there.

Rust snippets are compiled and run elsewhere: `cargo test -p southwell-std --doc pages`.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
GALLERY = HERE / "gallery"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
SKIP = re.compile(r"<!-- not run: .+ -->\s*\Z")


def blocks(page):
    """Language, text and line of every block that is to be run."""
    text = page.read_text()
    for found in FENCE.finditer(text):
        if found[1] in ("sh", "console") and not SKIP.search(text[: found.start()]):
            yield found[1], found[2], text.count("\n", 0, found.start()) + 1


def shell(command, folder, environment):
    """Runs a command; both outputs, in the order they came, are in stdout."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(command, folder, environment):
    """The same with fewer steps, where many would take minutes."""
    fewer = re.sub(r"--steps (\d+)", lambda m: f"--steps {m[1] if int(m[1]) <= 200 else 20}", command)
    return shell(fewer, folder, environment)


def check_console(text, folder, environment):
    """The first line that differs, or nothing."""
    parts = re.split(r"^\$ ", text, flags=re.M)[1:]
    for part in parts:
        command, _, expected = part.partition("\n")
        given = run(command, folder, environment).stdout
        pattern = re.escape(expected.strip()).replace("…", r"[^\n]*")
        if not re.fullmatch(pattern, given.strip()):
            return f"$ {command}\nthe page says:\n{expected.strip()}\nit printed:\n{given.strip()}"
    return None


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    write = "--write" in sys.argv
    failures, count, start = [], 0, time.monotonic()
    for page in [HERE.parent / "README.md", *sorted(HERE.glob("*.md"))]:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, HERE / "data.py", folder], check=True)
            environment = {**os.environ, "PATH": f"{binary.parent}:{os.environ['PATH']}", "COLUMNS": "80"}
            for language, text, line in blocks(page):
                count += 1
                if language == "console":
                    fault = check_console(text, folder, environment)
                else:
                    done = run(text, folder, environment)
                    fault = f"exit code {done.returncode}:\n{done.stdout}" if done.returncode else None
                if fault:
                    failures.append(f"{page.name}, line {line}: {fault}")
            if page.name == "gallery.md":
                for picture in sorted(pathlib.Path(folder).glob("*.svg")):
                    kept = GALLERY / picture.name
                    if write:
                        kept.write_bytes(picture.read_bytes())
                    elif not kept.exists() or kept.read_bytes() != picture.read_bytes():
                        failures.append(f"docs/gallery/{picture.name} comes out different; run with --write and look")
                    if kept.exists() and kept.stat().st_size > 60_000:
                        failures.append(f"docs/gallery/{picture.name} is larger than 60 kB")
    for failure in failures:
        print(failure, end="\n\n", file=sys.stderr)
    print(f"{count} blocks of commands, {len(failures)} failures, {time.monotonic() - start:.1f} s")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
