"""Entropic transport beside POT and OTT-JAX, on the same arrays, one thread each.

Two questions: how long until ‖P 1 − a‖₁ + ‖Pᵀ 1 − b‖₁ is at most a tolerance, and how long a plain iteration
takes. Errors and gaps are computed here, in f64, from the plan that POT returns and from the potentials that ours
and OTT-JAX return; nobody's own report counts. POT's stopping rule looks at another norm: it is told how many
iterations it needs instead (found beforehand, not timed), and never does more. Its own checks, every tenth
iteration, are part of the call. OTT-JAX is compiled beforehand.

Seconds are the processor's, of both processes, where the system tells them (Linux): other programs lengthen them
less than those of the wall.
"""

import statistics
import sys
import time
import warnings

import numpy as np

TOLERANCE = {"f64": 1e-9, "f32": 1e-3}
DTYPE = {"f64": np.float64, "f32": np.float32}
OURS = ("auto", "newton-sparse", "over-relaxed", "sinkhorn", "log")
MOST = 400_000
DIGITS = (
    "005d910000dfaf5003f20b8004c008800580098004b01c7002e5ac00006da000",
    "000cd500000bg900003fg60007fgg200001gg300001gg600001gg600000bga00",
)


def splitmix64(seed, count):
    """Steele, Lea & Flood's generator, values in [0, 1)."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


def clock(process=None):
    """Seconds that this process, or another one, has spent on a processor."""
    if not sys.platform.startswith("linux"):
        return time.perf_counter()
    # The kernel's name for the processor time of a process (clock_getcpuclockid).
    return time.clock_gettime((~process.pid << 3) | 2) if process else time.process_time()


class Case:
    """Costs, marginals and epsilon."""

    def __init__(self, name, cost, a, b, inverse):
        self.name, self.cost, self.a, self.b, self.epsilon = name, cost, a, b, 1 / inverse

    def arrays(self, real):
        return [np.ascontiguousarray(x, dtype=DTYPE[real]) for x in (self.cost, self.a, self.b)]


def random(seed, n, inverse):
    weights = np.full(n, 1 / n)
    cost = splitmix64(seed, n * n).reshape(n, n)
    return Case(f"random assignment, n = {n}, seed {seed}, 1/{inverse}", cost, weights, weights, inverse)


def digits(inverse):
    def weights(text):
        pixels = np.array([int(c, 17) for c in text]) + 0.16
        return pixels / pixels.sum()

    row, column = np.divmod(np.arange(64), 8)
    cost = np.abs(row[:, None] - row) + np.abs(column[:, None] - column)
    a, b = (weights(text) for text in DIGITS)
    return Case(f"digits 8 × 8, L1, 1/{inverse}", cost / cost.max(), a, b, inverse)


def hardest():
    """The four on which plain iterations are slowest."""
    return [random(2, 500, 1200), digits(1200), digits(200), random(1, 500, 1200)]


def judge(case, f, g, plan=None):
    """The error of the plan, and the gap between the values of the rounded plan and of the potentials."""
    with np.errstate(all="ignore"):
        formed = np.exp((f[:, None] + g[None, :] - case.cost) / case.epsilon)
        plan = formed if plan is None else np.asarray(plan, dtype=np.float64)
        rows, columns = plan.sum(1), plan.sum(0)
        error = np.abs(rows - case.a).sum() + np.abs(columns - case.b).sum()
        # Altschuler, Weed & Rigollet 2017.
        rounded = plan * np.minimum(case.a / rows, 1)[:, None]
        rounded *= np.minimum(case.b / rounded.sum(0), 1)
        left, right = case.a - rounded.sum(1), case.b - rounded.sum(0)
        if left.sum() > 0:
            rounded += np.outer(left, right) / left.sum()
        logs = np.log(np.where(rounded > 0, rounded, 1))
        primal = (rounded * case.cost).sum() + case.epsilon * (rounded * (logs - 1)).sum()
        dual = case.a @ f + case.b @ g - case.epsilon * formed.sum()
    return float(error), float(primal - dual)


class Runs:
    """Ways to solve one case, each a function of nothing: seconds; what it left is in `left`."""

    def __init__(self, ours, folder, case, real):
        self.ours, self.folder, self.case, self.real, self.left = ours, folder, case, real, {}
        self.arrays = case.arrays(real)
        for name, array in zip(("cost", "a", "b"), self.arrays):
            array.tofile(folder / name)
        ours.ask("transport", folder, real, repr(case.epsilon))

    def mine(self, method):
        def run():
            start = clock(self.ours.process)
            answer = self.ours.ask("couple", method, TOLERANCE[self.real], MOST)
            seconds = clock(self.ours.process) - start
            self.ours.ask("potentials", self.folder / "potentials")
            potentials = np.fromfile(self.folder / "potentials")
            f, g = np.split(potentials, [self.case.a.size])
            steps, newton = int(answer[1]), int(answer[2])
            text = f"{steps - newton} + {newton}" if newton else str(steps)
            self.left[f"ours, {method}"] = (text, *judge(self.case, f, g), answer[6])
            return seconds

        return run

    def pot(self, method, iterations):
        import ot

        cost, a, b = self.arrays
        epsilon, options = self.case.epsilon, {"numItermax": iterations}
        if method == "sinkhorn_epsilon_scaling":
            options["numInnerItermax"] = 100

        def run():
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                start = clock()
                plan, log = ot.sinkhorn(a, b, cost, epsilon, method, stopThr=0, log=True, **options)
                seconds = clock() - start
                if "alpha" in log:
                    f, g = log["alpha"], log["beta"]
                elif "log_u" in log:
                    f, g = epsilon * log["log_u"], epsilon * log["log_v"]
                else:
                    f, g = epsilon * np.log(log["u"]), epsilon * np.log(log["v"])
            f, g = np.asarray(f, np.float64), np.asarray(g, np.float64)
            done = log.get("niter", log.get("n_iter", iterations - 1)) + 1
            text = f"{done} × 100" if method == "sinkhorn_epsilon_scaling" else str(done)
            self.left[f"POT, {method}"] = (text, *judge(self.case, f, g, plan), "")
            return seconds

        return run

    def ott(self, name, **options):
        import jax
        from ott.geometry import geometry
        from ott.problems.linear import linear_problem
        from ott.solvers.linear import sinkhorn

        solver = sinkhorn.Sinkhorn(norm_error=1, inner_iterations=10, **options)

        @jax.jit
        def solve(cost, a, b):
            problem = linear_problem.LinearProblem(
                geometry.Geometry(cost_matrix=cost, epsilon=self.case.epsilon), a, b
            )
            out = solver(problem)
            return out.f, out.g, out.n_iters

        arrays = [jax.numpy.asarray(array) for array in self.arrays]
        compiled = solve.lower(*arrays).compile()

        def run():
            start = clock()
            f, g, done = jax.block_until_ready(compiled(*arrays))
            seconds = clock() - start
            f, g = np.asarray(f, np.float64), np.asarray(g, np.float64)
            self.left[f"OTT-JAX, {name}"] = (str(int(done)), *judge(self.case, f, g), "")
            return seconds

        return run


def pot_runs(runs, plain, tolerance, slow):
    """POT's methods with as many iterations as each needs; those that would take too long are left out."""
    sides = sum(runs.arrays[0].shape)
    # The count that our plain iteration needs, the unit of a count, the least one, and the share to begin with.
    methods = {
        "sinkhorn": (plain, 1, 0, 1.0),
        "sinkhorn_stabilized": (plain, 1, 0, 1.0),
        "sinkhorn_log": (plain, 1, 0, 1.0),
        # The first 22 turns of a hundred are at larger epsilons.
        "sinkhorn_epsilon_scaling": (22 + plain // 100, 1, 36, 0.25),
        "greenkhorn": (plain * sides, sides, 0, 0.25),
    }
    for method, (whole, unit, least, share) in methods.items():
        name, few = f"POT, {method}", max(20 * unit, least)
        predicted = runs.pot(method, few)() * max(whole, least) / few
        if predicted > slow:
            yield name, None, f"not run: about {predicted:.0f} s"
            continue
        # What it needs, nearly: more and more until it is there, or has ended by itself.
        count = max(int(whole * share), least)
        for _ in range(9):
            run = runs.pot(method, count)
            run()
            done, error, _, _ = runs.left[name]
            if not error > tolerance or int(done.split()[0]) < count:
                break
            count = int(count * 1.2) + 1
        yield name, run, ""


def ott_runs(runs, tolerance, plain, slow):
    from ott.solvers.linear import acceleration

    momentum = acceleration.Momentum
    settings = {
        "log domain": {"lse_mode": True},
        "log domain, momentum 1.5": {"lse_mode": True, "momentum": momentum(value=1.5)},
        "log domain, adaptive momentum": {
            "lse_mode": True,
            # A plain 1.0 would be of another type than the rest in f32.
            "momentum": momentum(start=100, inner_iterations=10, value=DTYPE[runs.real](1.0)),
        },
        "kernel": {"lse_mode": False},
    }
    for name, options in settings.items():
        pilot = min(runs.ott(name, threshold=0.0, max_iterations=100, **options)() for _ in range(2))
        # Momentum may need a third of the iterations.
        share = 1 if "momentum" not in options else 0.34
        predicted = pilot / 100 * plain * share
        if predicted > slow:
            yield f"OTT-JAX, {name}", None, f"not run: about {predicted:.0f} s"
            continue
        limit = plain * 2 // 10 * 10
        # It looks at the columns alone, which is not all where momentum leaves the rows inexact.
        for factor in (0.99, 0.8, 0.65, 0.5, 0.35):
            run = runs.ott(name, threshold=factor * tolerance, max_iterations=limit, **options)
            run()
            if not runs.left[f"OTT-JAX, {name}"][1] > tolerance:
                break
        yield f"OTT-JAX, {name}", run, ""


def rows(ours, folder, slow=120.0):
    import jax

    jax.config.update("jax_enable_x64", True)
    for case in hardest():
        for real, tolerance in TOLERANCE.items():
            runs = Runs(ours, folder, case, real)
            ways = {f"ours, {method}": runs.mine(method) for method in OURS}
            ways["ours, sinkhorn"]()
            plain = int(runs.left["ours, sinkhorn"][0])
            remarks = {}
            for part in (
                pot_runs(runs, plain, 1.0001 * tolerance, slow),
                ott_runs(runs, tolerance, plain, slow),
            ):
                for name, run, remark in part:
                    ways[name], remarks[name] = run, remark
            yield from in_turns(case, real, tolerance, runs, ways, remarks)


def in_turns(case, real, tolerance, runs, ways, remarks):
    """Rounds in which everyone has a turn, in an order that rotates; the slow ones not in all."""
    present = [name for name, run in ways.items() if run]
    once = {name: ways[name]() for name in present}
    rounds = {name: 9 if once[name] < 1 else 3 if once[name] < 10 else 1 for name in present}
    times = {name: [] for name in present}
    for turn in range(9):
        taking = [name for name in present if turn < rounds[name]]
        for k in range(len(taking)):
            name = taking[(k + turn) % len(taking)]
            times[name].append(ways[name]())
    for name in ways:
        if name not in times:
            yield {"case": case.name, "type": real, "who": name, "remark": remarks[name]}
            continue
        steps, error, gap, status = runs.left[name]
        ratios = sorted(them / us for us, them in zip(times["ours, auto"], times[name]))
        reached = error <= 1.0001 * tolerance
        remark = "" if reached else f"misses {tolerance:.0e}"
        yield {
            "case": case.name,
            "type": real,
            "who": name,
            "iterations": steps,
            "seconds": statistics.median(times[name]),
            "error": error,
            "gap": gap,
            "reached": reached,
            "ratio": statistics.median(ratios),
            "ratios": ratios,
            "remark": remark,
        }


def pot_loop(cost, a, b, epsilon, count):
    """Seconds of `count` of POT's iterations as `ot.sinkhorn` does them, without its check of the error."""
    kernel = np.exp(cost / -epsilon)
    scaled = (1 / a).reshape(-1, 1) * kernel
    u = np.ones_like(a) / a.size
    start = clock()
    for _ in range(count):
        product = np.dot(kernel.T, u)
        v = b / product
        u = 1.0 / np.dot(scaled, v)
        if (
            np.any(product == 0)
            or np.any(np.isnan(u))
            or np.any(np.isnan(v))
            or np.any(np.isinf(u))
            or np.any(np.isinf(v))
        ):
            raise RuntimeError("POT's iteration broke down")
    return clock() - start


def difference(run, count):
    """Seconds an iteration: what `count` more than ten take."""

    def time_it():
        few = run(10)
        return (run(10 + count) - few) / count

    return time_it


def iteration_rows(ours, folder, pairs, sizes=(1000, 5000)):
    """Plain iterations on random costs at 1/ε = 50, where nobody's kernel underflows, not even in f32."""
    import jax

    jax.config.update("jax_enable_x64", True)
    for n in sizes:
        case = random(1, n, 50)
        count = 200 if n <= 1000 else 100
        ways, kept = {}, {}
        for real in ("f64", "f32"):
            runs = Runs(ours, folder, case, real)
            kept[real] = runs
            cost, a, b = runs.arrays

            def mine(method):
                def run(k):
                    start = clock(ours.process)
                    # Ten more make the kernel.
                    ours.ask("iterate", method, k)
                    return clock(ours.process) - start

                return run

            ways[f"ours, stored kernel, {real}"] = (real, difference(mine("sinkhorn"), count))
            ways[f"ours, log domain, {real}"] = (real, difference(mine("log"), max(10, count // 10)))
            ways[f"POT, sinkhorn, {real}"] = (
                real,
                difference(lambda k, runs=runs: runs.pot("sinkhorn", k)(), count),
            )
            ways[f"POT, its loop without the check, {real}"] = (
                real,
                lambda data=(cost, a, b), count=count: pot_loop(*data, case.epsilon, count) / count,
            )
            ways[f"POT, sinkhorn_stabilized, {real}"] = (
                real,
                difference(lambda k, runs=runs: runs.pot("sinkhorn_stabilized", k)(), count),
            )
            for name, options in {"kernel": {"lse_mode": False}, "log domain": {"lse_mode": True}}.items():
                more = count if name == "kernel" else max(10, count // 10)
                few_run = runs.ott(name, threshold=0.0, max_iterations=10, **options)
                more_run = runs.ott(name, threshold=0.0, max_iterations=10 + more, **options)
                ways[f"OTT-JAX, {name}, {real}"] = (
                    real,
                    lambda few=few_run, many=more_run, more=more: (many() - few()) / more,
                )
        times = {name: [] for name in ways}
        for turn in range(pairs if n <= 1000 else min(pairs, 3)):
            # By type, since our process holds one problem; who begins rotates within.
            for real in ("f64", "f32"):
                for name, array in zip(("cost", "a", "b"), kept[real].arrays):
                    array.tofile(folder / name)
                ours.ask("transport", folder, real, repr(case.epsilon))
                names = [name for name, (kind, _) in ways.items() if kind == real]
                for k in range(len(names)):
                    name = names[(k + turn) % len(names)]
                    times[name].append(ways[name][1]())
        for name in ways:
            over = {
                real: statistics.median(
                    them / us for us, them in zip(times[f"ours, stored kernel, {real}"], times[name])
                )
                for real in ("f64", "f32")
            }
            yield {"n": n, "who": name, "seconds": statistics.median(times[name]), "ratio": over, "times": times[name]}


def report(solves, iterations):
    import jax
    import ot
    import ott

    print(f"\nPOT {ot.__version__}, OTT-JAX {ott.__version__}, JAX {jax.__version__}.")
    print("\n| problem | type | who | iterations | seconds | error | gap | seconds / ours, auto |")
    print("|---|---|---|---|---|---|---|---|")
    for r in solves:
        if "seconds" not in r:
            print(f"| {r['case']} | {r['type']} | {r['who']} | – | – | – | – | {r['remark']} |")
            continue
        print(
            f"| {r['case']} | {r['type']} | {r['who']} | {r['iterations']} | {r['seconds']:.4f} | {r['error']:.1e} "
            f"| {r['gap']:.0e} | **{r['ratio']:.2f}** ({r['ratios'][0]:.2f}–{r['ratios'][-1]:.2f}) {r['remark']} |"
        )
    print("\n| n | who | ms an iteration | ÷ ours, f64 | ÷ ours, f32 |")
    print("|---|---|---|---|---|")
    for r in iterations:
        print(
            f"| {r['n']} | {r['who']} | {r['seconds'] * 1e3:.3f} | **{r['ratio']['f64']:.2f}** "
            f"| **{r['ratio']['f32']:.2f}** |"
        )
