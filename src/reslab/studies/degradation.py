"""Is degradation overfitting? Plain and residual nets of growing depth (Fig. 1, Fig. 6, §4.2)."""

from dataclasses import asdict, replace

from reslab.analysis.depth_verdict import METHOD, DepthComparison, Verdict, compare_family
from reslab.studies.degradation_words import explain
from reslab.studies.evidence import Evidence
from reslab.studies.families import FAMILIES, Family, plan_families
from reslab.studies.final_errors import (
    chart_of_curves,
    list_common_limits,
    points,
    table_of_errors,
)
from reslab.studies.findings import Claim, ClaimVerdict, Findings, Table, judge_claim
from reslab.studies.judging import judge_within
from reslab.studies.longer_budgets import tables_of_longer_budgets
from reslab.studies.published import TABLE_6, PublishedNumber
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

MAY_RISE = 0.5
"""Points by which a training error may rise and still count as not rising."""

# Read off the curves by eye, to about half a point; the paper prints no numbers for these.
FIGURE_6 = (
    PublishedNumber(label="plain20", value=9.0, where="Fig. 6 (left), read by eye"),
    PublishedNumber(label="plain56", value=13.0, where="Fig. 6 (left), read by eye"),
)


@register_study
class Degradation(Study):
    """Plain and residual nets of the same depths, parameters and recipe."""

    name = "degradation"
    question = (
        "Do deeper plain nets get worse on their own training data, and do residual nets not?"
    )
    where = "Fig. 1, Fig. 4, Fig. 6, §4.2"
    refuted_by = (
        "a deeper plain net whose training error is not above the shallower one's, or a residual "
        "net whose training error rises with depth, by more than the seeds' spread"
    )
    published = (*TABLE_6, *FIGURE_6)

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:  # noqa: ARG002
        """The paper's depths at its budget; the two ends of Fig. 1 where time is short."""
        return (20, 32, 44, 56, 110) if budget == "paper" else (20, 56)

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        """A plain and a residual net of each depth."""
        return plan_families(setting)

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Compare the deepest net of each family with the shallowest."""
        plain, residual = (compare(evidence, family, setting) for family in FAMILIES)
        return Findings(
            answer=explain(setting, evidence, plain, residual),
            claims=(_judge_plain(plain), _judge_residual(residual)),
            tables=(
                table_of_errors(evidence, setting, self.published),
                table_of_changes(plain, residual),
                *tables_of_longer_budgets(setting.data),
            ),
            charts=(
                chart_of_curves(
                    evidence,
                    {f"{f} nets": labels_of(evidence, f) for f in FAMILIES},
                    name="figure-6-plain-and-residual",
                    caption="Plain and residual nets, as Fig. 6 (and Fig. 1, Fig. 4).",
                ),
            ),
            limits=tuple(list_common_limits(evidence, setting)),
            details={
                "verdict": plain.verdict if plain else "cannot tell",
                "residual_verdict": residual.verdict if residual else "cannot tell",
                "method": METHOD,
                "plain": asdict(plain) if plain else None,
                "residual": asdict(residual) if residual else None,
            },
        )


def labels_of(evidence: Evidence, family: Family) -> list[str]:
    """The nets of one family, the shallowest first."""
    depths = {r.label: r.result.depth for r in evidence.runs if r.result.family == family}
    return sorted(depths, key=lambda label: depths[label])


def compare(evidence: Evidence, family: Family, setting: StudySetting) -> DepthComparison | None:
    """The deepest net of a family against the shallowest; None with fewer than two depths."""
    errors = [evidence.final_errors(label) for label in labels_of(evidence, family)]
    comparison = compare_family([e for e in errors if e.train_error_pct])
    if comparison is None or not setting.is_too_short:
        return comparison
    return replace(comparison, verdict="cannot tell")


_WORDS: dict[Verdict, str] = {"none": "no degradation"}


def table_of_changes(plain: DepthComparison | None, residual: DepthComparison | None) -> Table:
    """From shallower to deeper, for each family."""
    return Table(
        title="From shallower to deeper",
        columns=(
            "family",
            "layers",
            "change of training error",
            "change of test error",
            "this is",
        ),
        rows=tuple(
            (
                family,
                f"{change.shallow_depth} → {change.deep_depth}",
                points(change.train),
                points(change.test),
                _WORDS.get(change.verdict, change.verdict),
            )
            for family, change in (("plain", plain), ("residual", residual))
            if change is not None
        ),
        note=f"Percentage points [95 % interval]. {METHOD}",
    )


def _judge_plain(change: DepthComparison | None) -> Claim:
    tested = change is not None and change.verdict != "cannot tell"
    return Claim(
        statement="Plain nets degrade: their training error rises with depth.",
        where="Fig. 1, Fig. 6 (left)",
        verdict=judge_claim(
            holds=change is not None and change.verdict == "degradation", tested=tested
        ),
        evidence=_evidence_of(change),
    )


def _judge_residual(change: DepthComparison | None) -> Claim:
    tested = change is not None and change.verdict != "cannot tell"
    verdict: ClaimVerdict = "not tested at this budget"
    if change is not None:
        verdict = judge_within(change.train, MAY_RISE, tested=tested)
    return Claim(
        statement="The training error of residual nets of the same depths does not rise.",
        where="Fig. 6 (middle), Table 6",
        verdict=verdict,
        evidence=_evidence_of(change),
    )


def _evidence_of(change: DepthComparison | None) -> str:
    if change is None:
        return "Nets of fewer than two depths were trained."
    return (
        f"From {change.shallow_depth} to {change.deep_depth} layers the training error changes by "
        f"{points(change.train)} points, the test error by {points(change.test)}."
    )
