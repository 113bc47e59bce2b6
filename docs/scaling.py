"""The scaling tables of cluster.md, from pass times that were measured and a model of messages.

    python3 docs/scaling.py            prints the tables
    python3 docs/scaling.py --check    fails unless cluster.md holds them

What goes into the model is written in cluster.md, "What to expect", formula by formula.
"""

import math
import pathlib
import sys

RANKS = [4, 16, 64, 256, 1024, 4096]
NETWORKS = {"InfiniBand": (2e-6, 12.5e9), "Ethernet": (30e-6, 1.25e9)}
BLOCKS = 4096


def gather(ranks, numbers, network):
    latency, bandwidth = network
    return 0.0 if ranks == 1 else latency * math.ceil(math.log2(ranks)) + 8 * numbers / bandwidth


def neighbours(ranks, numbers, network):
    """Two neighbours, as many numbers to and fro."""
    latency, bandwidth = network
    return 0.0 if ranks == 1 else 2 * latency + 8 * numbers / bandwidth


def summed(ranks, blocks, length, network):
    """A sum of vectors over blocks, in their order, on all ranks."""
    latency, bandwidth = network
    if ranks == 1:
        return 0.0
    sent = (ranks - 1) * latency + 8 * (blocks / ranks) * length / bandwidth
    return sent + gather(ranks, length + 2 * blocks, network)


def red_black(k):
    """One sweep of k on a square grid of n cells."""

    def time(n, ranks, network):
        side = math.isqrt(n)
        tau = 1.8e-9 if k == 1 else 1.24e-9
        twice = 0.0 if ranks == 1 else 12 * k * k * side * tau
        work = k * (n / ranks) * tau + twice
        return (max(work, neighbours(ranks, 4 * k * side, network)) + gather(ranks, min(BLOCKS, side), network)) / k

    return time


def multicolour(n, ranks, network):
    """One sweep by two colours, whose rows are read one after the other."""
    side = math.isqrt(n)
    sweep = max((n / ranks) * 10e-9, 2 * neighbours(ranks, side, network))
    return sweep + gather(ranks, min(BLOCKS, n // 256), network)


def cg(n, ranks, network):
    blocks = min(BLOCKS, n // 256)
    work = max((n / ranks) * 6.4e-9, neighbours(ranks, 2 * math.isqrt(n), network))
    return work + 2 * gather(ranks, 1.5 * blocks, network)


def ssor_cg(n, ranks, network):
    blocks = min(BLOCKS, n // 256)
    work = (n / ranks) * 17e-9 + neighbours(ranks, 2 * math.isqrt(n), network)
    return work + 2 * gather(ranks, 2 * blocks, network)


def rows_of(blocks, tau):
    """A reading of a matrix of n rows and n columns in blocks of rows, and a vector of n summed over them."""

    def time(n, ranks, network):
        if ranks > blocks:
            return None
        return n * n / ranks * tau + summed(ranks, blocks, n, network)

    return time


def thin(n, ranks, network, columns=100, blocks=64):
    """A reading of n rows of 100 columns, and a vector of 100 summed over 64 blocks."""
    if ranks > blocks:
        return None
    return n * columns / ranks * 0.3e-9 + summed(ranks, blocks, columns, network)


def by_features(n, ranks, network):
    """A greedy step on n samples of n features: a reading, three numbers a rank, a column to all."""
    latency, bandwidth = network
    column = 0.0 if ranks == 1 else math.ceil(math.log2(ranks)) * latency + 8 * n / bandwidth
    return n * n / ranks * 0.2e-9 + gather(ranks, 3 * ranks, network) + column


STRONG = [
    ("red-black, k = 1", red_black(1), 8192**2),
    ("red-black, k = 4", red_black(4), 8192**2),
    ("multicolour", multicolour, 8192**2),
    ("CG", cg, 8192**2),
    ("SSOR-CG, one iteration", ssor_cg, 8192**2),
    ("Sinkhorn or Newton step, 64 blocks", rows_of(64, 1.0e-9), 20_000),
    ("Sinkhorn or Newton step, 1024 blocks", rows_of(1024, 1.0e-9), 20_000),
    ("sub-gradients, descent by samples", rows_of(64, 0.3e-9), 20_000),
    ("fit, 10⁷ rows of 100", thin, 10**7),
    ("descent by features", by_features, 20_000),
]
WEAK = [
    ("red-black, k = 1", red_black(1), 2**20),
    ("red-black, k = 4", red_black(4), 2**20),
    ("multicolour", multicolour, 2**20),
    ("CG", cg, 2**20),
    ("SSOR-CG, one iteration", ssor_cg, 2**20),
    ("fit, 10⁶ rows a rank", thin, 10**6),
]


def table(cases, ratio):
    lines = ["| method, network | " + " | ".join(("P = " if p == RANKS[0] else "") + str(p) for p in RANKS) + " |"]
    lines.append("|---|" + "---|" * len(RANKS))
    for network, numbers in NETWORKS.items():
        for name, time, n in cases:
            cells = (ratio(time, n, ranks, numbers) for ranks in RANKS)
            lines.append(f"| {name}, {network} | " + " | ".join("–" if x is None else f"{x:.2f}" for x in cells) + " |")
    return "\n".join(lines)


def strong(time, n, ranks, network):
    took = time(n, ranks, network)
    return took and time(n, 1, network) / (ranks * took)


def weak(time, n, ranks, network):
    took = time(n * ranks, ranks, network)
    return took and time(n, 1, network) / took


def main():
    tables = [table(STRONG, strong), table(WEAK, weak)]
    if "--check" not in sys.argv[1:]:
        print("\n\n".join(tables))
        return 0
    page = pathlib.Path(__file__).with_name("cluster.md").read_text(encoding="utf-8")
    missing = [lines for lines in tables if lines not in page]
    for lines in missing:
        print(f"cluster.md does not hold this table:\n{lines}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
