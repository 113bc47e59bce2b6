"""Southwell's sparse regression beside scikit-learn, celer and skglm: time to a duality gap.

Every arm fits the same arrays, each in the layout that it likes best (converted before), without an intercept,
one thread each, in turns whose order changes from round to round. Each is asked for a ladder of tolerances;
what it returns is judged here: the gap is recomputed in f64 from its w. The time to a gap is interpolated
between the rungs, logarithmically. A fit includes what a user's call includes, checks of the arrays
among it; ours works in memory that it was given before, which is its interface, the peers in what they allocate.
Times are those of the processor (--clock wall for the other), since on a machine with other programs the longer
call is interrupted more often.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import celer
import numpy as np
import scipy.sparse as sp
import sklearn
import skglm
from celer import Lasso as CelerLasso
from celer import LogisticRegression as CelerLogistic
from celer import celer_path
from skglm.datafits import Logistic
from skglm.penalties import L1
from skglm.solvers import ProxNewton
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import Lasso, LogisticRegression, lasso_path

LADDER = [10.0**-k for k in range(2, 11)]
TARGETS = [1e-3, 1e-6, 1e-9]
CLOCK = time.process_time
warnings.filterwarnings("ignore")


class Ours:
    """The process of our side: a line to it, a line from it."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        if not answer or answer[0] == "error":
            raise RuntimeError(f"{words}: {' '.join(answer) or 'no answer'}")
        return answer

    def on_processor(self):
        """Seconds that the process has run; None where the system does not tell."""
        try:
            return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) * 1e-9
        except OSError:
            return None

    def timed(self, *words):
        """The answer to a request that begins with the seconds of a clock on the wall, those of the processor in
        their place if they are fewer: waiting is not counted."""
        before = self.on_processor()
        answer = self.ask(*words)
        after = self.on_processor()
        seconds = float(answer[0])
        if CLOCK is time.process_time and before is not None:
            seconds = min(seconds, after - before)
        return seconds, answer[1:]


def words(seed, count):
    with np.errstate(over="ignore"):
        k = np.arange(1, count + 1, dtype=np.uint64)
        z = np.uint64(seed) + k * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(seed, count):
    return (words(seed, count) >> np.uint64(11)).astype(float) * 2.0**-53


def normal(seed, count):
    u = uniform(seed, count + count % 2)
    radius, angle = np.sqrt(-2 * np.log(1 - u[::2])), 2 * np.pi * u[1::2]
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]).ravel()[:count]


def autoregressive(seed, n, p, rho):
    x = normal(seed, n * p).reshape(n, p)
    for j in range(1, p):
        x[:, j] = rho * x[:, j - 1] + np.sqrt(1 - rho * rho) * x[:, j]
    return np.asfortranarray(x)


def truth(seed, p, k):
    index, u = list(range(p)), uniform(seed, k)
    for j in range(k):
        t = j + int(u[j] * (p - j))
        index[j], index[t] = index[t], index[j]
    w = np.zeros(p)
    w[index[:k]] = np.where(np.arange(k) % 2 == 0, 1.0, -1.0)
    return w


class Problem:
    def __init__(self, name, x, y, ratio, logistic=False):
        self.name, self.x, self.y, self.logistic = name, x, y, logistic
        self.n = len(y)
        self.half = 0.5 if logistic else 1.0
        # As it goes with the sum of the losses.
        self.largest = self.half * np.abs(x.T @ y).max()
        self.weight = ratio * self.largest
        self.scale = self.n * np.log(2) if logistic else 0.5 * y @ y

    def gap(self, w, weight=None):
        """gap / P(0)"""
        weight = self.weight if weight is None else weight
        z = self.x @ w
        if self.logistic:
            rho = self.y / (1 + np.exp(self.y * z))
            primal = np.logaddexp(0, -self.y * z).sum() + weight * np.abs(w).sum()
            v = np.clip(self.y * rho * min(1.0, weight / np.abs(self.x.T @ rho).max()), 0, 1)
            with np.errstate(divide="ignore", invalid="ignore"):
                dual = -np.nansum(v * np.log(v)) - np.nansum((1 - v) * np.log1p(-v))
        else:
            rho = self.y - z
            primal = 0.5 * rho @ rho + weight * np.abs(w).sum()
            rho_u = rho * min(1.0, weight / max(np.abs(self.x.T @ rho).max(), 1e-300))
            dual = 0.5 * self.y @ self.y - 0.5 * (rho_u - self.y) @ (rho_u - self.y)
        return max((primal - dual) / self.scale, 1e-17)


