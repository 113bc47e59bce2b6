#!/usr/bin/env bash
# Line coverage of this crate by its own tests (doctests and fuzzing not counted).
#   core/coverage.sh [--missing] [WHICH ...]
# prints a table, file by file, or with --missing the lines that no test reaches, as FILE:LINE. WHICH tests, in
# Cargo's words: --lib, --test NAME; all of them by default.
# Needs the component llvm-tools: rustup component add llvm-tools
set -euo pipefail

# Cargo calls this script in place of rustc: only this crate and its tests are counted, as counters inside the
# passes of `simd` would make them many times slower.
if [ -n "${SOUTHWELL_COVERAGE:-}" ]; then
    [ "${CARGO_PKG_NAME:-}" != southwell ] || set -- "$@" -Cinstrument-coverage
    exec "$@"
fi

missing=
[ "${1:-}" != --missing ] || { missing=yes; shift; }
[ $# -gt 0 ] || set -- --lib --tests
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin
[ -x "$tools/llvm-cov" ] || { echo "missing: llvm-tools; rustup component add llvm-tools" >&2; exit 3; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

export LLVM_PROFILE_FILE=$scratch/%p-%m.profraw
export CARGO_PROFILE_TEST_OPT_LEVEL=1 CARGO_PROFILE_TEST_DEBUG=0
SOUTHWELL_COVERAGE=1 RUSTC_WORKSPACE_WRAPPER=$PWD/core/coverage.sh \
    cargo test --locked -p southwell "$@" --no-run 2>&1 | tee "$scratch/log" >&2
objects=()
while read -r program; do
    (cd core && "$program" --quiet > "$scratch/output" 2>&1) || { cat "$scratch/output" >&2; exit 1; }
    objects+=(-object "$program")
done < <(sed -n "s|^ *Executable .*(\(.*\))$|$PWD/\1|p" "$scratch/log")
"$tools/llvm-profdata" merge -sparse "$scratch"/*.profraw -o "$scratch/all.profdata"
options=(-instr-profile="$scratch/all.profdata" --ignore-filename-regex='/(tests|simd|registry|rustc)/|tests.*\.rs$')
if [ -n "$missing" ]; then
    "$tools/llvm-cov" export -format=lcov "${objects[@]}" "${options[@]}" |
        sed -n "s|^SF:$PWD/||p; s|^DA:\([0-9]*\),0$|\1|p" |
        awk '/^[0-9]+$/ { print file ":" $0; next } { file = $0 }'
else
    "$tools/llvm-cov" report -show-region-summary=false -show-functions=false -show-branch-summary=false \
        "${objects[@]}" "${options[@]}"
fi
