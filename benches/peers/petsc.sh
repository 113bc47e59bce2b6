#!/bin/sh
# Runs southwell beside PETSc over MPI, on the same matrix and ranks. Options go to petsc.py:
#   ./petsc.sh [--sides 100,300] [--ranks 1,2] [--pairs N]
# PETSc, its Python layer and NumPy are Debian's: apt-get install python3-petsc4py libopenmpi-dev openmpi-bin
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# Debian keeps PETSc's Python layer in a folder of its own, for Debian's Python.
for folder in /usr/lib/petscdir/*/*-real/lib/python3/dist-packages; do
    PYTHONPATH=$folder${PYTHONPATH:+:$PYTHONPATH}
done
export PYTHONPATH
/usr/bin/python3 -c 'import petsc4py, numpy' || {
    echo "petsc.sh: install the package python3-petsc4py" >&2
    exit 3
}
cargo build --quiet --locked --release --manifest-path "$root/Cargo.toml" -p southwell-std --features mpi --bin southwell
target=${CARGO_TARGET_DIR:-"$root/target"}
exec env OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
    /usr/bin/python3 "$here/petsc.py" --ours "$target/release/southwell" "$@"
