"""Southwell beside PyAMG's sweeps, SciPy's conjugate gradients, NumPy, OpenBLAS, faer, POT and OTT-JAX.

Both sides read the same arrays. They take turns (ours first in even pairs, theirs in odd ones), one
thread each, so that a neighbour's load falls on both. A ratio is theirs / ours: above 1 we are faster.
The sweeps call `pyamg.amg_core` directly, without the checks of its Python layer.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyamg
import scipy
import scipy.io
import scipy.sparse as sp
import scipy.sparse.linalg
from pyamg import amg_core

import dense
import transport

TOLERANCE = 1e-8
SWEEPS = {"Gauss-Seidel": 1.0, "SOR 1.5": 1.5}


class Ours:
    """The process of our side: a line to it, a line from it. Its large arrays lie in huge pages, as NumPy's do."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=os.environ | {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"},
        )

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        if not answer or answer[0] == "error":
            raise RuntimeError(f"{words}: {' '.join(answer) or 'no answer'}")
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def five_point(side):
    ones = np.ones(side)
    line = sp.diags([-ones[1:], 2 * ones, -ones[1:]], [-1, 0, 1])
    eye = sp.identity(side)
    return sp.kron(line, eye) + sp.kron(eye, line)


def prepared(matrix):
    """Sorted 32-bit CSR without duplicates or stored zeros beside the diagonal."""
    matrix = sp.csr_matrix(matrix, dtype=np.float64)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    matrix.sort_indices()
    matrix.indptr = matrix.indptr.astype(np.int32)
    matrix.indices = matrix.indices.astype(np.int32)
    return matrix


def hand_over(ours, folder, matrix, rhs):
    matrix.indptr.astype("<u4").tofile(folder / "offsets")
    matrix.indices.astype("<u4").tofile(folder / "columns")
    matrix.data.astype("<f8").tofile(folder / "values")
    rhs.astype("<f8").tofile(folder / "rhs")
    assert ours.ask("load", folder) == ["ok", str(rhs.size)]


def their_sweeps(matrix, rhs, omega, count):
    """Seconds a sweep, and x."""
    x = np.zeros(rhs.size)
    arrays = (matrix.indptr, matrix.indices, matrix.data, x, rhs, 0, rhs.size, 1)
    start = time.perf_counter()
    if omega == 1.0:
        for _ in range(count):
            amg_core.gauss_seidel(*arrays)
    else:
        for _ in range(count):
            amg_core.sor_gauss_seidel(*arrays, omega)
    return (time.perf_counter() - start) / count, x


def compare_sweeps(ours, folder, matrix, rhs, omega, view):
    """x after three sweeps: the largest difference, relative to the largest entry."""
    ours.ask("sweep", view, 3, omega)
    ours.ask("store", folder / "x")
    x = np.fromfile(folder / "x", dtype="<f8")
    theirs = their_sweeps(matrix, rhs, omega, 3)[1]
    # The definition, by a triangular solve a sweep.
    lower = sp.csr_matrix(sp.tril(matrix, -1) + sp.diags(matrix.diagonal() / omega))
    plain = np.zeros(rhs.size)
    for _ in range(3):
        plain += scipy.sparse.linalg.spsolve_triangular(lower, rhs - matrix @ plain, lower=True)
    scale = np.abs(plain).max()
    difference = np.abs(x - theirs).max() / scale
    if max(difference, np.abs(x - plain).max() / scale) > 1e-12:
        raise RuntimeError(f"sweeps disagree: {difference:e}")
    return difference


def in_turns(pairs, ours, theirs):
    """Medians of both sides and of the ratios, and the ratios."""
    times = []
    for pair in range(pairs):
        if pair % 2 == 0:
            mine = ours()
            times.append((mine, theirs()))
        else:
            other = theirs()
            times.append((ours(), other))
    ratios = sorted(theirs / ours for ours, theirs in times)
    return {
        "ours": statistics.median(t[0] for t in times),
        "theirs": statistics.median(t[1] for t in times),
        "ratio": statistics.median(ratios),
        "ratios": ratios,
    }


def sweep_rows(ours, folder, name, matrix, rhs, pairs, views):
    for title, omega in SWEEPS.items():
        for view in views:
            difference = compare_sweeps(ours, folder, matrix, rhs, omega, view)
            once = their_sweeps(matrix, rhs, omega, 2)[0]
            count = max(2, int(0.05 / once))
            row = in_turns(
                pairs,
                lambda: float(ours.ask("sweep", view, count, omega)[0]),
                lambda: their_sweeps(matrix, rhs, omega, count)[0],
            )
            yield {"matrix": name, "method": title, "view": view, "difference": difference, **row}


def their_cg(matrix, rhs, limit):
    steps = 0

    def count(_x):
        nonlocal steps
        steps += 1

    start = time.perf_counter()
    x, info = scipy.sparse.linalg.cg(matrix, rhs, rtol=TOLERANCE, atol=0.0, maxiter=limit, callback=count)
    seconds = time.perf_counter() - start
    residual = np.linalg.norm(rhs - matrix @ x) / np.linalg.norm(rhs)
    return seconds, steps, residual, info


