"""Charts as data: what is drawn, not how. The report draws them still and interactive."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

LineStyle = Literal["solid", "dashed", "bold", "points"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line with an optional band around it."""

    label: str
    """Empty for a line that the legend leaves out."""
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    """None leaves a gap."""
    low: tuple[float, ...] = ()
    """Lower edge of the band; empty without one."""
    high: tuple[float, ...] = ()
    colour: int = 0
    """Which colour of the palette; lines of one net share it."""
    style: LineStyle = "solid"


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A bar for each name, with optional ends of its interval."""

    label: str
    names: tuple[str, ...]
    values: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    colour: int = 0


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A height over a rectangular grid, drawn as contours and, where one can turn it, in space."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    z: tuple[tuple[float, ...], ...]
    """One row for each y."""
    log: bool = False
    """Whether the height is drawn on a logarithmic scale; it must then be above zero."""
    height_label: str = ""
    """What the height is."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One pair of axes."""

    title: str = ""
    x_label: str
    y_label: str
    marks: tuple[Line | Bars | Surface, ...]
    log_x: bool = False
    log_y: bool = False
    y_range: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Panels side by side."""

    name: str
    """File name without suffix."""
    caption: str
    panels: tuple[Panel, ...]


def line_by_place(
    nets: Sequence[Sequence[float]], label: str, *, colour: int = 0, style: LineStyle = "solid"
) -> Line:
    """A value for each layer or block, counted from 1: mean over the nets, band over all of them.

    Args:
        nets: a row for each net, all equally long.
        label: in the legend.
        colour: which of the palette.
        style: how it is drawn.
    """
    values = np.array(nets)
    return Line(
        label=label,
        x=tuple(range(1, values.shape[1] + 1)),
        y=tuple(values.mean(axis=0).tolist()),
        low=tuple(values.min(axis=0).tolist()),
        high=tuple(values.max(axis=0).tolist()),
        colour=colour,
        style=style,
    )
