"""The identity study's third part: how near blocks are to x, in verdict, table and chart."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reslab.analysis.statistics import summarise
from reslab.studies.charts import Chart, Line, LineStyle, Panel, line_by_place
from reslab.studies.final_errors import points
from reslab.studies.findings import Cell, Claim, Table
from reslab.studies.measure_each import choose_judged
from reslab.studies.measuring import Measured
from reslab.studies.residual_minus_plain import claim_lower, compare_families
from reslab.studies.setting import StudySetting


def judge_distance(
    nets: Sequence[Measured], untrained: Sequence[Measured], setting: StudySetting
) -> Claim:
    """Whether residual blocks are nearer, said beside what the shortcuts do without training."""
    judged, tested = choose_judged(nets, setting)
    claim = claim_lower(
        compare_families(judged, list_distances),
        statement="Trained residual blocks are nearer to the identity than plain ones.",
        where="§3.2",
        what="‖H(x) − x‖/‖x‖ of a block",
        tested=tested,
    )
    before = compare_families(choose_judged(untrained, setting)[0], list_distances)
    words = "; ".join(f"{depth} layers {points(change)}" for depth, change in before.items())
    if not words:
        return claim
    return replace(
        claim, evidence=f"{claim.evidence} Before training, by the shortcut alone: {words}."
    )


def list_distances(net: Measured) -> list[float]:
    """‖H(x) − x‖/‖x‖ of each block."""
    distances: list[float] = net.values["distance"]
    return distances


def table_of_distances(
    nets: Sequence[Measured], untrained: Sequence[Measured], images: int
) -> Table:
    """Means over the blocks of each net, trained and not."""
    rows: list[tuple[Cell, ...]] = []
    for label in dict.fromkeys(net.label for net in nets):
        same, before = ([n for n in of if n.label == label] for of in (nets, untrained))
        rows.append(
            (
                label,
                len(same),
                _mean_over(before, "distance"),
                *(_mean_over(same, key) for key in ("distance", "cosine", "residual")),
            )
        )
    return Table(
        title="Blocks and the identity",
        columns=(
            "network",
            "n",
            "‖H(x) − x‖/‖x‖ before training",
            "‖H(x) − x‖/‖x‖",
            "cosine of H(x) and x",
            "‖F(x)‖/‖x‖",
        ),
        rows=tuple(rows),
        note=f"Mean over the blocks that keep their shape, on {images} test images; x is the "
        "block's input, F(x) what its layers compute, H(x) its output. In a plain net H is "
        "the ReLU of F. Mean ± standard deviation over n nets; intervals over the nets, or block "
        "by block where there is one net of each. Before training: with the weights that the run "
        "began with (of a given net, whose beginning is not known, with weights of seed 0), "
        "normalised by these images' own statistics.",
    )


def chart_of_distances(nets: Sequence[Measured], untrained: Sequence[Measured]) -> Chart:
    """Distance block by block, trained and, dashed, not."""
    panels = []
    for family in ("plain", "residual"):
        labels = dict.fromkeys(n.label for n in nets if n.values["family"] == family)
        marks = tuple(
            line
            for i, label in enumerate(labels)
            for line in (
                _line(nets, label, label, i, "solid"),
                _line(untrained, label, f"{label} before", i, "dashed"),
            )
        )
        if marks:
            panels.append(
                Panel(
                    title=f"{family} nets",
                    x_label="block that keeps its shape",
                    y_label="‖H(x) − x‖ / ‖x‖",
                    marks=marks,
                    log_y=family == "residual",
                )
            )
    return Chart(
        name="distance-from-identity",
        caption="Distance of each block from the identity, before training dashed; mean over the "
        "nets, band from the lowest to the highest.",
        panels=tuple(panels),
    )


def _mean_over(nets: Sequence[Measured], key: str) -> str:
    return summarise([float(np.mean(net.values[key])) for net in nets]).to_text()


def _line(nets: Sequence[Measured], label: str, words: str, colour: int, style: LineStyle) -> Line:
    distances = [net.values["distance"] for net in nets if net.label == label]
    return line_by_place(distances, words, colour=colour, style=style)
