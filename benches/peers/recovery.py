"""Iterations of robust matrix recovery beside NumPy with OpenBLAS, one thread each, on the same measurements.

`python recovery.py --ours target/release/peer` (with OPENBLAS_NUM_THREADS=1). Both sides take turns, and a
ratio is the median over the rounds of theirs / ours. X is symmetric, so that only the symmetric part of a measurement
matrix counts: `packed` keeps its lower triangle, with which NumPy's two products serve as well. Its row is set against
NumPy on the packed and on the whole matrices. Seconds are the processor's, which other programs lengthen less than
those of the wall; load is printed at the end.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np

from run import Ours, blas_name, machine
from transport import clock

SIZES = [(30, 1200, 10), (64, 4096, 10), (128, 2048, 10)]


def problem(d, m, rank, dtype):
    rng = np.random.default_rng(1)
    a = rng.standard_normal((m, d, d)).astype(dtype)
    factor = np.linalg.qr(rng.standard_normal((d, 3)))[0]
    y = a.reshape(m, -1) @ (factor @ factor.T).ravel().astype(dtype)
    wrong = rng.random(m) < 0.3
    y[wrong] += 10 * np.sqrt(3) * rng.standard_normal(wrong.sum()).astype(dtype)
    return a, y.astype(dtype), (0.1 * rng.standard_normal((d, rank))).astype(dtype)


def iterate(a, y, u, count):
    """What NumPy makes of it: two products with the matrix of all measurements, and small ones."""
    m, d, _ = a.shape
    rows = a.reshape(m, d * d)
    u = u.copy()
    residual = rows @ (u @ u.T).ravel() - y
    start = clock()
    for _ in range(count):
        q = (np.sign(residual) @ rows).reshape(d, d) / m
        g = (q + q.T) @ u
        u -= (0.25 * np.linalg.norm(u) / np.linalg.norm(g)) * g
        residual = rows @ (u @ u.T).ravel() - y
    return (clock() - start) / count, float(np.abs(residual).mean())


def lower(a):
    """Lower triangles of the symmetric parts, by rows."""
    i, j = np.tril_indices(a.shape[1])
    return np.ascontiguousarray((a[:, i, j] + a[:, j, i]) / 2)


def iterate_packed(packed, y, u, count):
    """The same with triangles: X's entries off the diagonal count twice."""
    m, d = len(y), len(u)
    i, j = np.tril_indices(d)
    twice = np.where(i == j, 1, 2).astype(u.dtype)
    u = u.copy()
    q = np.empty((d, d), u.dtype)
    residual = packed @ ((u @ u.T)[i, j] * twice) - y
    start = clock()
    for _ in range(count):
        q[i, j] = q[j, i] = (np.sign(residual) @ packed) * (2 / m)
        g = q @ u
        u -= (0.25 * np.linalg.norm(u) / np.linalg.norm(g)) * g
        residual = packed @ ((u @ u.T)[i, j] * twice) - y
    return (clock() - start) / count, float(np.abs(residual).mean())


def mine(ours, count):
    """Processor seconds an iteration: what `count` more than two take, so that the start drops out."""

    def spent(steps):
        start = clock(ours.process)
        ours.ask("iterate", steps)
        return clock(ours.process) - start

    return (spent(2 + count) - spent(2)) / count


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", required=True, help="the binary `peer`")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    ours = Ours(options.ours)
    print(f"Machine: {machine()}, SIMD level {ours.ask('level')[0]}, NumPy {np.__version__}, {blas_name()}.")
    print("\n| matrices | d | m | r | type | MB | ours, ms | NumPy, ms | ratio (range) | to NumPy on whole ones |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for d, m, rank in SIZES:
            for dtype, real in ((np.float32, "f32"), (np.float64, "f64")):
                a, y, u = problem(d, m, rank, dtype)
                y.tofile(folder / "y")
                u.T.tofile(folder / "u")

                def whole(count):
                    return iterate(a, y, u, count)

                packed = lower(a)
                for name, kept, theirs in [
                    ("whole", a, whole),
                    ("packed", packed, lambda count: iterate_packed(packed, y, u, count)),
                ]:
                    kept.tofile(folder / "a")
                    assert ours.ask("recovery", folder, real, d) == ["ok", str(m)]
                    ours_value, other = float(ours.ask("iterate", 3)[1]), theirs(3)[1]
                    if abs(ours_value - other) > 1e-3 * other:
                        raise RuntimeError(f"{name} {d} {real}: {ours_value} and {other}")
                    count = max(2, int(0.05 / theirs(2)[0]))
                    sides = [lambda: mine(ours, count), lambda: theirs(count)[0], lambda: whole(count)[0]]
                    times = []
                    for turn in range(options.rounds):
                        order = [0, 1, 2] if turn % 2 == 0 else [2, 1, 0]
                        took = {side: sides[side]() for side in order}
                        times.append([took[side] for side in range(3)])
                    ratios = sorted(t[1] / t[0] for t in times)
                    middle = [statistics.median(t) * 1e3 for t in zip(*times)]
                    print(
                        f"| {name} | {d} | {m} | {rank} | {real} | {kept.nbytes / 1e6:.0f} | {middle[0]:.3f} "
                        f"| {middle[1]:.3f} | **{statistics.median(ratios):.2f}** ({ratios[0]:.2f}–{ratios[-1]:.2f}) "
                        f"| **{statistics.median(t[2] / t[0] for t in times):.2f}** |",
                        flush=True,
                    )
    ours.close()
    print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
