import time
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from reslab.errors import ExportError
from reslab.export.parity import compare
from reslab.export.speed import measure_speeds
from reslab.networks.geometry import ImageGeometry

GEOMETRY = ImageGeometry(crop=1, channels=1)
IMAGES = np.arange(40, dtype=np.uint8).reshape(40, 1, 1, 1)


@dataclass(frozen=True)
class Linear:
    """A runtime of known answers: (10·pixel, offset of class 1, 200)."""

    offset: float = 0.0
    seconds: float = 0.0
    name: str = "linear"
    class_names: tuple[str, ...] = ("a", "b", "c")
    geometry: ImageGeometry = GEOMETRY

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        time.sleep(self.seconds)
        pixels = images.reshape(len(images), 1).astype(np.float32)
        return np.hstack([10 * pixels, 0 * pixels + self.offset, 0 * pixels + 200])


def test_differences_and_predictions() -> None:
    # Class b at 300 takes the images of which neither 10·pixel nor 200 is more: pixels 0 to 29.
    agreement = compare(Linear(), Linear(offset=300), IMAGES)
    assert agreement.largest_absolute_difference == 300
    assert agreement.largest_relative_difference == 300 / 200
    assert agreement.same_predictions == 10
    assert agreement.agreement_pct == 25


def test_a_network_agrees_with_itself() -> None:
    agreement = compare(Linear(), Linear(), IMAGES)
    assert agreement.largest_absolute_difference == 0
    assert agreement.agreement_pct == 100


def test_numbers_that_are_not_finite() -> None:
    with pytest.raises(ExportError, match="not finite"):
        compare(Linear(), Linear(offset=float("inf")), IMAGES)


def test_speeds_are_images_per_second() -> None:
    runtimes = {"slow": Linear(seconds=0.02), "fast": Linear()}
    speeds = measure_speeds(runtimes, IMAGES, rounds=3, block_seconds=0.05)
    assert speeds["slow"].rounds == 3
    assert speeds["slow"].median <= 40 / 0.02
    assert speeds["slow"].slowest <= speeds["slow"].median <= speeds["slow"].fastest
    assert speeds["fast"].median > speeds["slow"].fastest
