"""PETSc beside southwell over MPI: SOR and conjugate gradients on the same matrix and the same ranks.

Without --child this starts both sides by turns under mpirun, reads what they wrote, and computes every residual anew.
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np

# Name, ours, PETSc's options. w stands for the omega of the grid.
CASES = [
    ("SOR, ω = {w:.3f}", "multicolour --omega {w}", "-ksp_type richardson -pc_type sor -pc_sor_omega {w} -pc_sor_local_forward"),
    ("SOR, ours learns ω", "multicolour", "-ksp_type richardson -pc_type sor -pc_sor_omega {w} -pc_sor_local_forward"),
    ("CG", "cg", "-ksp_type cg -pc_type none"),
    ("CG, SSOR ω = 1", "ssor-cg --omega 1", "-ksp_type cg -pc_type sor -pc_sor_omega 1 -pc_sor_local_symmetric"),
    ("CG, ours SSOR, learns ω; theirs ILU(0) a rank", "ssor-cg", "-ksp_type cg -pc_type bjacobi -sub_pc_type ilu"),
]


def five_point(side):
    """The lower triangle of the five-point matrix by entries, and all of it."""
    k = np.arange(side * side)
    i, j = k // side, k % side
    west, south = k[j > 0], k[i > 0]
    rows = np.concatenate([k, west, south])
    columns = np.concatenate([k, west - 1, south - side])
    values = np.concatenate([np.full(k.size, 4.0), np.full(west.size + south.size, -1.0)])
    return rows, columns, values


def write(path, side):
    rows, columns, values = five_point(side)
    with open(path, "w", encoding="ascii") as file:
        file.write("%%MatrixMarket matrix coordinate real symmetric\n")
        file.write(f"{side * side} {side * side} {rows.size}\n")
        for row, column, value in zip(rows + 1, columns + 1, values):
            file.write(f"{row} {column} {value:g}\n")


def residual(side, x):
    """‖b − A x‖/‖b‖ with b = 1."""
    y = x.reshape(side, side)
    r = 1.0 - 4.0 * y
    r[1:] += y[:-1]
    r[:-1] += y[1:]
    r[:, 1:] += y[:, :-1]
    r[:, :-1] += y[:, 1:]
    return float(np.linalg.norm(r) / math.sqrt(x.size))


def child(arguments):
    """One rank of PETSc: this rank's rows, a solve, and x from rank 0."""
    import time

    import petsc4py

    petsc4py.init(arguments.options.split())
    from petsc4py import PETSc

    side, comm = arguments.side, PETSc.COMM_WORLD
    n = side * side
    first = n * comm.rank // comm.size
    end = n * (comm.rank + 1) // comm.size
    k = np.arange(first, end)
    i, j = k // side, k % side
    columns = np.stack([k - side, k - 1, k, k + 1, k + side], axis=1)
    values = np.tile([-1.0, -1.0, 4.0, -1.0, -1.0], (k.size, 1))
    there = np.stack([i > 0, j > 0, i >= 0, j < side - 1, i < side - 1], axis=1)
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    matrix = PETSc.Mat().createAIJ(
        size=((k.size, n), (k.size, n)), csr=(offsets, columns[there].astype(np.int32), values[there]), comm=comm
    )
    matrix.assemble()
    b, x = matrix.createVecLeft(), matrix.createVecRight()
    b.set(1.0)
    ksp = PETSc.KSP().create(comm)
    ksp.setOperators(matrix)
    ksp.setTolerances(rtol=1e-8, atol=0.0, divtol=1e6, max_it=20_000)
    ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
    ksp.setFromOptions()
    if ksp.getType() == "richardson":
        # Unwatched, it hands all its steps to the sweeps, which look at no residual.
        ksp.setMonitor(lambda *_: None)
    comm.barrier()
    begin = time.perf_counter()
    ksp.setUp()
    ksp.solve(b, x)
    comm.barrier()
    seconds = time.perf_counter() - begin
    scatter, whole = PETSc.Scatter.toZero(x)
    scatter.scatter(x, whole)
    if comm.rank == 0:
        np.save(arguments.out, whole.getArray())
        print(json.dumps({"seconds": seconds, "iterations": ksp.getIterationNumber(), "converged": ksp.getConvergedReason() > 0}))


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", help="the binary southwell, built with the feature mpi")
    parser.add_argument("--sides", default="100,300", help="sides of the grids")
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--child", action="store_true")
    parser.add_argument("--side", type=int)
    parser.add_argument("--options", default="")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    if arguments.child:
        return child(arguments)
    mpirun = os.environ.get("MPIRUN", "mpirun --allow-run-as-root --oversubscribe --bind-to none").split()
    print("| grid | ranks | method | iterations: ours, theirs | ours, ms | PETSc, ms | ratio (range) | residual: ours, theirs |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for side in map(int, arguments.sides.split(",")):
            matrix = folder / f"{side}.mtx"
            write(matrix, side)
            w = 2.0 / (1.0 + math.sin(math.pi / (side + 1)))
            for ranks in map(int, arguments.ranks.split(",")):
                for name, ours, theirs in CASES:
                    start = [*mpirun, "-n", str(ranks)]
                    x, y = folder / "x.npy", folder / "y.npy"
                    left = [*start, arguments.ours, "relax", str(matrix), "--cluster", "--json", "--tolerance", "1e-8"]
                    left += ["--out", str(x), "--method", *ours.format(w=w).split()]
                    right = [*start, sys.executable, __file__, "--child", "--side", str(side), "--out", str(y)]
                    right += [f"--options={theirs.format(w=w)}"]
                    mine, others, ratios = [], [], []
                    for pair in range(arguments.pairs):
                        turns = [(left, mine), (right, others)]
                        for command, into in turns if pair % 2 == 0 else turns[::-1]:
                            into.append(run(command))
                        ratios.append(others[-1]["seconds"] / mine[-1]["seconds"])
                        if not others[-1].get("converged"):
                            break
                    ms = [1e3 * statistics.median(run["seconds"] for run in runs) for runs in (mine, others)]
                    if not others[-1].get("converged"):
                        print(
                            f"| five-point {side}² | {ranks} | {name.format(w=w)} | {mine[0]['iterations']}, – | {ms[0]:.2f} "
                            f"| does not converge | – | {residual(side, np.load(x)):.1e}, – |",
                            flush=True,
                        )
                        continue
                    off = [residual(side, np.load(path)) for path in (x, y)]
                    print(
                        f"| five-point {side}² | {ranks} | {name.format(w=w)} | {mine[0]['iterations']}, {others[0]['iterations']} "
                        f"| {ms[0]:.2f} | {ms[1]:.2f} | **{statistics.median(ratios):.2f}** "
                        f"({min(ratios):.2f}–{max(ratios):.2f}) | {off[0]:.1e}, {off[1]:.1e} |",
                        flush=True,
                    )
    print(f"\nload {os.getloadavg()[0]:.0f}; {arguments.pairs} pairs")


if __name__ == "__main__":
    main()