def problems():
    x = autoregressive(1001, 200, 1000, 0.0)
    yield Problem("dense", x, x @ truth(1002, 1000, 20) + 0.5 * normal(1003, 200), 1 / 10)
    x = autoregressive(1011, 200, 2000, 0.9)
    yield Problem("corr", x, x @ truth(1012, 2000, 20) + 0.5 * normal(1013, 200), 1 / 20)
    dense = np.where(uniform(1022, 5_000_000) < 0.01, normal(1021, 5_000_000), 0).reshape(1000, 5000)
    x = sp.csc_matrix(dense)
    yield Problem("sparse", x, x @ truth(1023, 5000, 50) + 0.1 * normal(1024, 1000), 1 / 10)
    x, y = load_diabetes(return_X_y=True)
    yield Problem("diabetes", np.asfortranarray(x), y - y.mean(), 1 / 100)
    x = autoregressive(1031, 300, 600, 0.5)
    p = 1 / (1 + np.exp(-x @ truth(1032, 600, 20)))
    yield Problem("log", x, np.where(uniform(1033, 300) < p, 1.0, -1.0), 1 / 10, True)
    x, y = load_breast_cancer(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    yield Problem("cancer", np.asfortranarray(x), np.where(y == 1, 1.0, -1.0), 1 / 100, True)


def southwell(ours, folder):
    def fit(problem, tolerance):
        weight = problem.weight / (1 if problem.logistic else problem.n)
        seconds, rest = ours.timed("fit", tolerance, 1, weight)
        ours.ask("weights", folder / "w")
        return seconds, np.fromfile(folder / "w"), rest

    return fit


def timed(make):
    """A peer's fit: seconds, w, what it counts."""

    def fit(problem, tolerance):
        model = make(problem, tolerance)
        start = CLOCK()
        model.fit(problem.x, problem.y)
        seconds = CLOCK() - start
        return seconds, np.ravel(model.coef_), []

    return fit


def arms(problem, ours, folder):
    alpha = problem.weight / problem.n
    common = {"fit_intercept": False}
    yield "southwell", southwell(ours, folder)
    if problem.logistic:
        c = 1 / problem.weight
        yield "celer", timed(lambda p, t: CelerLogistic(C=c, tol=t, max_iter=1000, **common))
        yield "skglm", timed(
            lambda p, t: skglm.GeneralizedLinearEstimator(
                Logistic(), L1(alpha), ProxNewton(tol=t * p.largest / p.n, max_iter=200, fit_intercept=False)
            )
        )
        yield "scikit-learn", timed(
            lambda p, t: LogisticRegression(
                penalty="l1", solver="liblinear", C=c, tol=t, max_iter=100_000, random_state=0, **common
            )
        )
        return
    yield "celer", timed(lambda p, t: CelerLasso(alpha=alpha, tol=t, max_iter=1000, **common))
    yield "skglm", timed(lambda p, t: skglm.Lasso(alpha=alpha, tol=t * p.largest / p.n, max_iter=1000, **common))
    yield "scikit-learn", timed(lambda p, t: Lasso(alpha=alpha, tol=t, max_iter=1_000_000, **common))


def hand_over(ours, folder, problem):
    sparse = sp.issparse(problem.x)
    values = problem.x.data if sparse else problem.x.ravel(order="F")
    values.astype("<f8").tofile(folder / "values")
    for name, array in (("offsets", "indptr"), ("indices", "indices")):
        (getattr(problem.x, array) if sparse else np.zeros(0)).astype("<u4").tofile(folder / name)
    problem.y.astype("<f8").tofile(folder / "y")
    loss = "logistic" if problem.logistic else "squares"
    assert ours.ask("regression", folder, loss) == ["ok", str(problem.x.shape[1])]


def to_gap(rungs, target):
    """Seconds to a gap from (seconds, gap) by falling tolerance; None if it is not reached."""
    before = None
    for seconds, gap in rungs:
        if gap <= target:
            if before is None:
                return seconds
            share = np.log(before[1] / target) / np.log(before[1] / gap)
            return before[0] + share * (seconds - before[0])
        before = (seconds, gap)
    return None


def measure(problem, ours, folder, rounds):
    hand_over(ours, folder, problem)
    runs = dict(arms(problem, ours, folder))
    for fit in runs.values():
        fit(problem, 1e-6)  # compiles, touches memory
    samples = {name: [[] for _ in LADDER] for name in runs}
    gaps = {name: [None] * len(LADDER) for name in runs}
    notes = {}
    names = list(runs)
    for round in range(rounds):
        for rung, tolerance in enumerate(LADDER):
            for k in range(len(names)):
                name = names[(k + round) % len(names)]
                seconds, w, note = runs[name](problem, tolerance)
                samples[name][rung].append(seconds)
                gaps[name][rung] = problem.gap(w)
                if name == "southwell" and tolerance == 1e-6:
                    notes = dict(zip(("steps", "visits", "updates", "second order", "non-zeros", "set"), note))
    result = {"problem": problem.name, "notes": notes, "arms": {}}
    for name in names:
        medians = [statistics.median(s) for s in samples[name]]
        times = {}
        for target in TARGETS:
            by_round = [to_gap(list(zip((s[r] for s in samples[name]), gaps[name])), target) for r in range(rounds)]
            reached = [t for t in by_round if t is not None]
            times[target] = (statistics.median(reached), max(reached)) if reached else None
        result["arms"][name] = {"rungs": list(zip(medians, gaps[name])), "times": times}
    return result


def report(results):
    print("\n| problem | gap/P(0) | ours, ms | celer | skglm | scikit-learn | worst round: ours, ms; the others |")
    print("|---|---|---|---|---|---|---|")
    for r in results:
        for target in TARGETS:
            mine = r["arms"]["southwell"]["times"][target]
            cells, worst = [], []
            for name in ("celer", "skglm", "scikit-learn"):
                other = r["arms"][name]["times"][target]
                reached = other and mine
                cells.append(f"**{other[0] / mine[0]:.1f}**" if reached else "not reached")
                worst.append(f"{other[1] / mine[1]:.1f}" if reached else "–")
            ours = f"{mine[0] * 1e3:.3f}" if mine else "not reached"
            last = f"{mine[1] * 1e3:.3f}" if mine else "–"
            print(f"| {r['problem']} | {target:.0e} | {ours} | {' | '.join(cells)} | {last}; {', '.join(worst)} |")
    print("\nWhat ours did to 1e-6:")
    for r in results:
        print(f"- {r['problem']}: " + ", ".join(f"{value} {name}" for name, value in r["notes"].items()))


def path(problem, ours, folder, rounds, count=20):
    """A path of `count` λ down to a hundredth of the largest, warm-started, to 1e-6."""
    hand_over(ours, folder, problem)
    weights = problem.largest * np.geomspace(1, 0.01, count)
    alphas = weights / problem.n
    arms = {
        "southwell": None,
        "celer": lambda t: celer_path(problem.x, problem.y, "lasso", alphas=alphas, tol=t, max_iter=1000)[1],
        "skglm": lambda t: skglm.Lasso(tol=t * alphas[0], max_iter=1000, fit_intercept=False)
        .path(problem.x, problem.y, alphas)[1],
        "scikit-learn": lambda t: lasso_path(problem.x, problem.y, alphas=alphas, tol=t, max_iter=1_000_000)[1],
    }
    times, worst = {name: [] for name in arms}, {}
    for round in range(rounds + 1):
        for name, run in arms.items():
            if run is None:
                seconds = ours.timed("fit", 1e-6, 1, *alphas)[0]
                ours.ask("weights", folder / "w")
                solutions = np.fromfile(folder / "w").reshape(count, -1).T
            else:
                start = CLOCK()
                solutions = run(1e-6)
                seconds = CLOCK() - start
            if round:  # the first compiles
                times[name].append(seconds)
            worst[name] = max(problem.gap(solutions[:, k], weights[k]) for k in range(count))
    mine = statistics.median(times["southwell"])
    print(f"\nPath on {problem.name}, {count} values of λ down to λ_max/100, tolerance 1e-6; ours {mine * 1e3:.2f} ms.\n")
    print("| | times ours | worst gap/P(0) |\n|---|---|---|")
    for name in arms:
        print(f"| {name} | **{statistics.median(times[name]) / mine:.1f}** | {worst[name]:.0e} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", required=True, help="the binary `peer`")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", help="the name of one problem")
    parser.add_argument("--clock", choices=["cpu", "wall"], default="cpu")
    options = parser.parse_args()
    global CLOCK
    CLOCK = time.process_time if options.clock == "cpu" else time.perf_counter
    ours = Ours(options.ours)
    print(
        f"SIMD level {ours.ask('level')[0]}; scikit-learn {sklearn.__version__}, celer {celer.__version__}, "
        f"skglm {skglm.__version__}; {options.clock} time, medians of {options.rounds} rounds; a number is theirs / ours."
    )
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        results = []
        for problem in problems():
            if options.only in (None, problem.name):
                results.append(measure(problem, ours, folder, options.rounds))
            if problem.name == "corr" and options.only in (None, "path"):
                path(problem, ours, folder, options.rounds)
        report(results)
    print(f"\nLoad at the end {os.getloadavg()[0]:.1f}.")
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