def cg_rows(ours, folder, name, matrix, rhs, pairs, requests):
    limit = 1_000_000
    for title, request in requests:
        last = {}

        def mine():
            seconds, steps, _, status = ours.ask(*request)
            last["steps"], last["status"] = int(steps), status
            return float(seconds)

        def other():
            seconds, last["their_steps"], last["their_residual"], last["info"] = their_cg(matrix, rhs, limit)
            return seconds

        row = in_turns(pairs, mine, other)
        # Ours is judged here, not by its own report.
        ours.ask("store", folder / "x")
        x = np.fromfile(folder / "x", dtype="<f8")
        last["residual"] = float(np.linalg.norm(rhs - matrix @ x) / np.linalg.norm(rhs))
        if last["status"] != "Converged" or last["residual"] > TOLERANCE * 1.001:
            raise RuntimeError(f"{name}, {title}: {last}")
        yield {"matrix": name, "method": title, **row, **last}


def model_omega(side):
    """The model value for SSOR on the five-point grid: 2/(1 + 2 sin(pi h/2))."""
    return 2 / (1 + 2 * np.sin(np.pi / (2 * (side + 1))))


def systems(sizes, data):
    for side in sizes:
        yield f"five-point {side}²", prepared(five_point(side)), side
    for file in sorted(Path(data).glob("*.mtx")) if data else []:
        yield file.stem, prepared(scipy.io.mmread(file)), None


def report(results):
    print(f"\nMachine: {results['machine']}, SIMD level {results['level']}, load at the end {results['load']}.")
    print(f"PyAMG {pyamg.__version__}, SciPy {scipy.__version__}, NumPy {np.__version__}.")
    print(f"BLAS of NumPy: {blas_name()}.")
    print(f"Medians of {results['pairs']} pairs; ratio = theirs / ours.")
    if results["dense"]:
        dense.report(results["dense"])
    if results["transport"] or results["iterations"]:
        transport.report(results["transport"], results["iterations"])
    if not results["sweeps"]:
        return
    print()
    print("| matrix | sweep | our view | ours, µs | PyAMG, µs | ratio (range) | x after 3 sweeps differs by |")
    print("|---|---|---|---|---|---|---|")
    for r in results["sweeps"]:
        print(
            f"| {r['matrix']} | {r['method']} | {r['view']} | {r['ours'] * 1e6:.1f} | {r['theirs'] * 1e6:.1f} "
            f"| **{r['ratio']:.2f}** ({r['ratios'][0]:.2f}–{r['ratios'][-1]:.2f}) | {r['difference']:.0e} |"
        )
    print("\n| matrix | ours | steps | ms | SciPy CG steps | ms | ratio (range) | residual ours, theirs |")
    print("|---|---|---|---|---|---|---|---|")
    for r in results["solves"]:
        print(
            f"| {r['matrix']} | {r['method']} | {r['steps']} | {r['ours'] * 1e3:.2f} | {r['their_steps']} "
            f"| {r['theirs'] * 1e3:.2f} | **{r['ratio']:.2f}** ({r['ratios'][0]:.2f}–{r['ratios'][-1]:.2f}) "
            f"| {r['residual']:.1e}, {r['their_residual']:.1e} |"
        )


def blas_name():
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{blas['name']} {blas['version']}"


def machine():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} processors"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", required=True, help="the binary `peer`")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--sizes", default="100,300,1000", help="sides of the five-point grids")
    parser.add_argument(
        "--solve-limit",
        type=int,
        default=200_000,
        help="unknowns up to which systems are solved, not only swept (10^6 unknowns: minutes)",
    )
    parser.add_argument("--data", help="a folder of Matrix Market files to add")
    parser.add_argument("--only", choices=["dense", "sparse", "transport"], help="one part of it")
    parser.add_argument(
        "--slow", type=float, default=120, help="seconds above which a peer's way to solve transport is left out"
    )
    options = parser.parse_args()
    sizes = [int(side) for side in options.sizes.split(",")]
    ours = Ours(options.ours)
    results = {"pairs": options.pairs, "machine": machine(), "level": ours.ask("level")[0]}
    results |= {"dense": [], "sweeps": [], "solves": [], "transport": [], "iterations": []}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        if options.only in (None, "dense"):
            results["dense"] = list(dense.rows(ours, folder, options.pairs))
        if options.only in (None, "transport"):
            for row in transport.iteration_rows(ours, folder, options.pairs):
                results["iterations"].append(row)
            for row in transport.rows(ours, folder, options.slow):
                print(f"{row['case']}, {row['type']}, {row['who']}: {row.get('seconds', '–')}", file=sys.stderr)
                results["transport"].append(row)
        if options.only in ("dense", "transport"):
            sizes, options.data = [], None
        for name, matrix, side in systems(sizes, options.data):
            rhs = np.random.default_rng(1).standard_normal(matrix.shape[0])
            hand_over(ours, folder, matrix, rhs)
            views = ["csr", "stencil", "blocked"] if side else ["csr"]
            results["sweeps"] += sweep_rows(ours, folder, name, matrix, rhs, options.pairs, views)
            if matrix.shape[0] > options.solve_limit:
                continue
            omega = model_omega(side) if side else 1.0
            requests = [("CG", ("cg", TOLERANCE)), (f"SSOR-CG, ω = {omega:.3f}", ("ssor_cg", "csr", TOLERANCE, omega))]
            if side:
                requests.append((f"SSOR-CG, stencil, ω = {omega:.3f}", ("ssor_cg", "stencil", TOLERANCE, omega)))
            results["solves"] += cg_rows(ours, folder, name, matrix, rhs, options.pairs, requests)
    ours.close()
    results["load"] = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    report(results)
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
