"""A data set of noise, where only speed is measured."""

from pathlib import Path

import numpy as np

from reslab.data.sources.cifar import CIFAR10


def write_synthetic_cifar(folder: Path) -> None:
    """Random images in the layout of CIFAR-10."""
    generator = np.random.default_rng(0)
    for name in (*CIFAR10.train_files, *CIFAR10.test_files):
        records = generator.integers(0, 256, (10_000, 3_073), np.uint8)
        records[:, 0] %= 10
        records.tofile(folder / name)
    names = "\n".join(f"class{i}" for i in range(10))
    (folder / CIFAR10.names_file).write_text(names, encoding="utf-8")
