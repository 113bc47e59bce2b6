"""Model predictive control beside OSQP and DAQP, on the same problems, one thread each.

    cargo build --release -p southwell-benches --bin mpc
    pip install numpy scipy osqp daqp
    python mpc.py --ours ../../target/release/mpc

All sides solve a double integrator and a quadrotor cold, from u = 0 and from nothing that was kept. They take turns, in
an order that rotates; times are medians. OSQP gets the condensed problem at its default tolerance and at 1e-8, and the
staged one (sparse equalities) at 1e-8, with its set-up done beforehand and not timed: what is timed is a new linear
term and a solve from zero. DAQP's call holds its set-up; our prepared form has H⁻¹ from beforehand. (f − f*)/|f*| is recomputed here, f* being the
smallest value that any side found.
"""

import argparse
import math
import statistics
import subprocess
import time

import daqp
import numpy as np
import osqp
import scipy.sparse as sp


def riccati(a, b, q, r):
    p = q.copy()
    for _ in range(10_000):
        gain = np.linalg.solve(r + b.T @ p @ b, b.T @ p @ a)
        new = q + a.T @ p @ a - a.T @ p @ b @ gain
        done = np.abs(new - p).max() <= 1e-14 * np.abs(new).max()
        p = (new + new.T) / 2
        if done:
            break
    return p


def double_integrator():
    h = 0.1
    return np.array([[1, h], [0, 1]]), np.array([[h * h / 2], [h]]), np.diag([1, 0.1]), np.array([[0.01]])


def quadrotor():
    g, mass, inertia, arm, thrust, h = 9.81, 0.035, (1.66e-5, 1.66e-5, 2.93e-5), 0.0325, 0.14715, 0.05
    ac, bc = np.zeros((12, 12)), np.zeros((12, 4))
    ac[:6, 6:] = np.eye(6)
    ac[6, 4], ac[7, 3] = g, -g
    bc[8] = thrust / mass
    bc[9] = arm * thrust / inertia[0] * np.array([-1, -1, 1, 1])
    bc[10] = arm * thrust / inertia[1] * np.array([-1, 1, 1, -1])
    bc[11] = 0.006 * thrust / inertia[2] * np.array([-1, 1, -1, 1])
    powers = [np.linalg.matrix_power(ac, k) for k in range(5)]
    a = sum(p * h**k / math.factorial(k) for k, p in enumerate(powers))
    b = sum(p * h ** (k + 1) / math.factorial(k + 1) for k, p in enumerate(powers)) @ bc
    q = np.diag([100, 100, 100, 1, 1, 100, 4, 4, 4, 0.5, 0.5, 1.0])
    return a, b, q, 4 * np.eye(4)


def condensed(a, b, q, r, p, n, x0):
    states, inputs = b.shape
    phi = np.vstack([np.linalg.matrix_power(a, k + 1) for k in range(n)])
    gamma = np.zeros((n * states, n * inputs))
    for k in range(n):
        for j in range(k + 1):
            block = np.linalg.matrix_power(a, k - j) @ b
            gamma[k * states : (k + 1) * states, j * inputs : (j + 1) * inputs] = block
    weights = np.kron(np.eye(n), q)
    weights[-states:, -states:] = p
    h = gamma.T @ weights @ gamma + np.kron(np.eye(n), r)
    return (h + h.T) / 2, gamma.T @ weights @ phi @ x0


def osqp_condensed(h, f, bound, eps):
    solver = osqp.OSQP()
    n = len(f)
    solver.setup(
        sp.csc_matrix(np.triu(h)), f, sp.identity(n, format="csc"), np.full(n, -bound), np.full(n, bound),
        eps_abs=eps, eps_rel=eps, max_iter=100_000, verbose=False, warm_starting=False,
    )

    def run():
        solver.update(q=f)
        result = solver.solve()
        return np.clip(result.x, -bound, bound), result.info.iter

    return run


