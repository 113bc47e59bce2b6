"""Least absolute deviations beside scikit-learn and SciPy: the same data, the same run, one thread each.

    cargo build --release -p southwell-std
    pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python3 lad.py --ours ../../target/release/southwell

A linear model with a column of ones, noise of 0.1, and three observations in ten shifted upwards by 5 and more.
Sides take turns; the median of their times is printed relative to ours. Ours is the time that `southwell fit` says,
which leaves reading the file out; theirs is that of `fit` alone. Errors are ‖found − true coefficients‖.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import scipy
import scipy.optimize
import scipy.sparse as sp
import sklearn
from sklearn.linear_model import HuberRegressor, LinearRegression, QuantileRegressor, RANSACRegressor

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def draws(seed, tag, n):
    """Upper 53 bits of the draws `n` of a stream: SplitMix64 as a counter."""
    with np.errstate(over="ignore"):
        key = mix(mix(np.uint64(seed) + GOLDEN) + np.uint64(tag) * GOLDEN)
        return mix(key + (np.asarray(n, np.uint64) + np.uint64(1)) * GOLDEN) >> np.uint64(11)


def uniform(seed, tag, n):
    return draws(seed, tag, n) * 2.0**-53


def normal(seed, tag, n):
    n = np.asarray(n, np.uint64)
    even = n & ~np.uint64(1)
    radius = np.sqrt(-2 * np.log((draws(seed, tag, even) + np.uint64(1)) * 2.0**-53))
    angle = 2 * np.pi * uniform(seed, tag, even | np.uint64(1))
    return radius * np.where(n == even, np.cos(angle), np.sin(angle))


def data(seed, n, p):
    x = normal(seed, 21, np.arange(n * p)).reshape(n, p)
    x[:, 0] = 1
    beta = (-1.0) ** np.arange(p) * (np.arange(p) + 1) / p
    rows = np.arange(n)
    wrong = uniform(seed, 23, rows) < 0.3
    y = x @ beta + 0.1 * normal(seed, 22, rows) + wrong * (5 + 10 * np.abs(normal(seed, 24, rows)))
    return x, y, beta


class Ours:
    def __init__(self, program, x, y, *options):
        self.file = tempfile.NamedTemporaryFile(suffix=".npz")
        np.savez(self.file, A=x, y=y)
        self.file.flush()
        self.command = [program, "fit", self.file.name, "--loss", "lad", "--json", *options]

    def __call__(self):
        answer = json.loads(subprocess.run(self.command, capture_output=True, text=True, check=True).stdout)
        return np.array(answer["coefficients"]), answer["seconds"], answer["status"]


def timed(fit):
    def call():
        begun = time.perf_counter()
        found = fit()
        return np.asarray(found), time.perf_counter() - begun, ""

    return call


def highs(x, y):
    n, p = x.shape
    eye = sp.identity(n, format="csr")
    equations = sp.hstack([sp.csr_matrix(x), eye, -eye], format="csr")
    cost = np.concatenate([np.zeros(p), np.ones(2 * n)])
    bounds = [(None, None)] * p + [(0, None)] * (2 * n)
    return scipy.optimize.linprog(cost, A_eq=equations, b_eq=y, bounds=bounds, method="highs-ds").x[:p]


def sides(program, x, y):
    """Name and call of each; scikit-learn fits without an intercept, as the column of ones is there."""
    bare = {"fit_intercept": False}
    ransac = RANSACRegressor(
        LinearRegression(**bare), max_trials=1000, residual_threshold=0.4, random_state=0, min_samples=x.shape[1]
    )
    return {
        "southwell, proven": Ours(program, x, y, "--certify"),
        "southwell, refined": Ours(program, x, y, "--refine"),
        "scikit-learn QuantileRegressor": timed(lambda: QuantileRegressor(alpha=0, **bare).fit(x, y).coef_),
        "SciPy linprog highs-ds, sparse": timed(lambda: highs(x, y)),
        "scikit-learn HuberRegressor": timed(lambda: HuberRegressor(alpha=0, max_iter=1000, **bare).fit(x, y).coef_),
        "scikit-learn RANSAC": timed(lambda: ransac.fit(x, y).estimator_.coef_),
        "least squares": timed(lambda: np.linalg.lstsq(x, y, rcond=None)[0]),
    }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--ours", type=Path, required=True)
    options.add_argument("--turns", type=int, default=5)
    options = options.parse_args()
    warnings.filterwarnings("ignore")
    print(f"NumPy {np.__version__}, SciPy {scipy.__version__}, scikit-learn {sklearn.__version__}\n")
    print("| n × p | who | error | Σ\\|y − Xβ\\| | ms | theirs / ours |\n|---|---|--:|--:|--:|--:|")
    for n, p in [(1000, 10), (5000, 10)]:
        x, y, beta = data(1, n, p)
        calls = sides(str(options.ours), x, y)
        seen = {name: [] for name in calls}
        for _ in range(options.turns):
            for name, call in calls.items():
                seen[name].append(call())
        ours = statistics.median(seconds for _, seconds, _ in seen["southwell, proven"])
        for name, all_turns in seen.items():
            found = all_turns[-1][0]
            error = np.linalg.norm(found - beta)
            loss = np.abs(y - x @ found).sum()
            seconds = statistics.median(seconds for _, seconds, _ in all_turns)
            print(f"| {n} × {p} | {name} | {error:.4f} | {loss:.6f} | {1e3 * seconds:.2f} | {seconds / ours:.2f} |")


if __name__ == "__main__":
    main()
