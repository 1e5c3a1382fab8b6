"""How does the error change with depth, up to 1202 layers? (Table 6, §4.2)."""

from collections.abc import Sequence
from dataclasses import replace

from reslab.analysis.errors import measure_errors
from reslab.networks.catalogue import cifar_name
from reslab.studies.charts import Chart
from reslab.studies.depth_claims import (
    COLD_LABEL,
    OVERFITTING_DEPTH,
    WARMED_DEPTH,
    judge_1202,
    judge_depth,
    judge_families,
    judge_numbers,
    judge_sizes,
    judge_warm_up,
)
from reslab.studies.depth_views import (
    chart_of_depths,
    table_6,
    table_of_given,
    table_of_sizes,
    table_of_warm_up,
)
from reslab.studies.evidence import Evidence
from reslab.studies.families import plan_families
from reslab.studies.final_errors import chart_of_curves, list_common_limits, table_of_errors
from reslab.studies.findings import Findings
from reslab.studies.measure_each import measure_each
from reslab.studies.measuring import Measurement
from reslab.studies.published import TABLE_6
from reslab.studies.setting import MIN_EPOCHS, PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

MAX_SEEDS_1202 = 2
"""One run of 1202 layers costs as much as eleven of 110."""
TRAIN_IMAGES = 5_000


@register_study
class Depth(Study):
    """Residual nets of 20 to 1202 layers, plain ones beside them to 110."""

    name = "depth"
    question = "Does the error of residual nets fall with depth, and where does that end?"
    where = "Table 6, §4.2"
    refuted_by = (
        "residual nets whose test error does not fall from 20 to 110 layers, test errors above the "
        "published ones by more than the seeds' spread, or a 1202-layer net that does not overfit"
    )
    published = TABLE_6
    takes_weights = True

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:  # noqa: ARG002
        """Table 6 at the paper's budget."""
        return (20, 32, 44, 56, 110, 1202) if budget == "paper" else (20, 56)

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        """Both families; 110 with and without warm-up; 1202 residual only, of two seeds."""
        depths = tuple(d for d in setting.depths if d != OVERFITTING_DEPTH)
        runs = plan_families(replace(setting, depths=depths))
        if WARMED_DEPTH in depths:
            name = cifar_name("resnet", WARMED_DEPTH)
            runs += setting.plan_seeds(name, label=COLD_LABEL, warm_up=None)
        if OVERFITTING_DEPTH in setting.depths:
            few = replace(setting, seeds=min(setting.seeds, MAX_SEEDS_1202))
            runs += few.plan_seeds(cifar_name("resnet", OVERFITTING_DEPTH))
        return runs

    def plan_measurements(self, setting: StudySetting) -> list[Measurement]:
        """The errors of given nets; those of the nets trained here are known."""
        return measure_each(measure_errors, setting, (), train_images=TRAIN_IMAGES)

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Compare depths with each other and with Table 6."""
        trained = (
            judge_depth(setting, evidence),
            judge_families(setting, evidence),
            *judge_warm_up(setting, evidence),
            judge_1202(setting, evidence),
        )
        seen = [claim for claim in trained if claim.verdict != "not tested at this budget"]
        warm_up = table_of_warm_up(evidence)
        given = table_of_given(evidence.measured)
        return Findings(
            answer=" ".join(claim.evidence for claim in seen)
            or _explain_untested(setting, evidence),
            claims=(*trained, *judge_numbers(setting, evidence), judge_sizes()),
            tables=(
                table_6(setting, evidence),
                *given,
                *warm_up,
                *((table_of_errors(evidence, setting, self.published),) if evidence.runs else ()),
                table_of_sizes(),
            ),
            charts=(chart_of_depths(evidence, setting), *_chart_curves(evidence)),
            limits=tuple(list_common_limits(evidence, setting)),
        )


def _chart_curves(evidence: Evidence) -> tuple[Chart, ...]:
    if not evidence.runs:
        return ()
    return (
        chart_of_curves(
            evidence,
            _curves_of(evidence),
            name="figure-6-by-depth",
            caption="Plain and residual nets by depth, as Fig. 6.",
        ),
    )


def _curves_of(evidence: Evidence) -> dict[str, Sequence[str]]:
    """Labels in panels: plain, residual as trained in the paper, and what deviates from them."""
    families = {run.label: run.result.family for run in evidence.runs}
    panels: dict[str, list[str]] = {"plain nets": [], "residual nets": [], "the deepest": []}
    for run in sorted(evidence.runs, key=lambda run: run.result.depth):
        title = "the deepest" if _is_special(run.label) else f"{families[run.label]} nets"
        if run.label not in panels[title]:
            panels[title].append(run.label)
    return {title: tuple(labels) for title, labels in panels.items() if labels}


def _is_special(label: str) -> bool:
    return label in (COLD_LABEL, cifar_name("resnet", OVERFITTING_DEPTH))


def _explain_untested(setting: StudySetting, evidence: Evidence) -> str:
    if not evidence.runs:
        tests = {net.label: net.values["test"] for net in evidence.measured}
        words = (f"{label} {100 * t['wrong'] / t['n']:.2f} %" for label, t in tests.items())
        return (
            f"No net was trained here. Test errors of the given ones: {', '.join(words)}. One net "
            "of each kind shows no spread over seeds, so it supports no verdict."
        )
    if setting.is_too_short:
        return (
            f"Cannot tell yet: each training image has been seen {setting.epochs:.1f} times, and a "
            f"verdict takes at least {MIN_EPOCHS}."
        )
    return "Cannot tell: the intervals over these seeds decide nothing; see the table."
