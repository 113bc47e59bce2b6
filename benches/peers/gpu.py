#!/usr/bin/env python3
"""The iterations of `cargo run --release --features gpu --example gpu`, with PyTorch or CuPy on the same card.

Usage: gpu.py [cells a side] [points]      (defaults: 4096, 100000)

Prints the card's name, its copy bandwidth as the library sees it, and the time of a step with the same count of
bytes as ours. One process at a time on the card; the best of three differences of runs, as ours.
"""
import sys
import time


class Torch:
    def __init__(self):
        import torch

        if not torch.cuda.is_available():
            raise ImportError("PyTorch sees no card")
        self.torch, self.name = torch, f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}"
        self.xp = torch

    def full(self, shape, value):
        return self.torch.full(shape, value, dtype=self.torch.float32, device="cuda")

    def uniform(self, shape):
        return self.torch.rand(shape, dtype=self.torch.float32, device="cuda")

    def wait(self):
        self.torch.cuda.synchronize()

    def logsumexp(self, z):
        return self.torch.logsumexp(z, 1)


class Cupy:
    def __init__(self):
        import cupy

        name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
        self.xp, self.name = cupy, f"CuPy {cupy.__version__}, {name}"

    def full(self, shape, value):
        return self.xp.full(shape, value, dtype=self.xp.float32)

    def uniform(self, shape):
        return self.xp.random.random(shape, dtype=self.xp.float32)

    def wait(self):
        self.xp.cuda.Stream.null.synchronize()

    def logsumexp(self, z):
        top = z.max(axis=1)
        return top + self.xp.log(self.xp.exp(z - top[:, None]).sum(axis=1))


def seconds(lib, few, step):
    """Of a step, from runs of `few` and of four times as many."""

    def run(steps):
        lib.wait()
        start = time.perf_counter()
        for _ in range(steps):
            step()
        lib.wait()
        return time.perf_counter() - start

    run(few)
    return min((run(4 * few) - run(few)) / (3 * few) for _ in range(3))


def main():
    side = int(sys.argv[1]) if len(sys.argv) > 1 else 4096
    points = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    for kind in (Torch, Cupy):
        try:
            lib = kind()
        except Exception as error:  # neither library need be there
            print(f"{kind.__name__}: {error}")
            continue
        measure(lib, side, points)


def measure(lib, side, points):
    print(lib.name)
    a, b = lib.full((1 << 26,), 1.0), lib.full((1 << 26,), 2.0)

    def copy():
        b[:] = a

    rate = 8 * (1 << 26) / seconds(lib, 10, copy) / 1e9
    print(f"{'copy of 256 MiB':<44}{rate:>25.1f} GB/s, read and written")
    del a, b

    # Red-black sweeps: strided slices of a padded grid; red cells come as two sets of rows, black ones too.
    u, f, omega = lib.full((side + 2, side + 2), 0.0), lib.full((side + 2, side + 2), 1.0), 1.5

    def sweep():
        for colour in (0, 1):
            for first in (1, 2):
                start = 1 + (first + 1 + colour) % 2
                rows, columns = slice(first, side + 1, 2), slice(start, side + 1, 2)
                north, south = slice(first + 1, side + 2, 2), slice(first - 1, side, 2)
                east, west = slice(start + 1, side + 2, 2), slice(start - 1, side, 2)
                around = u[rows, west] + u[rows, east] + u[south, columns] + u[north, columns]
                u[rows, columns] += omega * (0.25 * (f[rows, columns] + around) - u[rows, columns])

    taken = seconds(lib, 20, sweep)
    moved = 24 * side * side / taken / 1e9
    print(f"{f'red-black sweep, {side} x {side}':<44}{taken * 1e6:>12.1f} us{moved:>10.1f} GB/s{moved / rate:>8.2f} of a copy")
    del u, f

    # Sinkhorn's iteration between points, a block of rows at a time so that nothing of n times m is stored.
    x, y, g, epsilon, block = lib.uniform((points, 3)), lib.uniform((points, 3)), lib.full((points,), 0.0), 0.05, 4096
    state = {"g": g}

    def half(x, y, potential):
        out = lib.full((points,), 0.0)
        for first in range(0, points, block):
            piece = x[first : first + block]
            cost = ((piece[:, None, :] - y[None, :, :]) ** 2).sum(2)
            out[first : first + block] = -epsilon * lib.logsumexp((potential[None, :] - cost) / epsilon)
        return out

    def step():
        state["g"] = half(y, x, half(x, y, state["g"]))

    taken = seconds(lib, 1, step)
    print(
        f"{f'Sinkhorn step, {points} x {points} points in space':<44}{taken * 1e3:>12.1f} ms"
        f"{2 * points * points / taken / 1e9:>10.2f} billion costs and exponentials a second"
    )


if __name__ == "__main__":
    main()
