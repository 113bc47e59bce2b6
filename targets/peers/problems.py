#!/usr/bin/env python3
"""The steps of `southwell-scenario`'s `mpc` for the peers, and what each of them found.

problems.py write STEPS FOLDER           reads what `cargo run --example steps` printed, and writes for every case a
                                         folder with problem.h and OSQP's generated code at every tolerance
problems.py judge STEPS CASE OUTPUT      reads what a program printed: a row with its instructions, iterations and errors
"""
import pathlib
import struct
import sys

import numpy as np

H, G = 0.05, 9.81
THRUST = 0.14715
LIFT, TILT, TURN = THRUST / 0.035, 0.0325 * THRUST / 1.66e-5, 0.006 * THRUST / 2.93e-5
TOLERANCES = (1e-3, 1e-5)


def cart():
    return (np.array([[1, 0.1], [0, 1]]), np.array([[0.005], [0.1]]), np.diag([1, 0.1]), np.array([[0.01]]))


def quadrotor():
    """Two integrators after each other, with gravity between angles and speeds; as ../scenario/src/mpc.rs."""
    a = np.eye(12)
    for row, column, value in (
        (0, 6, H), (1, 7, H), (2, 8, H), (3, 9, H), (4, 10, H), (5, 11, H), (6, 4, G * H), (7, 3, -G * H),
        (0, 4, G * H**2 / 2), (1, 3, -G * H**2 / 2), (6, 10, G * H**2 / 2), (7, 9, -G * H**2 / 2),
        (0, 10, G * H**3 / 6), (1, 9, -G * H**3 / 6),
    ):
        a[row, column] = value
    rise, roll, pitch, yaw = [1, 1, 1, 1], [-1, -1, 1, 1], [-1, 1, 1, -1], [-1, 1, -1, 1]
    b = np.zeros((12, 4))
    for row, effect, signs in (
        (2, H**2 / 2 * LIFT, rise), (8, H * LIFT, rise),
        (9, H * TILT, roll), (3, H**2 / 2 * TILT, roll), (7, -G * H**3 / 6 * TILT, roll),
        (1, -G * H**4 / 24 * TILT, roll),
        (10, H * TILT, pitch), (4, H**2 / 2 * TILT, pitch), (6, G * H**3 / 6 * TILT, pitch),
        (0, G * H**4 / 24 * TILT, pitch),
        (11, H * TURN, yaw), (5, H**2 / 2 * TURN, yaw),
    ):
        b[row] = effect * np.array(signs)
    costs = [100, 100, 100, 1, 1, 100, 4, 4, 4, 0.5, 0.5, 1]
    return a, b, np.diag(costs).astype(float), 4 * np.eye(4)


# Plant, stages, bound, and TinyMPC's rho: of many tried, the one that takes it the fewest instructions (see README).
CASES = {
    "cart, 10 stages": (cart(), 10, 1.0, 0.05),
    "cart, 20 stages": (cart(), 20, 1.0, 0.5),
    "quadrotor, near": (quadrotor(), 10, 0.1, 5.0),
    "quadrotor, far": (quadrotor(), 10, 0.3, 5.0),
}


def riccati(a, b, q, r):
    p = q.copy()
    for _ in range(100_000):
        gain = np.linalg.solve(r + b.T @ p @ b, b.T @ p @ a)
        after = q + a.T @ p @ (a - b @ gain)
        after = (after + after.T) / 2
        if np.abs(after - p).max() <= 1e-14 * np.abs(after).max():
            return after
        p = after
    return p


def condense(plant, stages, last):
    """H and F of ½ uᵀH u + (F x₀)ᵀu."""
    a, b, q, r = plant
    n, m = b.shape
    powers = [np.eye(n)]
    for _ in range(stages):
        powers.append(a @ powers[-1])
    h, f = np.kron(np.eye(stages), r), np.zeros((m * stages, n))
    for k in range(1, stages + 1):
        w = last if k == stages else q
        reach = np.zeros((n, m * stages))
        for j in range(k):
            reach[:, j * m:(j + 1) * m] = powers[k - 1 - j] @ b
        h += reach.T @ w @ reach
        f += reach.T @ w @ powers[k]
    return (h + h.T) / 2, f


def minimum(h, f, bound):
    """The minimum in the box in double precision, by an active-set method; its conditions are checked."""
    from scipy.optimize import lsq_linear

    root = np.linalg.cholesky(h).T
    u = lsq_linear(root, -np.linalg.solve(root.T, f), (-bound, bound), method="bvls", tol=1e-15).x
    free = np.abs(u) < bound * (1 - 1e-12)
    u = np.where(free, u, np.sign(u) * bound)
    u[free] = np.linalg.solve(h[np.ix_(free, free)], -(f + h @ (u * ~free))[free])
    residual = np.abs(np.clip(u - h @ u - f, -bound, bound) - u).max()
    assert residual <= 1e-9 * max(1, np.abs(f).max()), residual
    return u


