"""How an image of any size becomes what a network sees; free of PyTorch, so that it loads fast."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class ImageGeometry:
    """How an image of any size becomes the square that the network sees."""

    resize: int | None = None
    """Length of the shorter side after resizing; None leaves the image as it is."""
    crop: int
    """Side of the square cut out, at the centre when evaluating."""
    channels: Literal[1, 3] = 3
    """1 for grey, 3 for colour (RGB)."""
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    """Filter of the resizing."""
