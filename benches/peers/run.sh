#!/bin/sh
# Runs southwell beside PyAMG, SciPy, NumPy with OpenBLAS, faer, POT and OTT-JAX, one thread each, in one process
# tree. Options go to run.py:
#   ./run.sh [--only dense|sparse|transport] [--json FILE] [--pairs N] [--sizes 100,300,1000] [--solve-limit N]
#            [--data FOLDER] [--slow SECONDS]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/.venv"
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/installed.txt"
fi
root=$(cd "$here/../.." && pwd)
cargo build --quiet --release --manifest-path "$root/Cargo.toml" -p southwell-benches --features peers --bin peer
target=${CARGO_TARGET_DIR:-"$root/target"}
pin=
if command -v taskset >/dev/null 2>&1; then
    # The last processor that we may use: the first is where everyone else is.
    pin="taskset -c $("$venv/bin/python" -c 'import os; print(max(os.sched_getaffinity(0)))')"
fi
exec env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE \
    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1 RAYON_NUM_THREADS=1 JAX_PLATFORMS=cpu \
    XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1" \
    $pin "$venv/bin/python" "$here/run.py" --ours "$target/release/peer" "$@"