def floats(words):
    return np.array([struct.unpack("<f", struct.pack("<I", int(word, 16)))[0] for word in words], dtype=np.float64)


def read_steps(path):
    """name -> list of (state, inputs)"""
    steps = {}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        name, state, inputs = (part.strip() for part in line.split("|"))
        steps.setdefault(name, []).append((floats(state.split()), floats(inputs.split())))
    return steps


def array(name, values):
    """A constant array of C; its rows in braces."""
    values = np.atleast_2d(np.asarray(values, dtype=np.float32))
    rows = ",\n".join("    {" + ", ".join(f"{v:.9g}f" if "." in f"{v:.9g}" or "e" in f"{v:.9g}" else f"{v:.9g}.0f"
                                        for v in row) + "}" for row in values)
    return f"static const float {name}[{values.shape[0]}][{values.shape[1]}] = {{\n{rows}}};\n"


def slug(name):
    return name.replace(", ", "-").replace(" ", "-")


def write(steps, folder):
    import osqp
    import scipy.sparse as sparse

    for name, (plant, stages, bound, rho) in CASES.items():
        a, b, q, r = plant
        h, f = condense(plant, stages, riccati(*plant))
        states = np.array([state for state, _ in steps[name]])
        where = pathlib.Path(folder) / slug(name)
        where.mkdir(parents=True, exist_ok=True)
        text = f"""#pragma once
#define NX {b.shape[0]}
#define INPUTS {b.shape[1]}
#define STAGES {stages}
#define VARIABLES (STAGES * INPUTS)
#define STEPS {len(states)}
#define BOUND {bound}f
#ifndef RHO
#define RHO {rho}f
#endif
""" + array("A", a) + array("B", b) + array("Q", q) + array("R", r) + array("EFFECTS", f) + array("START", states)
        (where / "problem.h").write_text(text, encoding="utf-8")
        for tolerance in TOLERANCES:
            solver = osqp.OSQP()
            box = np.full(len(h), bound)
            solver.setup(sparse.csc_matrix(np.triu(h)), f @ states[0], sparse.identity(len(h), format="csc"),
                         -box, box, verbose=False, eps_abs=tolerance, eps_rel=tolerance, max_iter=10_000,
                         check_termination=5)
            solver.solve()  # its step size is adapted to the problem here, before the code is written
            solver.codegen(str(where / f"osqp-{tolerance:g}"), parameters="vectors", use_float=True,
                           include_codegen_src=True, prefix="peer_", printing_enable=False,
                           profiling_enable=False, interrupt_enable=False, force_rewrite=True)


def judge(steps, name, output):
    plant, stages, bound, _ = CASES[name]
    last, counts, iterations, found = riccati(*plant), [], [], []
    for line in pathlib.Path(output).read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[:1] == ["last"]:  # TinyMPC's own cost of the last state
            n = len(plant[0])
            last = floats(words[1:]).reshape(n, n)
            last = (last + last.T) / 2
        elif words[:1] == ["step"]:
            counts.append(int(words[1]))
            iterations.append(int(words[2]))
            found.append(floats(words[3:]))
    if not found:
        return f"{name} | nothing found"
    error, iterations = errors(steps, name, last, found), (max(iterations) if min(iterations) >= 0 else -1)
    return f"{name} | {counts[0]:,} | {max(counts[1:]):,} | {iterations} | {error:.1e}"


def errors(steps, name, last, found):
    """The largest difference from the minimum, of any input of any step, against the bound."""
    plant, stages, bound, _ = CASES[name]
    h, f = condense(plant, stages, last)
    exact = [minimum(h, f @ state, bound) for state, _ in steps[name]]
    return max(np.abs(u - best).max() for u, best in zip(found, exact)) / bound


def main():
    mode, steps = sys.argv[1], read_steps(sys.argv[2])
    if mode == "write":
        write(steps, sys.argv[3])
    elif mode == "judge":
        print(judge(steps, sys.argv[3], sys.argv[4]))
    elif mode == "ours":
        for name, (plant, *_) in CASES.items():
            for form in (name, name + ", prepared"):
                error = errors({name: steps[form]}, name, riccati(*plant), [u for _, u in steps[form]])
                print(f"{form} | {error:.1e}")


if __name__ == "__main__":
    main()
