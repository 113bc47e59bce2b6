#!/usr/bin/env python3
"""Writes how many bytes of code each pass takes on a Cortex-M4F to PASSES.md.

Needs the Rust target thumbv7em-none-eabihf and the component llvm-tools (rustup adds both).
"""

import collections
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
FIRMWARE = HERE / "cortex-m"
TARGET = "thumbv7em-none-eabihf"
PROFILES = {"release": "s", "fast": "3"}
# What must not be in an image: the panic machinery, fused arithmetic, asking for an instruction set.
FORBIDDEN = re.compile(r"panic|\bfmaf?\b|cpuid|detect|\bArch\b|with_simd")
FUSED = re.compile(r"\tvfn?m[as]\S*")

INTRODUCTION = """\
# Code size of the passes

Written by `targets/size.py`: bytes of one pass on a Cortex-M4F ({compiler}, LTO fat), at opt-level `"s"` and 3. `f32` is in
hardware there, `f64` in software.

A figure is the size of the pass's own symbol with everything that was inlined into it, which is nearly all, and of
its closures. Not in it, because passes share it, is what the last table lists: the compiler's own arithmetic above
all; nor another pass that one calls as a whole (`norm` calls `dot` where the optimiser likes it so). The image is linked without a panic handler; the script found no symbol of panics, of fused arithmetic or of
dispatch in it, and no fused instruction.

"""


def output(*command, **options):
    return subprocess.run(command, check=True, text=True, capture_output=True, **options).stdout


def tool(name):
    """A program of the component llvm-tools."""
    sysroot = pathlib.Path(output("rustc", "--print", "sysroot").strip())
    found = next(sysroot.glob(f"lib/rustlib/*/bin/{name}"), None)
    return found or sys.exit(f"{name} is missing: rustup component add llvm-tools")


def symbols(profile):
    """(demangled name, bytes) of every function in an image."""
    folder = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", FIRMWARE / "target"))
    build = ["cargo", "build", "--quiet", "--locked", "--target", TARGET, "--profile", profile, "--bin", "sizes"]
    subprocess.run(build, check=True, cwd=FIRMWARE)
    image = folder / TARGET / profile / "sizes"
    if instruction := FUSED.search(output(tool("llvm-objdump"), "--disassemble", image)):
        sys.exit(f"the image for {profile} holds the instruction {instruction[0].strip()}")
    lines = output(tool("llvm-nm"), "--demangle", "--print-size", image)
    found = re.findall(r"^\w+ (\w+) [tTwW] (.+)$", lines, re.MULTILINE)
    return [(name, int(size, 16)) for size, name in found]


def main():
    listed = re.findall(r"^ {12}(\w+::\w+),$", (FIRMWARE / "src/bin/sizes.rs").read_text(), re.MULTILINE)
    sizes, shared = collections.Counter(), collections.defaultdict(dict)
    for profile, level in PROFILES.items():
        for name, size in symbols(profile):
            if FORBIDDEN.search(name):
                sys.exit(f"at opt-level {level} the image holds {name}")
            # The pass itself, or a closure of its own that was not inlined.
            own = re.search(r"(?:southwell_simd|sizes)::(\w+)::(?:\w+::)*(\w+?)(?:::)?<(f32|f64)>", name)
            key = own and f"{own[1]}::{own[2]}"
            if key in listed:
                sizes[key, own[3], level] += size
            elif re.search(r"^__aeabi|^mem|compiler_builtins|libm::|southwell_simd|core::", name):
                shared[level][name] = size
    columns = [(precision, level) for level in PROFILES.values() for precision in ("f32", "f64")]
    for name in listed:
        for precision, level in columns:
            if (name, precision, level) not in sizes:
                sys.exit(f"{name}::<{precision}> has no symbol at opt-level {level}")

    compiler = " ".join(output("rustc", "--version").split()[:2])
    lines = ["| pass | f32, s | f64, s | f32, 3 | f64, 3 |", "|---|--:|--:|--:|--:|"]
    for name in listed:
        cells = (f"{sizes[name, precision, level]:,}" for precision, level in columns)
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    lines += ["", "What they share:", "", "| function | s | 3 |", "|---|--:|--:|"]
    for name in sorted(set().union(*shared.values())):
        cells = (f"{shared[level][name]:,}" if name in shared[level] else "–" for level in PROFILES.values())
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    text = INTRODUCTION.format(compiler=compiler) + "\n".join(lines) + "\n"
    (HERE / "PASSES.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
