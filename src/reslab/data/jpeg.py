"""Plain JPEG files at 1, 1/2, 1/4 or 1/8 of their size, which costs less than decoding all of them.

libjpeg-turbo does it, through simplejpeg, or, where that cannot be imported, through Pillow.
"""

import warnings
from collections.abc import Callable
from io import BytesIO
from typing import TypeVar

import numpy as np
from PIL import Image

from reslab.data.images import Pixels

try:
    import simplejpeg
except ImportError:  # There is no wheel for every platform.
    simplejpeg = None

T = TypeVar("T")

REDUCTIONS = (8, 4, 2)
"""By which a file can be decoded smaller, largest first."""

_MARKER = b"\xff\xd8\xff"


def is_jpeg(content: bytes) -> bool:
    """Whether a file begins as JPEG files do."""
    return content.startswith(_MARKER)


def read_jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Width and height as stored, or None where the colours are not plain, such as CMYK.

    Raises:
        ValueError: if the header cannot be read.
    """
    return _read_size(content)


def decode_jpeg(content: bytes, size: tuple[int, int], reduction: int) -> Pixels:
    """Decode a JPEG of plain colours to RGB; EXIF is not heeded.

    Args:
        content: the file.
        size: as of `read_jpeg_size`.
        reduction: 1 or one of `REDUCTIONS`.

    Returns:
        [H, W, 3], of sizes divided by `reduction` and rounded up.

    Raises:
        ValueError: if anything is wrong with the file.
    """
    return _decode(content, size, reduction)


def _read_size_by_simplejpeg(content: bytes) -> tuple[int, int] | None:
    height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
    return (width, height) if colours in {"YCbCr", "Gray", "RGB"} else None


def _decode_by_simplejpeg(content: bytes, size: tuple[int, int], reduction: int) -> Pixels:
    width, height = (-(-length // reduction) for length in size)
    pixels: Pixels = simplejpeg.decode_jpeg(content, "RGB", min_height=height, min_width=width)
    return pixels


def _read_size_by_pillow(content: bytes) -> tuple[int, int] | None:
    def read(image: Image.Image) -> tuple[int, int] | None:
        return image.size if image.mode in {"RGB", "L"} else None

    return _with_pillow(content, read)


def _decode_by_pillow(content: bytes, size: tuple[int, int], reduction: int) -> Pixels:
    def read(image: Image.Image) -> Pixels:
        image.draft(image.mode, (max(size[0] // reduction, 1), max(size[1] // reduction, 1)))
        return np.array(image.convert("RGB"))

    return _with_pillow(content, read)


def _with_pillow(content: bytes, read: Callable[[Image.Image], T]) -> T:
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(BytesIO(content), formats=("JPEG",)) as image,
        ):
            return read(image)
    except Exception as error:  # Pillow's decoders raise anything at all on damaged input.
        raise ValueError(str(error)) from error


_read_size = _read_size_by_pillow if simplejpeg is None else _read_size_by_simplejpeg
_decode = _decode_by_pillow if simplejpeg is None else _decode_by_simplejpeg
