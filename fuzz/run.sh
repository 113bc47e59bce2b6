#!/usr/bin/env bash
# Builds all fuzz targets once and runs each for SECONDS_PER_TARGET (default 15) from its seeds.
#   fuzz/run.sh [SECONDS_PER_TARGET] [TARGET ...]
# FUZZ_SEED=N  begin every target from this seed, so that the same build runs the same inputs (default: a new one each time)
# FUZZ_RUNS=N  end a target after so many inputs, if the time does not end it sooner
# FUZZ_JOBS=N  so many targets side by side (default 1)
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
    echo "$all" | grep -x "$target" >/dev/null || { echo "no such target: $target (there are:" $all")" >&2; exit 2; }
done

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
# Temporary files of the targets go there too.
export TMPDIR=$scratch

started=$SECONDS
cargo +nightly fuzz build || exit 2
echo "built in $((SECONDS - started)) s"

# Runs one target; its row goes to SCRATCH/TARGET.row, what it found to SCRATCH/TARGET.found.
fuzz_one() {
    local target=$1 log=$scratch/$1.log result=ok coverage artifact
    mkdir -p "$scratch/$target"
    cp "seeds/$target"/* "$scratch/$target"/ 2> /dev/null
    local options=(-max_total_time="$seconds" -max_len=2048 -rss_limit_mb=2048 -timeout=20 -print_final_stats=1
                   ${FUZZ_SEED:+"-seed=$FUZZ_SEED"} ${FUZZ_RUNS:+"-runs=$FUZZ_RUNS"})
    [ -f "dictionaries/$target.dict" ] && options+=(-dict="dictionaries/$target.dict")
    # Found inputs go to the scratch corpus, crashes to artifacts/, which git ignores.
    cargo +nightly fuzz run "$target" "$scratch/$target" -- "${options[@]}" > "$log" 2>&1 || result=FOUND
    stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -n 1; }
    coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    printf '%-14s %12s %9s %9s  %s\n' "$target" "$(stat number_of_executed_units)" "${coverage:--}" \
        "$(stat average_exec_per_sec)" "$result" | tee "$scratch/$target.row"
    [ "$result" = FOUND ] || return 0
    {
        grep -E 'panicked at|ERROR: |SUMMARY: ' -A 2 "$log" | head -n 20
        artifact=$(sed -n 's/.*Test unit written to \(.*\)$/\1/p' "$log" | tail -n 1)
        if [ -n "$artifact" ]; then
            echo "reproduce: cargo +nightly fuzz run $target $artifact"
            echo "minimise:  cargo +nightly fuzz tmin $target $artifact"
        else
            tail -n 20 "$log"
        fi
    } > "$scratch/$target.found"
    cat "$scratch/$target.found"
}

# A target is one thread: as many side by side as FUZZ_JOBS says.
jobs=${FUZZ_JOBS:-1}
case $jobs in '' | *[!0-9]* | 0) echo "FUZZ_JOBS=$jobs: a number of targets from 1 on" >&2; exit 2 ;; esac
running=0
for target in $targets; do
    if [ "$running" -ge "$jobs" ]; then
        wait -n
        running=$((running - 1))
    fi
    fuzz_one "$target" &
    running=$((running + 1))
done
wait

echo
printf '%-14s %12s %9s %9s  %s\n' target executions coverage exec/s result
status=0
for target in $targets; do
    # A target that left no row was stopped.
    cat "$scratch/$target.row" || status=1
    [ -e "$scratch/$target.found" ] && status=1
done
exit "$status"
