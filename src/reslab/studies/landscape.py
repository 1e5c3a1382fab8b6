"""How rough is the loss around a trained net? Plain and residual (Li et al., 2018)."""

from reslab.analysis.landscape import measure_landscape, measure_profiles
from reslab.studies.evidence import Evidence
from reslab.studies.families import plan_families
from reslab.studies.final_errors import list_common_limits
from reslab.studies.findings import Findings
from reslab.studies.landscape_claims import (
    choose_converged,
    claim_smoother,
    claim_steeper,
    list_net_limits,
)
from reslab.studies.landscape_views import chart_planes, chart_profiles, tabulate
from reslab.studies.measure_each import choose_judged, measure_each
from reslab.studies.measuring import Measurement
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

IMAGES = 250
RADIUS = 1.0
"""Of the planes and lines, in filter norms; that of the figures in Li et al."""
PLANE_POINTS: dict[Budget, int] = {"smoke": 5, "quick": 11, "paper": 25}
LINE_POINTS: dict[Budget, int] = {"smoke": 5, "quick": 9, "paper": 21}
LINES: dict[Budget, int] = {"smoke": 2, "quick": 8, "paper": 10}
MAX_SEEDS = 3


@register_study
class Landscape(Study):
    """Loss on planes and lines through the weights, with filter-normalised directions."""

    name = "landscape"
    question = "Are the surroundings of a trained deep residual net smoother than a plain net's?"
    where = "beyond the paper: Li, Xu, Taylor, Studer and Goldstein, 2018, Fig. 1 and Fig. 5"
    refuted_by = "a plain net whose loss rises no faster around its minimum than the residual net's"
    takes_weights = True

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:
        """The nets of their figure; on digits also a depth at which plain nets train."""
        if budget == "smoke":
            return (14,)
        return (20, 56) if data == "digits" else (56,)

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        """A plain and a residual net of each depth."""
        return plan_families(setting)

    def plan_measurements(self, setting: StudySetting) -> list[Measurement]:
        """Lines through the nets of some seeds, and a plane through the first's."""
        runs = [run for run in self.plan_runs(setting) if run.config.seed < MAX_SEEDS]
        first = [run for run in runs if run.config.seed == 0]
        budget = setting.budget or "quick"
        shared = {"images": IMAGES, "radius": RADIUS}
        points, lines = LINE_POINTS[budget], LINES[budget]
        return [
            *measure_each(
                measure_landscape, setting, first, points=PLANE_POINTS[budget], seed=0, **shared
            ),
            *measure_each(
                measure_profiles, setting, runs, points=points, directions=lines, **shared
            ),
        ]

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Compare how fast the loss rises, and whether it falls again on the way."""
        profiles = evidence.measured_of(measure_profiles.__name__)
        planes = evidence.measured_of(measure_landscape.__name__)
        judged, tested = choose_judged(profiles, setting)
        converged = choose_converged(judged)
        deepest = max((net.values["depth"] for net in judged), default=0)
        claims = (
            claim_steeper(converged, deepest, tested=tested),
            claim_smoother(converged, deepest, tested=tested),
        )
        return Findings(
            answer=" ".join(claim.evidence for claim in claims),
            claims=claims,
            tables=(tabulate(profiles),),
            charts=(chart_planes(planes), chart_profiles(profiles)),
            limits=(*list_common_limits(evidence, setting), *list_net_limits(judged)),
        )
