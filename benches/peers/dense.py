"""Dense products, dot and exp beside NumPy, OpenBLAS and faer, on the same numbers, one thread each.

faer runs in the process of our side. NumPy and OpenBLAS are called in a Python loop; what a call costs
that has nothing to do is measured in the same turns, on operands of one element, and taken off in a
column of its own.
"""

import random
import statistics
import time

import numpy as np
import scipy.linalg.blas

SIZES = (64, 256, 1024, 4096)
LENGTHS = (1_000, 100_000)
LINE = 64


def aligned(array):
    """A copy that begins on a cache line, as our side's does."""
    raw = np.empty(array.nbytes + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    copy = raw[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def loop(function, *arguments, **named):
    """Seconds a call, of `count` calls."""

    def run(count):
        start = time.perf_counter()
        for _ in range(count):
            function(*arguments, **named)
        return (time.perf_counter() - start) / count

    return run


def theirs(what, a, x, y, out):
    """The peers' ways to do it, by name."""
    if what in ("gemv", "gemv_t"):
        gemv = scipy.linalg.blas.get_blas_funcs("gemv", dtype=x.dtype)
        # A by rows is, to Fortran, its transpose by columns: nothing is copied.
        trans = 1 if what == "gemv" else 0
        matrix = a if what == "gemv" else a.T
        return {
            "NumPy": loop(np.dot, matrix, x, out=out),
            "OpenBLAS": loop(gemv, 1.0, a.T, x, beta=0.0, y=out, trans=trans, overwrite_y=1),
        }
    if what == "dot":
        dot = scipy.linalg.blas.get_blas_funcs("dot", dtype=x.dtype)
        return {"NumPy": loop(np.dot, x, y), "OpenBLAS": loop(dot, x, y)}
    return {"NumPy": loop(np.exp, x, out=out)}


def empty_calls(what, dtype):
    """The same calls on one element."""
    a, x = np.ones((1, 1), dtype), np.ones(1, dtype)
    runs = theirs(what, a, x, x.copy(), x.copy())
    return {f"{name}, empty": run for name, run in runs.items()}


def in_turns(pairs, runs, turn):
    """Seconds a call, by name and round.

    A turn begins with calls that are not timed: whoever comes after calls with another copy of the matrix would pay
    for its way into the third cache, and who comes after one with the same copy would not. For the same reason the
    order is drawn for every round: rotated, everybody always comes after the same one.
    """
    names = list(runs)
    once = {name: max(min(runs[name](1) for _ in range(3)), 1e-7) for name in names}
    counts = {name: max(1, int(turn / once[name])) for name in names}
    times = {name: [] for name in names}
    order = random.Random(1)
    for _ in range(pairs):
        for name in order.sample(names, len(names)):
            runs[name](max(2, counts[name] // 4))
            times[name].append(runs[name](counts[name]))
    return times


def reference(what, a, x, y):
    """In more digits than either side has."""
    wide = np.longdouble if x.dtype == np.float64 else np.float64
    if what == "exp":
        return np.exp(x.astype(wide))
    if what == "dot":
        return np.array([np.sum(x.astype(wide) * y.astype(wide))])
    matrix = a if what == "gemv" else a.T
    # Row by row: a whole matrix of long doubles is large.
    return np.array([np.sum(row.astype(wide) * x.astype(wide)) for row in matrix])


def difference(result, exact, what):
    """The largest error: of each number for exp, else relative to the largest number."""
    scale = np.abs(exact) if what == "exp" else max(np.abs(exact).max(), 1.0)
    return float((np.abs(result - exact) / scale).max())


def cases():
    for dtype in (np.float64, np.float32):
        for what in ("gemv", "gemv_t"):
            for n in SIZES:
                yield what, n, dtype
        for n in LENGTHS:
            yield "dot", n, dtype
        yield "exp", 100_000, dtype


def rows(ours, folder, pairs, turn=0.005):
    for what, n, dtype in cases():
        numbers = np.random.default_rng(n)
        square = n * n if what.startswith("gemv") else 0
        a = aligned(numbers.standard_normal(square).astype(dtype))
        x, y = (aligned(numbers.standard_normal(n).astype(dtype)) for _ in range(2))
        if what == "exp":
            x *= 10
        for name, array in (("a", a), ("x", x), ("y", y)):
            array.tofile(folder / name)
        real = "f64" if dtype == np.float64 else "f32"
        ours.ask("dense", folder, real)
        a = a.reshape((n, n)) if square else a
        out = aligned(np.zeros(1 if what == "dot" else n, dtype))

        def run_of(who):
            return lambda count: float(ours.ask("time", what, who, count)[0])

        runs = {"ours": run_of("southwell")}
        try:
            runs["ours"](1)
        except RuntimeError as error:
            print(f"left out: {error}")
            continue
        if what != "exp":
            runs["faer"] = run_of("faer")
        runs |= theirs(what, a, x, y, out) | empty_calls(what, dtype)
        exact = reference(what, a, x, y)
        errors = {}
        for who, name in (("southwell", "ours"), ("faer", "faer")):
            if name in runs:
                ours.ask("time", what, who, 1)
                ours.ask("result", folder / "out")
                result = np.fromfile(folder / "out", dtype=dtype)[: exact.size]
                errors[name] = difference(result, exact, what)
        runs["NumPy"](1)
        if what == "dot":
            out[0] = np.dot(x, y)
        errors["NumPy"] = difference(out, exact, what)
        bound = (1 if what == "exp" else n) * np.finfo(dtype).eps * 4
        if max(errors.values()) > bound:
            raise RuntimeError(f"{what} {n} {real}: {errors}")
        times = in_turns(3 * pairs, runs, turn)
        yield {
            "what": what,
            "n": n,
            "type": real,
            "times": times,
            "errors": errors,
        }


def ratio(row, name, less=None):
    """The median over the rounds of theirs, less an empty call, over ours."""
    times = row["times"]
    nothing = times[less] if less else [0.0] * len(times[name])
    rounds = zip(times["ours"], times[name], nothing)
    return statistics.median((theirs - empty) / ours for ours, theirs, empty in rounds)


def report(results):
    titles = {"gemv": "A x", "gemv_t": "Aᵀ x", "dot": "x·y", "exp": "exp x"}
    print("\n| what | type | n | ours, µs | faer | NumPy | NumPy, less its empty call ", end="")
    print("| OpenBLAS by SciPy | less its empty call | error: ours, faer, NumPy |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for r in results:
        cells = [titles[r["what"]], r["type"], str(r["n"])]
        cells.append(f"{statistics.median(r['times']['ours']) * 1e6:.2f}")
        cells.append(f"**{ratio(r, 'faer'):.2f}**" if "faer" in r["times"] else "–")
        for name in ("NumPy", "OpenBLAS"):
            if name in r["times"]:
                cells.append(f"**{ratio(r, name):.2f}**")
                cells.append(f"{ratio(r, name, f'{name}, empty'):.2f}")
            else:
                cells += ["–", "–"]
        cells.append(", ".join(f"{r['errors'][k]:.0e}" if k in r["errors"] else "–" for k in ("ours", "faer", "NumPy")))
        print("| " + " | ".join(cells) + " |")
    print("\nAn empty call, ns: ", end="")
    seen = {}
    for r in results:
        for name in r["times"]:
            if name.endswith(", empty"):
                key = f"{name.removesuffix(', empty')} {titles[r['what']]} {r['type']}"
                seen.setdefault(key, []).extend(r["times"][name])
    print("; ".join(f"{key} {statistics.median(times) * 1e9:.0f}" for key, times in seen.items()) + ".")
