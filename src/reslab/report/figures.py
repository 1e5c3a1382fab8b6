"""Figures in the manner of the paper's: training error dashed, test error bold, against steps."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reslab.report.curves import Curve, NetworkCurves

# Okabe and Ito's colours, which readers with colour-blindness tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "reslab",
}


def colour_of(curves: NetworkCurves, depths: Sequence[int]) -> str:
    """One colour for each depth, the same in every figure."""
    return COLOURS[sorted(set(depths)).index(curves.depth) % len(COLOURS)]


def render_plain_nets(curves: Sequence[NetworkCurves], folder: Path) -> list[Path]:
    """Fig. 1: training error (left) and test error (right) of the plain nets."""
    plain = [c for c in curves if c.family == "plain"]
    with mpl.rc_context(STYLE):
        figure, (left, right) = _open_panels("training error (%)", "test error (%)")
        for net in plain:
            colour = colour_of(net, [c.depth for c in curves])
            _draw(left, net.train, colour, net.network)
            _draw(right, net.test, colour, net.network)
        return _save(figure, (left, right), folder, "figure-1-plain-nets")


def render_families(curves: Sequence[NetworkCurves], folder: Path) -> list[Path]:
    """Fig. 6 (and Fig. 4): plain nets (left) and residual nets (right), both errors."""
    with mpl.rc_context(STYLE):
        figure, panels = _open_panels("error (%)", "error (%)")
        for axes, family in zip(panels, ("plain", "residual"), strict=True):
            axes.set_title(f"{family} nets")
            for net in (c for c in curves if c.family == family):
                colour = colour_of(net, [c.depth for c in curves])
                _draw(axes, net.train, colour, f"{net.network} training", linestyle="--")
                _draw(axes, net.test, colour, f"{net.network} test", linewidth=2.4)
        return _save(figure, panels, folder, "figure-6-plain-and-residual")


def _open_panels(left_label: str, right_label: str) -> tuple[Figure, tuple[Axes, Axes]]:
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.set_ylabel(left_label)
    right.set_ylabel(right_label)
    return figure, (left, right)


def _draw(
    axes: Axes,
    curve: Curve,
    colour: str,
    label: str,
    *,
    linestyle: str = "-",
    linewidth: float = 1.2,
) -> None:
    axes.plot(curve.steps, curve.mean, color=colour, label=label, ls=linestyle, lw=linewidth)
    axes.fill_between(curve.steps, curve.low, curve.high, color=colour, alpha=0.15, lw=0)


def _save(figure: Figure, panels: tuple[Axes, Axes], folder: Path, name: str) -> list[Path]:
    for axes in panels:
        axes.set_xlabel("steps")
        axes.set_ylim(0, 100)
        axes.grid(visible=True, alpha=0.25)
        axes.legend(frameon=False)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.png", folder / f"{name}.svg"]
    figure.savefig(paths[0], dpi=160)
    figure.savefig(paths[1], metadata={"Date": None})
    return paths
