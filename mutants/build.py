"""A copy of the tree with every mutant of a package in it, its test programs, and which test comes by which.

A tree a package: what `core` would pay for the switches in the passes of `simd` is most of its build.
"""

import hashlib
import json
import math
import os
import pathlib
import re
import resource
import signal
import subprocess

import switch

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = {"simd": "southwell-simd", "core": "southwell"}
FEATURES = {"simd": [], "core": ["--features=heapless,nalgebra"]}
# What has no switches in it need not be slow.
PROFILE = {"simd": ['--config=profile.dev.package."*".opt-level=2'],
           "core": ['--config=profile.dev.package."*".opt-level=2', "--config=profile.dev.package.southwell-simd.opt-level=3"]}
PATH = {"simd": "crate::mutants", "core": "::southwell_simd::mutants"}
# The passes of `simd` take minutes to be optimised, and their tests no less without.
LEVEL = {"simd": "0", "core": "1"}
ENVIRONMENT = {
    **os.environ,
    # What a mutant makes of a lint is no reason against it.
    "RUSTFLAGS": "--cap-lints=allow",
    "CARGO_PROFILE_DEV_DEBUG": "0",
    "CARGO_INCREMENTAL": "1",
    # Parts of a crate are optimised each by itself: to do so again together is most of the time.
    "CARGO_PROFILE_DEV_LTO": "off",
    # Passes that are not optimised keep all of their registers there.
    "RUST_MIN_STACK": str(1 << 26),
    # The same cases every time, and no search for a smaller one: a failure is all that is asked for.
    "PROPTEST_RNG_SEED": "1",
    "PROPTEST_MAX_SHRINK_ITERS": "0",
}


# What a tree has in place of what, line by line: without AVX-512; with passes compiled for the test programs that call them.
NARROW = {
    "simd/Cargo.toml": (b', "x86-v4"', b""),
    "simd/src/level.rs": (b"pulp::x86::V4::try_new().map(Arch::V4)", b"None"),
    "simd/src/bits.rs": (b'#[cfg(target_arch = "x86_64")]\n    if let Some(v4)', b"#[cfg(any())]\n    if let Some(v4)"),
}
ALONE = {"simd/src/dispatch.rs": (b'#[cfg(all(feature = "force-level", not(test)))]', b"#[cfg(any())]")}


def patched(name, content, patches):
    if name in patches:
        old, new = patches[name]
        assert old in content, name
        return content.replace(old, new)
    return content


def copy(work, patches):
    """Copies what has changed, so that Cargo builds no more than that."""
    root = HERE.parent
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=root, check=True, capture_output=True,
                            text=True).stdout.split("\n")
    wanted = {name for name in listed if name and (root / name).is_file()}
    for name in wanted:
        there = work / "tree" / name
        there.parent.mkdir(parents=True, exist_ok=True)
        content = (root / name).read_bytes()
        there.exists() and is_mutated(name) or write(there, patched(name, content, patches))
    for folder in ("core", "simd"):
        for path in (work / "tree" / folder).rglob("*.rs"):
            name = str(path.relative_to(work / "tree"))
            if name not in wanted and name != "simd/src/mutants.rs":
                path.unlink()
    return wanted


def is_mutated(name):
    return re.match(r"(core|simd)/src/.*\.rs$", name) is not None


def write(path, content):
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def listed():
    """Every mutant of the two packages, in the order of `cargo mutants`, those that are not counted too."""
    mutants, root = [], HERE.parent
    for package in PACKAGES.values():
        out = subprocess.run(["cargo", "mutants", "--list", "--json", "--no-config", "--package", package], cwd=root, check=True,
                             capture_output=True, text=True).stdout
        mutants += json.loads(out)
    return [mutant for mutant in mutants if left_out(mutant["name"]) != "The tests themselves."]


def exclusions():
    """What .cargo/mutants.toml leaves out: pairs of a pattern and the reason that stands above it."""
    found, reason, glob, fresh = [], "", False, False
    for line in (HERE.parent / ".cargo/mutants.toml").read_text().split("\n"):
        if match := re.match(r"exclude_(globs|re) = \[", line):
            glob = match[1] == "globs"
        elif line.startswith("    # "):
            reason = reason + " " + line[6:] if fresh else line[6:]
            fresh = True
        elif match := re.match(r"    (\".*\"),$", line):
            fresh, text = False, json.loads(match[1])
            if glob:
                text = "^" + "(.*/)?".join(re.escape(part).replace(r"\*", "[^/]*") for part in text.split("**/")) + ":"
            found.append((re.compile(text), reason))
    return found


EXCLUSIONS = exclusions()


def left_out(name):
    """Why a mutant is not counted; None if it is."""
    return next((reason for pattern, reason in EXCLUSIONS if pattern.search(name)), None)


