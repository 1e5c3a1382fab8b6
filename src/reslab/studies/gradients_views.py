"""Table and charts of signals through the net."""

from collections.abc import Sequence

import numpy as np

from reslab.analysis.statistics import summarise
from reslab.studies.charts import Chart, Line, Panel
from reslab.studies.families import FAMILIES
from reslab.studies.findings import Table
from reslab.studies.gradients_decades import (
    ALLOWED_DECADES,
    LossOf,
    Situation,
    grow_response,
    lose_gradient,
    lose_relative_gradient,
    lose_response,
)


def table_of_signals(situations: Sequence[Situation], images: int) -> Table:
    """What is left of a signal at the far end of each net, at each moment."""
    return Table(
        title="What is left of a signal at the far end of the net",
        columns=(
            "network",
            "step",
            "n",
            "loss",
            "gradient, first / last",
            "gradient × response, first / last",
            "response, weakest layer",
            "response, first / last",
        ),
        rows=tuple(
            (
                s.label,
                "trained" if s.step is None else s.step,
                len(s.moments),
                summarise([moment["loss"] for moment in s.moments]).to_text(),
                _left(s, lose_gradient),
                _left(s, lose_relative_gradient),
                _left(s, lose_response),
                _left(s, lambda moment: -grow_response(moment)),
            )
            for s in situations
        ),
        note=f"At BN's output over {images:,} training images, in training mode. Response: its "
        "standard deviation over the images at each channel and place, root mean square over them. "
        "Gradient: of one image's loss with respect to the response, root mean square. First and "
        "last are the geometric means of three layers, cells those of n seeds with their range; "
        "claims are judged by Student's intervals of the logarithms, which hold jointly at 95 % "
        "over all nets and moments of a claim (Bonferroni); for one given net, by a factor of "
        f"{10**ALLOWED_DECADES:g} either way.",
    )


def _left(situation: Situation, loss_of: LossOf) -> str:
    logs = [-loss_of(moment) for moment in situation.moments]
    mean = f"{10 ** float(np.mean(logs)):.2g}"
    return mean if len(logs) == 1 else f"{mean} [{10 ** min(logs):.2g}, {10 ** max(logs):.2g}]"


def list_charts(situations: Sequence[Situation]) -> list[Chart]:
    """Gradients at the start and the end of what was followed, responses at its end; given nets."""
    steps = [s.step for s in situations if s.step is not None]
    charts = []
    if steps:
        charts.append(_chart(situations, "backward", min(steps)))
        if max(steps) > min(steps):
            charts += [_chart(situations, way, max(steps)) for way in ("backward", "forward")]
    if any(s.step is None for s in situations):
        charts += [_chart(situations, way, None) for way in ("backward", "forward")]
    return charts


def _chart(situations: Sequence[Situation], way: str, step: int | None) -> Chart:
    what = "gradient" if way == "backward" else "response"
    when = "of given nets" if step is None else f"at step {step}"
    chosen = [s for s in situations if s.step == step]
    lines = {
        family: tuple(
            _line(s, way, colour)
            for colour, s in enumerate(s for s in chosen if s.family == family)
        )
        for family in FAMILIES
    }
    values = [v for s in chosen for moment in s.moments for v in moment[way] if v > 0]
    return Chart(
        name=f"{what} {when}".replace(" ", "-"),
        caption=f"Strength of each layer's {what} {when}; geometric mean over the seeds, band from "
        "the lowest to the highest.",
        panels=tuple(
            Panel(
                title=f"{family} nets",
                x_label="place in the net (0 input, 1 output)",
                y_label=f"{what} (root mean square)",
                marks=marks,
                log_y=True,
                # One scale for both, without which a flat line looks as steep as any.
                y_range=(min(values) / 2, max(values) * 2) if values else None,
            )
            for family, marks in lines.items()
            if marks
        ),
    )


def _line(situation: Situation, way: str, colour: int) -> Line:
    values = np.maximum([moment[way] for moment in situation.moments], 1e-300)
    alone = len(values) == 1
    return Line(
        label=situation.label,
        x=tuple(np.linspace(0, 1, values.shape[1]).tolist()),
        y=tuple(np.exp(np.log(values).mean(axis=0)).tolist()),
        low=() if alone else tuple(values.min(axis=0).tolist()),
        high=() if alone else tuple(values.max(axis=0).tolist()),
        colour=colour,
    )
