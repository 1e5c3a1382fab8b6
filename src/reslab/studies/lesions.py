"""What happens to a trained net without some of its blocks (Veit, Wilber and Belongie, 2016)."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from reslab.analysis.lesions import measure_lesions
from reslab.analysis.statistics import summarise
from reslab.studies.charts import Chart, Line, Panel
from reslab.studies.evidence import Evidence
from reslab.studies.families import plan_families
from reslab.studies.final_errors import list_common_limits
from reslab.studies.findings import Cell, Claim, Findings, Table, judge_claim
from reslab.studies.measure_each import choose_judged, measure_each
from reslab.studies.measuring import Measured, Measurement
from reslab.studies.residual_minus_plain import claim_lower, compare_families
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

IMAGES = 500
REPEATS = 6
MOST_DELETED = 0.6
MAX_SEEDS = 3
WHERE = "Veit et al. 2016"


@register_study
class Lesions(Study):
    """Blocks deleted one by one, several at once, and swapped, in residual and plain nets."""

    name = "lesions"
    question = "Does a residual net survive the loss of a block, and a plain one not?"
    where = "beyond the paper: Veit, Wilber and Belongie, 2016, Fig. 3 and Fig. 5"
    refuted_by = (
        "residual nets whose error rises on the loss of a block as much as that of plain nets"
    )
    takes_weights = True

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:
        """One depth at which both families train; all of the paper's need its budget."""
        if budget == "paper":
            return (20, 56, 110)
        return (20,) if (data, budget) != ("digits", "smoke") else (14,)

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        """A plain and a residual net of each depth."""
        return plan_families(setting)

    def plan_measurements(self, setting: StudySetting) -> list[Measurement]:
        """The same lesions in each net."""
        runs = [run for run in self.plan_runs(setting) if run.config.seed < MAX_SEEDS]
        arguments = {"images": IMAGES, "repeats": REPEATS, "most_deleted": MOST_DELETED}
        return measure_each(measure_lesions, setting, runs, **arguments)

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Compare what the loss of a block costs each family."""
        nets = evidence.measured
        judged, tested = choose_judged(nets, setting)
        claims = (
            _judge_single(judged, tested=tested),
            _judge_several(judged, tested=tested),
            _judge_swapped(judged, tested=tested),
        )
        return Findings(
            answer=" ".join(claim.evidence for claim in claims),
            claims=claims,
            tables=(_table(nets),),
            charts=tuple(_charts(nets)),
            limits=tuple(list_common_limits(evidence, setting)),
        )


def list_rises(net: Measured) -> list[float]:
    """Rise of the error, in points, on the loss of each block in turn."""
    return [error - net.values["error_pct"] for error in net.values["single"]]


def _family(nets: Sequence[Measured], family: str) -> list[Measured]:
    return [net for net in nets if net.values["family"] == family]


def _judge_single(nets: Sequence[Measured], *, tested: bool) -> Claim:
    return claim_lower(
        compare_families(nets, list_rises),
        statement="Deleting a block hurts a residual net far less than a plain one.",
        where=f"{WHERE}, Fig. 3",
        what="Rise of the test error on the loss of one block",
        tested=tested,
    )


def _correlate(nets: Sequence[Measured], key: str) -> tuple[float, float]:
    pairs = [pair for net in nets for pair in net.values[key]]
    if len(pairs) < 3:
        return 0.0, 1.0
    result = stats.spearmanr([p[0] for p in pairs], [p[1] for p in pairs])
    return float(result.statistic), float(result.pvalue)


def _judge_several(nets: Sequence[Measured], *, tested: bool) -> Claim:
    residual = _family(nets, "residual")
    rho, p = _correlate(residual, "several")
    return Claim(
        statement="The error of residual nets rises smoothly with the number of blocks deleted.",
        where=f"{WHERE}, Fig. 5 (a)",
        verdict=judge_claim(holds=rho > 0 and p < 0.05, tested=tested and bool(residual)),
        evidence=f"Spearman's correlation of number deleted and error is {rho:.2f} (p {p:.1g}).",
    )


def _judge_swapped(nets: Sequence[Measured], *, tested: bool) -> Claim:
    residual = _family(nets, "residual")
    rho, p = _correlate(residual, "swapped")
    return Claim(
        statement="The error of residual nets rises smoothly with the disorder of swapped blocks.",
        where=f"{WHERE}, Fig. 5 (b)",
        verdict=judge_claim(holds=rho < 0 and p < 0.05, tested=tested and bool(residual)),
        evidence=f"Spearman's correlation of Kendall's τ and error is {rho:.2f} (p {p:.1g}).",
    )


def _table(nets: Sequence[Measured]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for label in dict.fromkeys(net.label for net in nets):
        same = [net for net in nets if net.label == label]
        rows.append(
            (
                label,
                len(same),
                len(same[0].values["blocks"]),
                summarise([n.values["error_pct"] for n in same]).to_text(),
                summarise([float(np.mean(n.values["single"])) for n in same]).to_text(),
                f"{max(max(n.values['single']) for n in same):.2f}",
            )
        )
    images = nets[0].values["images"] if nets else 0
    return Table(
        title="Test error % without one block",
        columns=("network", "n", "blocks", "whole", "without one, mean", "without one, worst"),
        rows=tuple(rows),
        note=f"On {images:,} test images. A residual block loses F and keeps its shortcut; a plain "
        "block is left out. Blocks that change the maps' shape stay in both families.",
    )


def _charts(nets: Sequence[Measured]) -> list[Chart]:
    labels = list(dict.fromkeys(net.label for net in nets))
    by_label = {label: [net for net in nets if net.label == label] for label in labels}
    single = [
        Line(
            label=label,
            x=tuple(range(1, len(same[0].values["single"]) + 1)),
            y=tuple(np.mean([n.values["single"] for n in same], axis=0).tolist()),
            colour=i,
        )
        for i, (label, same) in enumerate(by_label.items())
    ]
    panels = [_panel("one block deleted", "block deleted", single)]
    for key, title, x_label in (
        ("several", "several deleted", "blocks deleted"),
        ("swapped", "blocks swapped", "Kendall's τ of the order"),
    ):
        marks = [
            _scatter(label, [pair for net in same for pair in net.values[key]], i)
            for i, (label, same) in enumerate(by_label.items())
        ]
        panels.append(_panel(title, x_label, marks))
    return [
        Chart(
            name="lesions",
            caption="Test error of trained nets with blocks deleted or swapped; every point is one "
            "random choice.",
            panels=tuple(panels),
        )
    ]


def _panel(title: str, x_label: str, marks: Sequence[Line]) -> Panel:
    return Panel(
        title=title, x_label=x_label, y_label="test error (%)", marks=tuple(marks), y_range=(0, 100)
    )


def _scatter(label: str, pairs: Sequence[Sequence[float]], colour: int) -> Line:
    return Line(
        label=label,
        x=tuple(pair[0] for pair in pairs),
        y=tuple(pair[1] for pair in pairs),
        colour=colour,
        style="points",
    )
