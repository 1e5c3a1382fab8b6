"""From an encoded image and a window to the network's pixels, decoding and resizing little else.

What comes out is what resizing the whole image with antialiasing and then cropping it gives
(`views.py`), up to rounding and two deliberate economies:

- A JPEG is decoded at 1/2, 1/4 or 1/8 where the window still has `SPARE` times as many pixels
  each way as are wanted: its own way of making images smaller leaves more detail than resizing.
- The rectangle to resize begins between two pixels; the resizing begins at a pixel. So it begins
  further up and left, where both fall together to within `ALIGNED` of a pixel, and what is too
  much is cut off.
"""

import math
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from reslab.data.images import MAX_PIXELS, Pixels, decode_image
from reslab.data.jpeg import REDUCTIONS, decode_jpeg, is_jpeg, read_jpeg_size
from reslab.data.windows import Uniforms, View, Window

SPARE = 2
"""With 1, photographs came out up to 6 levels of 255 beside the reference, in place of 1.3."""

ALIGNED = 1 / 64
"""In pixels of the decoded image: how far the resized window may lie beside the one asked for."""

MAX_OVERHANG = 512
"""Columns and rows that may be resized in vain; 1 in 64 pixels is missed only where this is hit."""

_PIXELS, _EXIF = b"\xda", b"Exif\0\0"


def cut_view(content: bytes, view: View, uniforms: Uniforms) -> Tensor:
    """Decode an image and cut out what the network is shown.

    Args:
        content: the encoded image.
        view: chooses the window.
        uniforms: `view.draws` random numbers.

    Returns:
        [3, size, size], uint8, in the memory order of `channels_last`.

    Raises:
        DataError: if the image cannot be decoded or is too large.
    """
    decoded = _decode_reduced(content, view, uniforms)
    if decoded is None:
        pixels = decode_image(content, 3)
        window = view.choose(pixels.shape[1], pixels.shape[0], uniforms)
    else:
        pixels, window = decoded
    return resize_window(pixels, window, view.size)


def resize_window(pixels: Pixels, window: Window, size: int) -> Tensor:
    """Resize a window of decoded pixels [H, W, 3] to [3, size, size], with antialiasing."""
    height, width = pixels.shape[:2]
    step_x, step_y = window.width / size, window.height / size
    left, skip_x, columns = _align(window.left, step_x, size, width)
    top, skip_y, rows = _align(window.top, step_y, size, height)
    # With a batch of one from the start: the strides of `region[None]` say nothing of its order,
    # so that PyTorch would turn it into planes first.
    region = torch.from_numpy(pixels)[None, top : top + rows, left : left + columns]
    # Larger by a hair, as the number of outputs is rounded down.
    scale = ((1 + 1e-9) / step_y, (1 + 1e-9) / step_x)
    planes = region.permute(0, 3, 1, 2)
    resized = F.interpolate(planes, scale_factor=scale, mode="bilinear", antialias=True)[0]
    cut = resized[:, skip_y : skip_y + size, skip_x : skip_x + size]
    return cut.flip(-1) if window.mirrored else cut


def _align(start: float, step: float, size: int, length: int) -> tuple[int, int, int]:
    """Where to begin resizing, how many outputs to skip, how many pixels to resize.

    One output at least is skipped unless the window begins at the edge: the first one of a resizing
    lacks the pixels before it.
    """
    overhang = np.arange(min(int(start / step + 1e-9), MAX_OVERHANG) + 1)
    starts = start - overhang * step + 1e-9
    beside = starts % 1
    fitting = np.flatnonzero((beside[1:] < ALIGNED) | (starts[1:] < ALIGNED))
    skip = int(fitting[0]) + 1 if len(fitting) else int(beside.argmin())
    first = max(math.floor(starts[skip]), 0)
    # Beyond the last output its neighbours within a step, and what rounding may take.
    return first, skip, min(length - first, math.ceil(step * (size + skip + 1)) + 2)


def _decode_reduced(content: bytes, view: View, uniforms: Uniforms) -> tuple[Pixels, Window] | None:
    """Decode a plain JPEG; None for anything that needs more care, damaged files included."""
    if not is_jpeg(content):
        return None
    turn = _read_turn(content)
    try:
        size = read_jpeg_size(content)
        if size is None or not 0 < math.prod(size) <= MAX_PIXELS:
            return None
        upright = size[::-1] if turn in _SIDEWAYS else size
        window = view.choose(*upright, uniforms)
        pixels = decode_jpeg(content, size, _find_reduction(window, view.size))
    except ValueError:
        return None
    if turn is not None:
        pixels = np.array(Image.fromarray(pixels).transpose(turn))
    return pixels, _scale_window(window, pixels.shape[1] / upright[0], pixels.shape[0] / upright[1])


def _find_reduction(window: Window, size: int) -> int:
    smaller = min(window.width, window.height)
    return next((by for by in REDUCTIONS if smaller >= SPARE * by * size), 1)


def _scale_window(window: Window, x: float, y: float) -> Window:
    return replace(
        window,
        left=window.left * x,
        top=window.top * y,
        width=window.width * x,
        height=window.height * y,
    )


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = {_TURNS[orientation] for orientation in (5, 6, 7, 8)}


def _read_turn(content: bytes) -> Image.Transpose | None:
    """How a JPEG must be turned to stand upright, as its EXIF says."""
    found = _find_exif(content)
    if found is None:
        return None
    exif = Image.Exif()
    try:
        exif.load(found)
        return _TURNS.get(exif.get(0x0112, 1))
    except Exception:  # noqa: BLE001 - damaged EXIF says nothing against the pixels
        return None


def _find_exif(content: bytes) -> bytes | None:
    """The EXIF of a JPEG, from one segment before the pixels to the next."""
    place = 2
    while content[place : place + 1] == b"\xff" and content[place + 1 : place + 2] != _PIXELS:
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        if content[place + 4 : place + 10] == _EXIF:
            return content[place + 4 : end]
        place = end
    return None
