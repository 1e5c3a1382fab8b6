"""What are shortcuts A, B and C, and what does each cost and gain? (Table 3, §3.3, §4.1)."""

from reslab.studies.evidence import Evidence
from reslab.studies.final_errors import chart_of_curves, list_common_limits, table_of_errors
from reslab.studies.findings import Findings
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.shortcuts_claims import (
    compare_all,
    judge_any,
    judge_cost_of_a,
    judge_kinds,
    judge_steps,
)
from reslab.studies.shortcuts_options import OPTIONS, TABLE_3, choose_network, label_of
from reslab.studies.shortcuts_tables import (
    chart_of_options,
    table_of_changes,
    table_of_costs,
    table_of_imagenet,
)
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget


@register_study
class Shortcuts(Study):
    """The same net with every kind of shortcut, and with none."""

    name = "shortcuts"
    question = "What are shortcuts A, B and C, and what does each cost and gain?"
    where = "Table 3, §3.3, §4.1"
    refuted_by = (
        "a net with shortcuts that errs no less than the plain one, or kinds of shortcut that "
        "differ by as much as having any"
    )
    published = TABLE_3

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:
        """One depth: where digits separate plain from residual nets, and what CIFAR affords."""
        if budget == "smoke":
            return (20,)
        return (56,) if data == "digits" or budget == "paper" else (20,)

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        """Each option at each depth; none and A are the nets of the other studies."""
        return [
            run
            for depth in setting.depths
            for option in OPTIONS
            for run in setting.plan_seeds(
                choose_network(setting, depth, option), label=label_of(depth, option)
            )
        ]

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Compare the options pairwise, at the deepest depth."""
        depth = max(setting.depths)
        changes = compare_all(evidence, depth)
        kinds = judge_kinds(evidence, depth, changes, tested=not setting.is_too_short)
        claims = (
            judge_any(changes, tested=not setting.is_too_short),
            kinds,
            *judge_steps(changes, tested=not setting.is_too_short),
            judge_cost_of_a(setting, depth),
        )
        return Findings(
            answer=" ".join(claim.evidence for claim in (claims[0], kinds, claims[-1])),
            claims=claims,
            tables=(
                table_of_costs(setting),
                table_of_errors(evidence, setting),
                table_of_changes(changes, depth),
                table_of_imagenet(),
            ),
            charts=(
                chart_of_options(evidence, depth),
                chart_of_curves(
                    evidence,
                    {f"{depth} layers": [label_of(depth, option) for option in OPTIONS]},
                    name="shortcut-options-while-training",
                    caption="Errors with each kind of shortcut.",
                ),
            ),
            limits=(
                *list_common_limits(evidence, setting),
                "The ImageNet nets are counted here, not trained: their errors are the paper's.",
            ),
        )
