"""Real images, cut to a network's size, on which an export is calibrated and checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reslab.data.dataset import LabelledImages
from reslab.data.finding import find_images
from reslab.data.load import load_dataset
from reslab.errors import ConfigError, DataError
from reslab.evaluation.protocols import build_protocol, read_views
from reslab.networks.geometry import ImageGeometry

Images = NDArray[np.uint8]
"""[N, C, H, W], uint8."""

CALIBRATION_COUNT = 512
"""Images to calibrate on at most; more did not help on CIFAR-10."""


@dataclass(frozen=True)
class Samples:
    """Images for the two purposes."""

    calibration: Images
    check: Images


def take_dataset(name: str, root: Path | None, geometry: ImageGeometry, count: int) -> Samples:
    """Training images to calibrate on, and up to `count` test images to check on.

    Raises:
        DataError: if the data set is missing, or has images of other channels.
    """
    dataset = load_dataset(name, root)
    channels = dataset.image_shape[0]
    if channels != geometry.channels:
        raise DataError(
            f"the images of {name} have {channels} channels, the network takes "
            f"{geometry.channels}: choose other images"
        )
    return Samples(
        _take(dataset.train, geometry, CALIBRATION_COUNT), _take(dataset.test, geometry, count)
    )


def take_files(paths: Sequence[Path], geometry: ImageGeometry, count: int) -> Images:
    """Up to `count` images, evenly spread over all files named and all in the folders named.

    Raises:
        DataError: naming the first file that cannot be read, or if there is none.
    """
    files = list(find_images(paths, _refuse))
    if not files:
        raise DataError("no images were given")
    make_views = build_protocol("centre", geometry)
    chosen = [files[i] for i in _spread(len(files), count)]
    views = [read_views(path, geometry, make_views)[0] for path in chosen]
    return np.ascontiguousarray(np.stack(views).transpose(0, 3, 1, 2))


def _take(data: LabelledImages, geometry: ImageGeometry, count: int) -> Images:
    images = data.images.numpy()[_spread(len(data), count)]
    if images.shape[2:] == (geometry.crop, geometry.crop):
        return images
    make_views = build_protocol("centre", geometry)
    views = [make_views(image.transpose(1, 2, 0))[0] for image in images]
    return np.ascontiguousarray(np.stack(views).transpose(0, 3, 1, 2))


def _spread(total: int, count: int) -> list[int]:
    if count < 1:
        raise ConfigError(f"asked for {count} images: take at least 1")
    return [i * total // min(count, total) for i in range(min(count, total))]


def _refuse(_path: Path, error: DataError) -> None:
    raise error
