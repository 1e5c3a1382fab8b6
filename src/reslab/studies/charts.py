"""Charts as data: what is drawn, not how. The report draws them still and interactive."""

from dataclasses import dataclass
from typing import Literal

LineStyle = Literal["solid", "dashed", "bold", "points"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line with an optional band around it."""

    label: str
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