def osqp_staged(a, b, q, r, p, n, x0, bound, eps):
    states, inputs = b.shape
    size = n * (states + inputs)
    costs = sp.block_diag([sp.kron(sp.identity(n - 1), q), p, sp.kron(sp.identity(n), r)], format="csc")
    x = sp.kron(sp.identity(n), sp.identity(states)) - sp.kron(sp.eye(n, k=-1), a)
    dynamics = sp.hstack([x, -sp.kron(sp.identity(n), b)])
    boxes = sp.hstack([sp.csc_matrix((n * inputs, n * states)), sp.identity(n * inputs)])
    right = np.zeros(n * states)
    right[:states] = a @ x0
    limits = np.full(n * inputs, bound)
    low, high = np.concatenate([right, -limits]), np.concatenate([right, limits])
    solver = osqp.OSQP()
    solver.setup(
        sp.triu(costs, format="csc"), np.zeros(size), sp.vstack([dynamics, boxes], format="csc"), low, high,
        eps_abs=eps, eps_rel=eps, max_iter=100_000, verbose=False, warm_starting=False,
    )

    def run():
        solver.update(l=low, u=high)
        result = solver.solve()
        return np.clip(result.x[n * states :], -bound, bound), result.info.iter

    return run


def daqp_condensed(h, f, bound):
    n = len(f)
    high, low, sense = np.full(n, bound), np.full(n, -bound), np.zeros(n, dtype=np.int32)
    none = np.zeros((0, n))

    def run():
        x, _, flag, info = daqp.solve(h, f, none, high, low, sense)
        assert flag == 1
        return np.asarray(x), info["iterations"]

    return run


class Ours:
    """The process of our side."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, sizes, bound, arrays, repetitions):
        numbers = [*sizes, repetitions, bound, *(x for array in arrays for x in np.ravel(array))]
        print(*(repr(float(x)) for x in numbers), file=self.process.stdin, flush=True)
        answer = [float(x) for x in self.process.stdout.readline().split()]
        return answer[:6], np.array(answer[6:])


def timed(run, repetitions):
    begin = time.perf_counter()
    for _ in range(repetitions):
        result = run()
    return (time.perf_counter() - begin) / repetitions, result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--repetitions", type=int, default=50)
    options = parser.parse_args()
    ours = Ours(options.ours)

    def at_rest(position, yaw=0.0):
        return np.array([*position, 0, 0, yaw, *[0] * 6], dtype=float)

    cases = [
        ("cart, 10 stages", double_integrator(), 10, np.array([0.3, 0.1]), 1.0),
        ("cart, 20 stages", double_integrator(), 20, np.array([2.0, 0.0]), 1.0),
        ("quadrotor, near", quadrotor(), 10, at_rest([0.3, -0.2, 0.2]), 0.1),
        ("quadrotor, far", quadrotor(), 10, at_rest([1.0, -0.7, 0.5], 0.3), 0.3),
    ]
    print("| problem | solver | iterations | (f − f*)/\\|f*\\| | µs | theirs / ours, staged |\n|---|---|--:|--:|--:|--:|")
    for name, (a, b, q, r), n, x0, bound in cases:
        p = riccati(a, b, q, r)
        h, f = condensed(a, b, q, r, p, n, x0)
        peers = {
            "OSQP condensed, default": osqp_condensed(h, f, bound, 1e-3),
            "OSQP condensed, 1e-8": osqp_condensed(h, f, bound, 1e-8),
            "OSQP staged, 1e-8": osqp_staged(a, b, q, r, p, n, x0, bound, 1e-8),
            "DAQP condensed": daqp_condensed(h, f, bound),
        }
        times = {who: [] for who in ["southwell, staged", "southwell, condensed", "southwell, prepared", *peers]}
        found = {}
        order = ["ours", *peers]
        for turn in range(options.rounds + 1):
            for who in order[turn % len(order) :] + order[: turn % len(order)]:
                if who == "ours":
                    sizes = (b.shape[0], b.shape[1], n)
                    (staged, steps, dense, dense_steps, ready, ready_steps), u = ours.ask(
                        sizes, bound, (a, b, q, r, p, x0), options.repetitions
                    )
                    times["southwell, staged"].append(staged)
                    times["southwell, condensed"].append(dense)
                    times["southwell, prepared"].append(ready)
                    found["southwell, prepared"] = u, ready_steps
                    found["southwell, staged"] = u, steps
                    found["southwell, condensed"] = u, dense_steps
                else:
                    seconds, found[who] = timed(peers[who], options.repetitions)
                    times[who].append(seconds)
        value = {who: u @ (0.5 * h @ u + f) for who, (u, _) in found.items()}
        best = min(value.values())
        base = statistics.median(times["southwell, staged"][1:])
        for who, seconds in times.items():
            median = statistics.median(seconds[1:])
            gap = (value[who] - best) / abs(best)
            print(f"| {name} | {who} | {int(found[who][1])} | {gap:.0e} | {1e6 * median:.1f} | {median / base:.1f} |")


if __name__ == "__main__":
    main()
