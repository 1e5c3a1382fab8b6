"""Are the residual functions small? The strength of each layer's response (Fig. 7, §4.2)."""

from collections.abc import Sequence

import numpy as np

from reslab.analysis.responses import measure_responses
from reslab.analysis.statistics import Difference, compare_means, summarise
from reslab.studies.charts import Chart, Line, LineStyle, Panel, line_by_place
from reslab.studies.evidence import Evidence
from reslab.studies.families import plan_families
from reslab.studies.final_errors import list_common_limits
from reslab.studies.findings import Claim, Findings, Table
from reslab.studies.judging import judge_lower
from reslab.studies.measure_each import GIVEN, choose_judged, measure_each
from reslab.studies.measuring import Measured, Measurement
from reslab.studies.residual_minus_plain import claim_lower, compare_families
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

IMAGES = 1_000
WIDE = 20
"""Ratio of the strongest response to the weakest beyond which an axis is logarithmic."""


@register_study
class Responses(Study):
    """Standard deviation of every 3×3 layer's response, plain and residual."""

    name = "responses"
    question = "Do the layers of residual nets respond more weakly, and more so the deeper the net?"
    where = "Fig. 7, §4.2"
    refuted_by = (
        "residual nets whose layers respond on average as strongly as the plain net's of the same "
        "depth, or whose responses grow with depth"
    )
    takes_weights = True

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:  # noqa: ARG002
        """The paper's at its budget; the two ends of it where time is short."""
        return (20, 56, 110) if budget == "paper" else (20, 56)

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        """A plain and a residual net of each depth."""
        return plan_families(setting)

    def plan_measurements(self, setting: StudySetting) -> list[Measurement]:
        """Each net's responses on the same test images."""
        return measure_each(measure_responses, setting, self.plan_runs(setting), images=IMAGES)

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Compare the mean response of residual with plain nets, and of deep with shallow ones."""
        judged, tested = choose_judged(evidence.measured, setting)
        trained = [net for net in evidence.measured if not net.label.endswith(GIVEN)]
        given = [net for net in evidence.measured if net.label.endswith(GIVEN)]
        claims = (_judge_families(judged, tested=tested), _judge_depths(judged, tested=tested))
        return Findings(
            answer=" ".join(claim.evidence for claim in claims),
            claims=claims,
            tables=(_table(evidence.measured),),
            charts=tuple(
                _chart(nets, f"figure-7-responses-{name}")
                for nets, name in ((given, "given"), (trained, "trained"))
                if nets
            ),
            limits=tuple(list_common_limits(evidence, setting)),
        )


def mean_response(net: Measured) -> float:
    """Mean over the layers of the standard deviation of their responses."""
    return float(np.mean(net.values["std"]))


def _select(nets: Sequence[Measured], family: str, depth: int | None = None) -> list[Measured]:
    chosen = [net for net in nets if net.values["family"] == family]
    return [net for net in chosen if depth in (None, net.values["depth"])]


def _depths(nets: Sequence[Measured], family: str) -> list[int]:
    return sorted({net.values["depth"] for net in _select(nets, family)})


def _samples(nets: Sequence[Measured]) -> list[float]:
    """One number for each net; for a single net its layers, the best that one net can give."""
    if len(nets) == 1:
        return list(nets[0].values["std"])
    return [mean_response(net) for net in nets]


def _judge_families(nets: Sequence[Measured], *, tested: bool) -> Claim:
    return claim_lower(
        compare_families(nets, lambda net: net.values["std"]),
        statement="Residual nets have smaller responses than plain nets of the same depth.",
        where="Fig. 7",
        what="Mean standard deviation of a layer's response",
        tested=tested,
    )


def _judge_depths(nets: Sequence[Measured], *, tested: bool) -> Claim:
    depths = _depths(nets, "residual")
    statement = "The deeper the residual net, the smaller the response of a layer."
    if len(depths) < 2:
        return Claim(
            statement=statement,
            where="Fig. 7",
            verdict="not tested at this budget",
            evidence="Residual nets of fewer than two depths were measured.",
        )
    shallow, deep = (_select(nets, "residual", depth) for depth in (depths[0], depths[-1]))
    change = compare_means(_samples(shallow), _samples(deep))
    return Claim(
        statement=statement,
        where="Fig. 7",
        verdict=judge_lower(change, tested=tested),
        evidence=f"From {depths[0]} to {depths[-1]} layers the mean response of residual nets "
        f"changes by {_to_text(change)}.",
    )


def _to_text(change: Difference) -> str:
    """To three digits: responses stay near 1 in nets trained briefly."""
    if change.low is None or change.high is None:
        return f"{change.mean:+.3f} (one seed: no interval)"
    return f"{change.mean:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"


def _table(nets: Sequence[Measured]) -> Table:
    labels = list(dict.fromkeys(net.label for net in nets))
    rows = []
    for label in labels:
        same = [net for net in nets if net.label == label]
        summary = summarise([mean_response(net) for net in same])
        smallest = min(min(net.values["std"]) for net in same)
        largest = max(max(net.values["std"]) for net in same)
        rows.append((label, len(same), summary.to_text(), f"{smallest:.2f}", f"{largest:.2f}"))
    images = nets[0].values["images"] if nets else 0
    return Table(
        title="Standard deviation of a layer's response",
        columns=("network", "n", "mean over 3×3 layers", "smallest layer", "largest layer"),
        rows=tuple(rows),
        note=f"Of the output of each 3×3 layer's BN, before addition and ReLU, on {images:,} test "
        "images; mean ± standard deviation over n nets. Intervals compare nets over the seeds; "
        "where there is one net, its layers, which are not independent of each other.",
    )


def _chart(nets: Sequence[Measured], name: str) -> Chart:
    """Fig. 7: plain dashed, residual solid; in the layers' order, and by size."""
    stds = [std for net in nets for std in net.values["std"]]
    return Chart(
        name=name,
        caption="Standard deviation of each 3×3 layer's response, in the layers' order and sorted "
        "by size: plain nets dashed, residual nets solid; mean over the nets, band from the lowest "
        "to the highest.",
        panels=tuple(
            Panel(
                title=title,
                x_label="layer, by size" if by_size else "layer",
                y_label="std of the response",
                marks=tuple(_list_lines(nets, by_size=by_size)),
                # Deep plain nets can respond so strongly that nothing else is seen beside them.
                log_y=max(stds) > WIDE * min(stds) > 0,
            )
            for title, by_size in (("original order", False), ("sorted", True))
        ),
    )


def _list_lines(nets: Sequence[Measured], *, by_size: bool) -> list[Line]:
    styles: dict[str, LineStyle] = {"plain": "dashed", "residual": "solid"}
    depths = sorted({net.values["depth"] for net in nets})
    lines = []
    for family, style in styles.items():
        for colour, depth in enumerate(depths):
            if same := _select(nets, family, depth):
                values = np.array([net.values["std"] for net in same])
                shown = -np.sort(-values, axis=1) if by_size else values
                name = f"{family} {depth}"
                lines.append(line_by_place(shown.tolist(), name, colour=colour, style=style))
    return lines
