# %% [markdown]
# # A study of one's own
# One file, one class: what to train, and what to conclude. Carry it out with
# `reslab study examples/new_study.py`.

# %%
from reslab.analysis.statistics import compare_means
from reslab.studies.evidence import Evidence
from reslab.studies.final_errors import chart_of_curves, points, table_of_errors
from reslab.studies.findings import Claim, Findings, judge_claim
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study


@register_study
class Momentum(Study):
    """ResNet-20 with the paper's momentum, and with none."""

    name = "momentum"
    question = "Does the momentum of the paper's recipe matter?"
    where = "§3.4"
    refuted_by = "a training error without momentum that is not higher"

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        """The same net twice."""
        return [
            *setting.plan_seeds("resnet20", label="momentum 0.9"),
            *setting.plan_seeds("resnet20", label="momentum 0", momentum=0.0),
        ]

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Compare the final training errors over the seeds."""
        with_it, without = (evidence.final_errors(label) for label in evidence.labels)
        change = compare_means(with_it.train_error_pct, without.train_error_pct)
        claim = Claim(
            statement="Without momentum the training error is higher.",
            where=self.where,
            verdict=judge_claim(holds=change.is_higher, tested=not setting.is_too_short),
            evidence=f"It changes by {points(change)} points.",
        )
        curves = chart_of_curves(
            evidence, {"ResNet-20": evidence.labels}, name="curves", caption="Both recipes."
        )
        tables = (table_of_errors(evidence, setting),)
        return Findings(answer=claim.evidence, claims=(claim,), tables=tables, charts=(curves,))
