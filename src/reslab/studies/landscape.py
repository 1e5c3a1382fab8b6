"""How rough is the loss around a trained net? Plain and residual (Li et al., 2018)."""

from collections.abc import Sequence

import numpy as np

from reslab.analysis.landscape import measure_landscape
from reslab.analysis.statistics import compare_means, summarise
from reslab.studies.charts import Chart, Panel, Surface
from reslab.studies.evidence import Evidence
from reslab.studies.families import plan_families
from reslab.studies.final_errors import list_common_limits
from reslab.studies.findings import Cell, Claim, Findings, Table
from reslab.studies.judging import judge_lower
from reslab.studies.measure_each import choose_judged, measure_each
from reslab.studies.measuring import Measured, Measurement
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

IMAGES = 250
RADIUS = 0.5
POINTS: dict[Budget, int] = {"smoke": 3, "quick": 11, "paper": 25}
DIRECTIONS = 3
"""Pairs of random directions through each net."""
HIGHEST_DRAWN = 10.0


@register_study
class Landscape(Study):
    """Loss on planes through the weights, with filter-normalised directions."""

    name = "landscape"
    question = "Are the surroundings of a trained deep residual net smoother than a plain net's?"
    where = "beyond the paper: Li, Xu, Taylor, Studer and Goldstein, 2018, Fig. 1 and Fig. 5"
    refuted_by = "a plain net whose loss rises no faster around its minimum than the residual net's"
    takes_weights = True

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:  # noqa: ARG002
        """The nets of their figure."""
        return (14,) if budget == "smoke" else (56,)

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        """A plain and a residual net of each depth."""
        return plan_families(setting)

    def plan_measurements(self, setting: StudySetting) -> list[Measurement]:
        """Planes through the first seed's net, and through each that was given."""
        first = [run for run in self.plan_runs(setting) if run.config.seed == 0]
        points = POINTS[setting.budget or "quick"]
        return [
            measurement
            for seed in range(DIRECTIONS)
            for measurement in measure_each(
                measure_landscape,
                setting,
                first,
                images=IMAGES,
                points=points,
                radius=RADIUS,
                seed=seed,
            )
        ]

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Compare how fast the loss rises on the edge of the square."""
        nets = evidence.measured
        judged, tested = choose_judged(nets, setting)
        claim = _judge(judged, tested=tested)
        return Findings(
            answer=claim.evidence,
            claims=(claim,),
            tables=(_table(nets),),
            charts=(_chart(nets),),
            limits=(
                *list_common_limits(evidence, setting),
                "A plane shows two of some hundred thousand directions; the intervals are over "
                f"{DIRECTIONS} random planes through one net each.",
            ),
        )


def log_rise(net: Measured) -> float:
    """Mean over the square's edge of log₁₀ of how much higher the loss is than the trained net's.

    What is not a number, or higher than 10⁶, counts as 10⁶; a rise under 0.001 as 0.001.
    """
    loss = np.array(net.values["loss"], dtype=float)
    edge = np.concatenate([loss[0], loss[-1], loss[1:-1, 0], loss[1:-1, -1]])
    edge = np.nan_to_num(np.minimum(edge, 1e6), nan=1e6)
    return float(np.mean(np.log10(np.maximum(edge - net.values["centre"], 1e-3))))


def _judge(nets: Sequence[Measured], *, tested: bool) -> Claim:
    depths = [net.values["depth"] for net in nets]
    deepest = [net for net in nets if net.values["depth"] == max(depths, default=0)]
    plain, residual = (
        [log_rise(net) for net in deepest if net.values["family"] == family]
        for family in ("plain", "residual")
    )
    statement = "Around a deep plain net the loss rises faster than around a residual net."
    if not plain or not residual:
        return Claim(
            statement=statement,
            where="Li et al. 2018, Fig. 1",
            verdict="not tested at this budget",
            evidence="No plain and residual net of one depth were measured.",
        )
    change = compare_means(plain, residual)
    ends = "" if change.low is None or change.high is None else (
        f" [{change.low:+.2f}, {change.high:+.2f}]"
    )  # fmt: skip
    return Claim(
        statement=statement,
        where="Li et al. 2018, Fig. 1",
        verdict=judge_lower(change, tested=tested),
        evidence=f"At {max(depths)} layers the loss on the edge of the square is higher than the "
        f"trained net's by {10 ** np.mean(residual):.3g} around the residual and by "
        f"{10 ** np.mean(plain):.3g} around the plain net (geometric means); difference of the "
        f"exponents {change.mean:+.2f}{ends}.",
    )


def _table(nets: Sequence[Measured]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for label in dict.fromkeys(net.label for net in nets):
        same = [net for net in nets if net.label == label]
        losses = np.array([net.values["loss"] for net in same], dtype=float)
        rises = summarise([log_rise(net) for net in same])
        rows.append(
            (label, len(same), f"{same[0].values['centre']:.3f}", f"{np.nanmax(losses):.3g}",
             rises.to_text())
        )  # fmt: skip
    images = nets[0].values["images"] if nets else 0
    return Table(
        title="Loss around the trained net",
        columns=(
            "network",
            "planes",
            "loss of the net",
            "highest",
            "log₁₀ of the rise at the edge",
        ),
        rows=tuple(rows),
        note=f"Cross-entropy on {images:,} training images in evaluation mode, over squares of "
        f"±{RADIUS:g} filter norms; mean ± standard deviation over the planes.",
    )


def _chart(nets: Sequence[Measured]) -> Chart:
    labels = list(dict.fromkeys(net.label for net in nets))
    first = [next(net for net in nets if net.label == label) for label in labels]
    return Chart(
        name="loss-landscape",
        caption="Loss on one plane of filter-normalised random directions through each trained "
        f"net; drawn up to {HIGHEST_DRAWN:g}.",
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


def _surface(net: Measured) -> Surface:
    rows = [[HIGHEST_DRAWN if v is None else min(v, HIGHEST_DRAWN) for v in row]
            for row in net.values["loss"]]  # fmt: skip
    at = tuple(net.values["at"])
    return Surface(label=net.label, x=at, y=at, z=tuple(map(tuple, rows)))