def make(work, mutants, folder, only, patches):
    """Writes the tree with a package's mutants in files in whose path the pattern `only` is found; leaves out mutant after
    mutant until it compiles. Returns their fates."""
    root = HERE.parent
    wanted = copy(work, patches)
    names = [mutant["name"] for mutant in mutants]
    text_of = {name: (root / name).read_text() for name in sorted(wanted) if is_mutated(name)}
    text_of = {name: patched(name, text.encode(), patches).decode() for name, text in text_of.items()}
    # What is known of a file holds until it changes.
    fate_file = work / "fates.json"
    known = json.loads(fate_file.read_text()) if fate_file.exists() else {}
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in text_of.items()}
    same = {name for name in hashes if known.get("hashes", {}).get(name) == hashes[name]}
    fates = {name: fate for name, fate in known.get("fates", {}).items() if name.split(":")[0] in same}
    while True:
        files = {}
        for name, text in text_of.items():
            here = [(number, mutant) for number, mutant in enumerate(mutants)
                    if mutant["file"] == name and names[number] not in fates and name.startswith(folder + "/")
                    and re.search(only, name)]
            files[name] = switch.File(text.encode(), here, PATH[folder])
            for number, fate in files[name].left:
                fates[names[number]] = fate
            new = files[name].written()
            if name == "simd/src/lib.rs":
                new += b"\n#[doc(hidden)]\npub mod mutants;\n"
            write(work / "tree" / name, new)
        write(work / "tree/simd/src/mutants.rs", (HERE / "on.rs").read_bytes())
        bad = check(work, folder, files)
        for number, its_own in bad:
            fates[names[number]] = "unviable" if its_own else "left: does not compile behind a switch"
        fate_file.write_text(json.dumps({"hashes": hashes, "fates": fates}))
        if not bad:
            return fates
        print(f"{folder}: {len(bad)} mutants do not compile", flush=True)


def environment(folder):
    return {**ENVIRONMENT, "CARGO_PROFILE_DEV_OPT_LEVEL": LEVEL[folder]}


def check(work, folder, files):
    command = ["cargo", "check", "--locked", "--message-format=json", "-p", PACKAGES[folder], "--lib", *FEATURES[folder],
               *PROFILE[folder], "--target-dir", str(work / "target")]
    if folder == "simd":
        command += ["--features", "force-level"]
    ran = subprocess.run(command, cwd=work / "tree", env=environment(folder), capture_output=True, text=True)
    if ran.returncode == 0:
        return []
    bad, strange = set(), []
    for line in ran.stdout.split("\n"):
        message = json.loads(line).get("message") if line.startswith("{") else None
        if not message or message.get("level") != "error":
            continue
        spans = [span for span in message["spans"] if span["is_primary"] and span["file_name"] in files]
        for span in spans:
            numbers, its_own = files[span["file_name"]].blame(span["byte_start"], span["byte_end"])
            bad |= {(number, its_own) for number in numbers}
        if not spans and message["spans"]:
            strange.append(message["rendered"])
    if not bad:
        raise SystemExit("cannot tell which mutant does not compile:\n" + ran.stderr[-2000:] + "\n".join(strange[:5]))
    sure = {number for number, its_own in bad if its_own}
    return [(number, its_own) for number, its_own in sorted(bad) if its_own or number not in sure]


def programs(work, folder, asked=()):
    """Builds the test programs of a package, its own and all or some of the others, and gives their paths by name."""
    others = [word for name in asked for word in ("--test", name)] or ["--tests"]
    command = ["cargo", "test", "--locked", "--no-run", "--message-format=json", "-p", PACKAGES[folder], "--lib", *others,
               *FEATURES[folder], *PROFILE[folder], "--target-dir", str(work / "target")]
    ran = subprocess.run(command, cwd=work / "tree", env=environment(folder), capture_output=True, text=True)
    if ran.returncode != 0:
        raise SystemExit(ran.stderr[-4000:])
    found = {}
    for line in ran.stdout.split("\n"):
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("executable") and message.get("profile", {}).get("test"):
            found[message["target"]["name"]] = message["executable"]
    return found


def tests(program, work):
    out = subprocess.run([program, "--list", "--format=terse"], cwd=work, check=True, capture_output=True, text=True).stdout
    return [line.removesuffix(": test") for line in out.split("\n") if line.endswith(": test")]


def map_tests(work, folder, slowest=60.0, asked=()):
    """Which mutants each test of a package comes by, and the seconds of the processor that it takes."""
    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(slowest) + 1, math.ceil(slowest) + 1))

    found = []
    for name, program in sorted(programs(work, folder, asked).items()):
        stamp = [os.stat(program).st_size, os.stat(program).st_mtime_ns]
        cached = work / f"map-{folder}-{name}.json"
        if cached.exists():
            old = json.loads(cached.read_text())
            if old["stamp"] == stamp:
                found += old["tests"]
                continue
        here = []
        for test in tests(program, work):
            path = work / f"reached-{os.getpid()}"
            path.unlink(missing_ok=True)
            begin = resource.getrusage(resource.RUSAGE_CHILDREN)
            command, told = [program, "--exact", test, "--test-threads=1"], {"SOUTHWELL_REACHED": str(path)}
            ran = subprocess.run(command, cwd=work, capture_output=True, preexec_fn=limit,
                                 env={**ENVIRONMENT, "SOUTHWELL_MUTANT": "reached", **told})
            end = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
            if ran.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
                print(f"left out: {name}: {test} takes longer than {slowest:.0f} s", flush=True)
                continue
            if ran.returncode != 0:
                raise SystemExit(f"{name}: {test} fails without a mutant:\n" + ran.stdout.decode()[-3000:])
            reached = sorted({int(word) for word in path.read_text().split()}) if path.exists() else []
            path.unlink(missing_ok=True)
            here.append({"program": program, "binary": name, "test": test, "seconds": seconds, "reached": reached})
        cached.write_text(json.dumps({"stamp": stamp, "tests": here}))
        found += here
    return found


def mapped(work, folder):
    """What `map_tests` found last."""
    return [test for path in sorted(work.glob(f"map-{folder}-*.json")) for test in json.loads(path.read_text())["tests"]]
