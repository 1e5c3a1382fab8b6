"""The loss around trained nets as a table, surfaces and profiles."""

from collections.abc import Sequence

import numpy as np

from reslab.analysis.landscape_shape import HIGHEST
from reslab.analysis.statistics import summarise
from reslab.studies.charts import Chart, Line, Panel, Surface
from reslab.studies.findings import Cell, Table
from reslab.studies.landscape_claims import JUDGED_RADIUS, list_falls_pct, list_log_rises
from reslab.studies.measuring import Measured

LOWEST_DRAWN, HIGHEST_DRAWN = 1e-3, 1e4


def tabulate(profiles: Sequence[Measured]) -> Table:
    """Loss, rise and convexity of each net."""
    rows: list[tuple[Cell, ...]] = []
    for label, same in _by_label(profiles).items():
        rises = {
            radius: summarise([value for net in same for value in list_log_rises(net, radius)])
            for radius in (JUDGED_RADIUS, 1.0)
        }
        falls = summarise([value for net in same for value in list_falls_pct(net)])
        rows.append(
            (
                label,
                len(same),
                sum(len(net.values["loss"]) for net in same),
                summarise([_drawn(net.values["centre"]) for net in same]).to_text(),
                *(f"{10**rise.mean:.3g} ({rise.to_text()})" for rise in rises.values()),
                f"{falls.mean:.1f}" + ("" if falls.std is None else f" ± {falls.std:.1f}"),
            )
        )
    images = profiles[0].values["images"] if profiles else 0
    return Table(
        title="Loss around the trained net",
        columns=(
            "network",
            "nets",
            "lines",
            "loss",
            f"rise at {JUDGED_RADIUS:g}",
            "rise at 1",
            "falling %",
        ),
        rows=tuple(rows),
        note=f"Cross-entropy on {images:,} training images in evaluation mode: BN keeps the stored "
        "statistics, and only weights of convolutions and of the last layer move, as in Li et al. "
        "Rise: geometric mean over the lines at that many filter norms on both sides (log₁₀: mean "
        f"± standard deviation); no more than {HIGHEST:g} is counted. Falling: the part of the "
        "way outward, on a logarithmic scale of 1 + loss, on which the loss falls.",
    )


def chart_planes(planes: Sequence[Measured]) -> Chart:
    """A surface for each net."""
    first = [same[0] for same in _by_label(planes).values()]
    return Chart(
        name="loss-landscape",
        caption="Loss on one plane of filter-normalised random directions through each trained "
        f"net, in filter norms; drawn from {LOWEST_DRAWN:g} to {HIGHEST_DRAWN:g}, what is not "
        "finite as the highest.",
        panels=tuple(
            Panel(
                title=net.label,
                x_label="first direction",
                y_label="second direction",
                marks=(_surface(net),),
            )
            for net in first
        ),
    )


def chart_profiles(profiles: Sequence[Measured]) -> Chart:
    """The loss along the lines through each net: the median, and all lines as a band."""
    by_label = _by_label(profiles)
    lines = []
    for i, (label, same) in enumerate(by_label.items()):
        losses = np.array([[_drawn(v) for v in row] for net in same for row in net.values["loss"]])
        lines.append(
            Line(
                label=label,
                x=tuple(same[0].values["at"]),
                y=tuple(np.median(losses, axis=0).tolist()),
                low=tuple(losses.min(axis=0).tolist()),
                high=tuple(losses.max(axis=0).tolist()),
                colour=i,
            )
        )
    return Chart(
        name="loss-profiles",
        caption="Loss along filter-normalised random lines through the trained nets: median, and "
        f"all lines as a band; drawn from {LOWEST_DRAWN:g} to {HIGHEST_DRAWN:g}.",
        panels=(
            Panel(
                x_label="distance from the trained net (filter norms)",
                y_label="loss",
                marks=tuple(lines),
                log_y=True,
            ),
        ),
    )


def _surface(net: Measured) -> Surface:
    at = tuple(net.values["at"])
    heights = tuple(tuple(_drawn(value) for value in row) for row in net.values["loss"])
    return Surface(label=net.label, x=at, y=at, z=heights, log=True, height_label="loss")


def _drawn(loss: float | None) -> float:
    return HIGHEST_DRAWN if loss is None else min(max(loss, LOWEST_DRAWN), HIGHEST_DRAWN)


def _by_label(nets: Sequence[Measured]) -> dict[str, list[Measured]]:
    labels = dict.fromkeys(net.label for net in nets)
    return {label: [net for net in nets if net.label == label] for label in labels}
