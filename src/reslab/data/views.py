"""What a network is shown of an image: resized, cropped at the centre or ten times (§3.4).

Pixels are [H, W, C], uint8. The arithmetic is that of torchvision on Pillow images, so
that published weights see the pixels they were measured on.
"""

from typing import Literal

import numpy as np
from PIL import Image

from reslab.data.images import Pixels

MAX_ASPECT = 32
"""Of longer images only the central part is resized, so that none grows without bounds."""

Interpolation = Literal["bilinear", "bicubic"]
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def resize_shorter_side(
    pixels: Pixels, length: int, interpolation: Interpolation = "bilinear"
) -> Pixels:
    """Resize so that the shorter side has `length` pixels, with antialiasing.

    The longer side is rounded down. An image that fits already is returned as it is. One that is
    more than `MAX_ASPECT` times as long as wide is first cut to its central part of that shape.
    """
    pixels = _cut_ends(pixels)
    height, width, channels = pixels.shape
    shorter, longer = sorted((height, width))
    if shorter == length:
        return pixels
    new_longer = length * longer // shorter
    size = (length, new_longer) if width <= height else (new_longer, length)
    image = Image.fromarray(pixels if channels == 3 else pixels[:, :, 0])
    resized = np.asarray(image.resize(size, _FILTERS[interpolation]))
    return resized.reshape(size[1], size[0], channels)


def centre_crop(pixels: Pixels, side: int) -> Pixels:
    """Cut the central square; an image smaller than that is first padded with black evenly."""
    pixels = _pad(pixels, side)
    height, width = pixels.shape[:2]
    return _cut(pixels, round((height - side) / 2), round((width - side) / 2), side)


def ten_crop(pixels: Pixels, side: int) -> list[Pixels]:
    """The four corners and the centre, then their mirror images (Krizhevsky et al. 2012).

    The order is top left, top right, bottom left, bottom right, centre. An image smaller than the
    square is first padded as in `centre_crop`.
    """
    pixels = _pad(pixels, side)
    height, width = pixels.shape[:2]
    corners = [
        _cut(pixels, top, left, side) for top in (0, height - side) for left in (0, width - side)
    ]
    crops = [*corners, centre_crop(pixels, side)]
    return crops + [crop[:, ::-1] for crop in crops]


def _cut_ends(pixels: Pixels) -> Pixels:
    longest = MAX_ASPECT * min(pixels.shape[:2])
    top, left = (max(length - longest, 0) // 2 for length in pixels.shape[:2])
    return pixels[top : top + longest, left : left + longest]


def _pad(pixels: Pixels, side: int) -> Pixels:
    missing = [max(side - length, 0) for length in pixels.shape[:2]]
    if not any(missing):
        return pixels
    return np.pad(pixels, [*((gap // 2, gap - gap // 2) for gap in missing), (0, 0)])


def _cut(pixels: Pixels, top: int, left: int, side: int) -> Pixels:
    return pixels[top : top + side, left : left + side]
