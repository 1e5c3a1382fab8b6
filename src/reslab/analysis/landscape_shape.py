"""How steep and how rough a loss is along lines through a trained net, as numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HIGHEST = 1e6
"""What is not finite, or higher, counts as this."""
LOWEST_RISE = 1e-3
"""A smaller rise, or a fall, counts as this."""

Losses = Sequence[float | None]


def log_rises(at: Sequence[float], lines: Sequence[Losses], radius: float) -> list[float]:
    """log₁₀ of how much the loss is higher at `radius` than in the middle, line by line.

    The rise and not the ratio, as a net that was never trained well starts from a high loss.

    Args:
        at: coordinates, with `radius`, −`radius` and 0 among them.
        lines: losses at these coordinates; None where they are not finite.
        radius: where to look, on both sides; the mean of the two logarithms is taken.
    """
    losses = _finite(lines)
    centre, *ends = (
        int(np.argmin(np.abs(np.subtract(at, place)))) for place in (0, -radius, radius)
    )
    rises = np.maximum(losses[:, ends] - losses[:, [centre]], LOWEST_RISE)
    return [float(value) for value in np.log10(rises).mean(axis=1)]


def measure_falls(lines: Sequence[Losses]) -> list[float]:
    """How far from convex each line is: the part of its way that the loss falls going outward.

    Of the sum of all changes between neighbours on the way from the middle to both ends, the part
    that are falls: 0 where the loss only rises, as it must if it is convex with its minimum in the
    middle; ½ where it is as often down as up. Measured on log₁₀(1 + loss), so that one peak does
    not decide.

    Args:
        lines: losses at an odd number of coordinates; None where they are not finite.
    """
    heights = np.log10(1 + _finite(lines))
    middle = heights.shape[1] // 2
    outward = (np.diff(heights[:, middle:]), np.diff(heights[:, middle::-1]))
    steps = np.concatenate(outward, axis=1)
    ways = np.abs(steps).sum(axis=1)
    falls = -np.minimum(steps, 0).sum(axis=1)
    return [float(value) for value in falls / np.maximum(ways, 1e-12)]


def _finite(lines: Sequence[Losses]) -> NDArray[np.float64]:
    losses = np.array(lines, dtype=float)
    highest: NDArray[np.float64] = np.nan_to_num(losses, nan=HIGHEST, posinf=HIGHEST)
    return highest.clip(max=HIGHEST)
