#!/usr/bin/env python3
"""Small files for every command of these pages: `python3 docs/data.py FOLDER`. Needs nothing but Python."""

import math
import pathlib
import random
import shutil
import struct
import sys
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent


def npy(values, shape):
    """The bytes of a NumPy file."""
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()
    return head + struct.pack(f"<{len(values)}d", *values)


def npz(path, arrays):
    """An archive without compression, as numpy.savez writes it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, (values, shape) in arrays.items():
            archive.writestr(f"{name}.npy", npy(values, shape))


def png(path, width, height, colour):
    """An image whose pixel (i, j) has the colour that a function says."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + bytes(max(0, min(255, int(c))) for i in range(width) for c in colour(i / width, j / height))
        for j in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(1)

    # A system: the five-point matrix of a 30 × 30 grid, its lower triangle, and a right-hand side.
    side, lines = 30, []
    for i in range(side * side):
        lines.append(f"{i + 1} {i + 1} 4")
        if i % side + 1 < side:
            lines.append(f"{i + 2} {i + 1} -1")
        if i + side < side * side:
            lines.append(f"{i + side + 1} {i + 1} -1")
    head = f"%%MatrixMarket matrix coordinate real symmetric\n{side * side} {side * side} {len(lines)}\n"
    (folder / "A.mtx").write_text(head + "\n".join(lines) + "\n")
    (folder / "b.npy").write_bytes(npy([1.0 + math.sin(k / 7) for k in range(side * side)], [side * side]))

    # Transport: points in the plane, the squares of their distances, and masses.
    n, m = 60, 80
    x = [draw.random() for _ in range(2 * n)]
    y = [0.3 + 0.7 * draw.random() for _ in range(2 * m)]
    cost = [sum((x[2 * i + k] - y[2 * j + k]) ** 2 for k in (0, 1)) for i in range(n) for j in range(m)]
    (folder / "X.npy").write_bytes(npy(x, [n, 2]))
    (folder / "Y.npy").write_bytes(npy(y, [m, 2]))
    (folder / "C.npy").write_bytes(npy(cost, [n, m]))
    rows, columns = [1 + i % 3 for i in range(n)], [1 + j % 4 for j in range(m)]
    (folder / "mass-a.npy").write_bytes(npy([r / sum(rows) for r in rows], [n]))
    (folder / "mass-b.npy").write_bytes(npy([c / sum(columns) for c in columns], [m]))

    # A positive matrix to be balanced.
    entries = "\n".join(f"{math.exp(3 * draw.random())}" for _ in range(20 * 20))
    (folder / "M.mtx").write_text(f"%%MatrixMarket matrix array real general\n20 20\n{entries}\n")

    # A regression of which six features of forty count.
    samples, features = 80, 40
    a = [draw.gauss(0, 1) for _ in range(samples * features)]
    weights = [0.0] * features
    for j in range(6):
        weights[6 * j] = 2.0 - j / 2
    target = [
        sum(a[i * features + j] * w for j, w in enumerate(weights)) + 0.3 * draw.gauss(0, 1) for i in range(samples)
    ]
    npz(folder / "data.npz", {"A": (a, [samples, features]), "y": (target, [samples])})

    # A robust fit: Engel's food expenditures of 1857.
    shutil.copy(HERE.parent / "core/tests/data/engel.csv", folder / "engel.csv")

    # A matrix of rank two, measured 400 times, a fifth of it grossly wrong.
    d, count = 10, 400
    factor = [[draw.gauss(0, 1) for _ in range(2)] for _ in range(d)]
    truth = [sum(factor[i][k] * factor[j][k] for k in (0, 1)) for i in range(d) for j in range(d)]
    vectors = [draw.gauss(0, 1) for _ in range(count * d)]
    measured = []
    for i in range(count):
        v = vectors[i * d : (i + 1) * d]
        value = sum(v[p] * v[q] * truth[p * d + q] for p in range(d) for q in range(d))
        measured.append(100 * draw.gauss(0, 1) if draw.random() < 0.2 else value)
    npz(
        folder / "measurements.npz",
        {"a": (vectors, [count, d]), "y": (measured, [count]), "X": (truth, [d, d])},
    )

    # Two images.
    png(folder / "sea.png", 48, 32, lambda i, j: (40 + 60 * i, 90 + 80 * j, 160 + 60 * (1 - j)))
    png(folder / "field.png", 48, 32, lambda i, j: (150 + 90 * j, 120 + 70 * i, 30 + 30 * i * j))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "."))
