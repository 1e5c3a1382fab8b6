"""Which window of an image a network is shown, as a pure function of its size and random numbers.

A window is a rectangle of the decoded image that becomes a square of the network's size. Cutting a
window of a whole resized image is the same as resizing that rectangle alone, at a fraction of the
cost.
"""

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from reslab.errors import ConfigError

Uniforms = NDArray[np.float64]
"""Independent numbers in [0, 1)."""


@dataclass(frozen=True)
class Window:
    """A rectangle, in pixels of the upright image; edges may lie between pixels."""

    left: float
    top: float
    width: float
    height: float
    mirrored: bool = False


class View(Protocol):
    """A rule that chooses windows."""

    @property
    def size(self) -> int:
        """Height and width of what the network is shown."""
        ...

    @property
    def draws(self) -> int:
        """How many random numbers one window takes."""
        ...

    def choose(self, width: int, height: int, uniforms: Uniforms) -> Window:
        """The window of an image of this size; `uniforms` has `draws` numbers."""
        ...


@dataclass(frozen=True, kw_only=True)
class ScaleJitter:
    """Shorter side resized to a random length, then a random square and mirroring (§3.4).

    Raises:
        ConfigError: if the shortest length is smaller than the square, or larger than the longest.
    """

    kind: Literal["scale-jitter"] = "scale-jitter"
    """Tells it from other views in a file."""
    size: int = 224
    """Height and width of the square."""
    shortest: int = 256
    """Smallest length of the shorter side."""
    longest: int = 480
    """Largest."""

    @property
    def draws(self) -> int:
        """Length, column, row, mirroring."""
        return 4

    def __post_init__(self) -> None:
        if not 0 < self.size <= self.shortest <= self.longest:
            raise ConfigError(
                f"cannot cut {self.size} pixels of a shorter side from {self.shortest} to "
                f"{self.longest}: these must not decrease"
            )

    def choose(self, width: int, height: int, uniforms: Uniforms) -> Window:
        """Draw length and place uniformly; the longer side is rounded down."""
        length = self.shortest + _below(uniforms[0], self.longest - self.shortest + 1)
        columns, rows = _resized(width, height, length)
        column = _below(uniforms[1], columns - self.size + 1)
        row = _below(uniforms[2], rows - self.size + 1)
        return _window(width / columns, height / rows, column, row, self.size, uniforms[3] < 0.5)


@dataclass(frozen=True, kw_only=True)
class CentreView:
    """Shorter side resized to one length, then the central square: the same at every call.

    Raises:
        ConfigError: if the length is smaller than the square.
    """

    size: int = 224
    """Height and width of the square."""
    shorter: int = 256
    """Length of the shorter side."""

    @property
    def draws(self) -> int:
        """None."""
        return 0

    def __post_init__(self) -> None:
        if not 0 < self.size <= self.shorter:
            raise ConfigError(f"cannot cut {self.size} pixels of a shorter side of {self.shorter}")

    def choose(self, width: int, height: int, uniforms: Uniforms) -> Window:  # noqa: ARG002
        """The central square; half pixels round to even."""
        columns, rows = _resized(width, height, self.shorter)
        column, row = round((columns - self.size) / 2), round((rows - self.size) / 2)
        return _window(width / columns, height / rows, column, row, self.size, mirrored=False)


RANDOM_TRIES = 10


@dataclass(frozen=True, kw_only=True)
class RandomResizedCrop:
    """A rectangle of random area and aspect, stretched to a square, and mirroring.

    The augmentation of Szegedy et al. 2015 (§6), in place of the paper's: the area is uniform, the
    aspect log-uniform, and of ten draws the first that fits is taken, else the largest rectangle
    that does.
    """

    kind: Literal["random-resized-crop"] = "random-resized-crop"
    """Tells it from other views in a file."""
    size: int = 224
    """Height and width of the square."""
    area: tuple[float, float] = (0.08, 1.0)
    """Smallest and largest share of the image."""
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    """Narrowest and widest width over height."""

    @property
    def draws(self) -> int:
        """Column, row, mirroring; area and aspect for each try."""
        return 3 + 2 * RANDOM_TRIES

    def __post_init__(self) -> None:
        (smallest, largest), (narrowest, widest) = self.area, self.aspect
        if not (self.size > 0 and 0 < smallest <= largest <= 1 and 0 < narrowest <= widest):
            raise ConfigError(
                f"no rectangle has an area of {self.area} and an aspect of {self.aspect}: give "
                "increasing positive numbers, areas up to 1"
            )

    def choose(self, width: int, height: int, uniforms: Uniforms) -> Window:
        """Draw until a rectangle fits."""
        columns, rows = self._draw_extent(width, height, uniforms[3:])
        left = _below(uniforms[0], width - columns + 1)
        top = _below(uniforms[1], height - rows + 1)
        return Window(left, top, columns, rows, bool(uniforms[2] < 0.5))

    def _draw_extent(self, width: int, height: int, uniforms: Uniforms) -> tuple[int, int]:
        low, high = (math.log(limit) for limit in self.aspect)
        for first, second in uniforms.reshape(-1, 2):
            area = width * height * (self.area[0] + first * (self.area[1] - self.area[0]))
            aspect = math.exp(low + second * (high - low))
            columns, rows = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < columns <= width and 0 < rows <= height:
                return columns, rows
        narrowest, widest = self.aspect
        columns = min(width, max(round(height * widest), 1))
        return columns, min(height, max(round(columns / narrowest), 1))


def _resized(width: int, height: int, shorter: int) -> tuple[int, int]:
    if width <= height:
        return shorter, shorter * height // width
    return shorter * width // height, shorter


def _window(
    step_x: float, step_y: float, column: int, row: int, size: int, mirrored: bool | np.bool_
) -> Window:
    return Window(column * step_x, row * step_y, size * step_x, size * step_y, bool(mirrored))


def _below(uniform: float, count: int) -> int:
    return int(uniform * count)
