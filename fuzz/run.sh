#!/usr/bin/env bash
# Builds all fuzz targets once and runs each for SECONDS_PER_TARGET (default 15) from its seeds.
#   fuzz/run.sh [SECONDS_PER_TARGET] [TARGET ...]
# FUZZ_SEED=N  begin every target from this seed, so that the same build runs the same inputs (default: a new one each time)
# FUZZ_RUNS=N  end a target after so many inputs, if the time does not end it sooner
# Exit: 0 nothing found, 1 a finding (how to reproduce it is printed), 2 bad arguments or no build,
# 3 a tool is missing.
set -u

seconds=${1:-15}
case $seconds in
    '' | *[!0-9]* | 0) echo "usage: fuzz/run.sh [SECONDS_PER_TARGET] [TARGET ...]" >&2; exit 2 ;;
esac
[ $# -gt 0 ] && shift
cd "$(dirname "$0")" || exit 2

missing=0
need() {
    echo "missing: $1; install it with: $2" >&2
    missing=1
}
command -v cargo > /dev/null || need "cargo" "https://rustup.rs"
cargo +nightly --version > /dev/null 2>&1 || need "a nightly toolchain" "rustup toolchain install nightly"
cargo fuzz --version > /dev/null 2>&1 || need "cargo-fuzz" "cargo install --locked cargo-fuzz@0.13.2"
[ "$missing" = 0 ] || exit 3

all=$(sed -n 's/^path = "fuzz_targets\/\(.*\)\.rs"$/\1/p' Cargo.toml)
targets=${*:-$all}
for target in $targets; do
    echo "$all" | grep -qx "$target" || { echo "no such target: $target (there are:" $all")" >&2; exit 2; }
done

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
# Temporary files of the targets go there too.
export TMPDIR=$scratch

started=$SECONDS
cargo +nightly fuzz build || exit 2
echo "built in $((SECONDS - started)) s"

status=0
rows=$(printf '%-14s %12s %9s %9s  %s' target executions coverage exec/s result)
for target in $targets; do
    mkdir -p "$scratch/$target"
    cp "seeds/$target"/* "$scratch/$target"/ 2> /dev/null
    options=(-max_total_time="$seconds" -max_len=2048 -rss_limit_mb=2048 -timeout=20 -print_final_stats=1
             ${FUZZ_SEED:+"-seed=$FUZZ_SEED"} ${FUZZ_RUNS:+"-runs=$FUZZ_RUNS"})
    [ -f "dictionaries/$target.dict" ] && options+=(-dict="dictionaries/$target.dict")
    log=$scratch/$target.log
    # Found inputs go to the scratch corpus, crashes to artifacts/, which git ignores.
    if cargo +nightly fuzz run "$target" "$scratch/$target" -- "${options[@]}" > "$log" 2>&1; then
        result=ok
    else
        result=FOUND
        status=1
    fi
    stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -n 1; }
    coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    row=$(printf '%-14s %12s %9s %9s  %s' "$target" "$(stat number_of_executed_units)" "${coverage:--}" \
        "$(stat average_exec_per_sec)" "$result")
    rows+=$'\n'$row
    echo "$row"
    if [ "$result" = FOUND ]; then
        grep -E 'panicked at|ERROR: |SUMMARY: ' -A 2 "$log" | head -n 20
        artifact=$(sed -n 's/.*Test unit written to \(.*\)$/\1/p' "$log" | tail -n 1)
        if [ -n "$artifact" ]; then
            echo "reproduce: cargo +nightly fuzz run $target $artifact"
            echo "minimise:  cargo +nightly fuzz tmin $target $artifact"
        else
            tail -n 20 "$log"
        fi
    fi
done
echo
echo "$rows"
exit "$status"
