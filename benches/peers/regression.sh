#!/bin/sh
# Runs southwell's sparse regression beside scikit-learn, celer and skglm, one thread each. Options go to
# regression.py:
#   ./regression.sh [--rounds N] [--only dense|corr|sparse|diabetes|log|cancer|path] [--json FILE]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/.venv-regression"
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
if ! cmp -s "$here/regression-requirements.txt" "$venv/installed.txt"; then
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/regression-requirements.txt"
    cp "$here/regression-requirements.txt" "$venv/installed.txt"
fi
root=$(cd "$here/../.." && pwd)
cargo build --quiet --release --manifest-path "$root/Cargo.toml" -p southwell-benches --bin peer
target=${CARGO_TARGET_DIR:-"$root/target"}
pin=
if command -v taskset >/dev/null 2>&1; then
    # The last processor that we may use: the first is where everyone else is.
    pin="taskset -c $("$venv/bin/python" -c 'import os; print(max(os.sched_getaffinity(0)))')"
fi
exec env OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1 \
    $pin "$venv/bin/python" "$here/regression.py" --ours "$target/release/peer" "$@"
