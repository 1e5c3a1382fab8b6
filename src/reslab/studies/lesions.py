"""What happens to a trained net without some of its blocks (Veit, Wilber and Belongie, 2016)."""

from reslab.analysis.lesions import measure_lesions
from reslab.studies.evidence import Evidence
from reslab.studies.families import plan_families
from reslab.studies.final_errors import list_common_limits
from reslab.studies.findings import Findings
from reslab.studies.lesions_claims import (
    claim_changing,
    claim_deleted,
    claim_single,
    claim_swapped,
    list_net_limits,
)
from reslab.studies.lesions_views import chart_lesions, tabulate_several, tabulate_single
from reslab.studies.measure_each import choose_judged, measure_each
from reslab.studies.measuring import Measurement
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

IMAGES = 500
REPEATS = 6
MOST_DELETED = 0.6
MAX_SEEDS = 3


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
        # A net of one block a stage may have none that keeps the maps' shape: nothing to compare.
        nets = [net for net in evidence.measured if net.values["regular"]]
        judged, tested = choose_judged(nets, setting)
        claims = (
            claim_single(judged, tested=tested),
            claim_deleted(judged, tested=tested),
            claim_swapped(judged, tested=tested),
            claim_changing(judged, tested=tested),
        )
        return Findings(
            answer=" ".join(claim.evidence for claim in claims[:3]),
            claims=claims,
            tables=(tabulate_single(nets), tabulate_several(nets)),
            charts=(chart_lesions(nets),),
            limits=(*list_common_limits(evidence, setting), *list_net_limits(judged)),
        )
