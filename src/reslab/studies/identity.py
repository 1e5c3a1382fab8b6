"""Is it easier to learn F(x) = H(x) − x? The constructed solution, and distance from identity."""

from collections.abc import Sequence

from reslab.analysis.constructed import measure_constructed
from reslab.analysis.identity import measure_identity, measure_untrained_identity
from reslab.analysis.stacks import measure_stack
from reslab.networks.catalogue import cifar_name
from reslab.studies.evidence import Evidence
from reslab.studies.families import plan_families
from reslab.studies.final_errors import list_common_limits
from reslab.studies.findings import Findings
from reslab.studies.identity_blocks import chart_of_distances, judge_distance, table_of_distances
from reslab.studies.identity_constructed import judge_constructed, table_of_constructed
from reslab.studies.identity_stacks import (
    chart_of_stacks,
    choose_rates,
    judge_stacks,
    table_of_stacks,
)
from reslab.studies.measure_each import measure_each
from reslab.studies.measuring import Measurement
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

IMAGES = 500
MAX_CONSTRUCTED = 3
"""Seeds of which the constructed net is trained on."""
STACK_BLOCKS = {"smoke": (1, 2), "quick": (1, 2, 4, 8), "paper": (1, 2, 4, 8, 16)}
STACK_SEEDS = 3
STACK_STEPS = {"smoke": 20, "quick": 400, "paper": 3_000}
LEARNING_RATES = (0.1, 0.5, 2.5)
"""The paper's and higher ones, which suit shallow plain stacks better than it does."""
PERTURBATIONS = (0.0, 0.3)


@register_study
class Identity(Study):
    """The deeper net constructed from a shallower one; stacks that learn x; blocks near x."""

    name = "identity"
    question = "Is H(x) easier to learn as x + F(x), and are trained blocks near the identity?"
    where = "§1, §3.1, §3.2"
    refuted_by = (
        "a constructed deeper net that is worse than the shallower one, a plain stack that learns "
        "the identity as fast as a residual one, or residual blocks farther from the identity than "
        "plain ones"
    )
    takes_weights = True

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:  # noqa: ARG002
        """The two ends of Fig. 1."""
        return (8, 14) if budget == "smoke" else (20, 56)

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        """A plain and a residual net of each depth."""
        return plan_families(setting)

    def plan_measurements(self, setting: StudySetting) -> list[Measurement]:
        """(a) constructed nets, (b) stacks, (c) distances from identity."""
        runs = self.plan_runs(setting)
        return [
            *_plan_constructed(setting, runs),
            *_plan_stacks(setting),
            *measure_each(measure_identity, setting, runs, images=IMAGES),
            *measure_each(measure_untrained_identity, setting, runs, images=IMAGES),
        ]

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Answer from the three parts."""
        constructed = evidence.measured_of("measure_constructed")
        stacks = choose_rates(evidence.measured_of("measure_stack"))
        distances = evidence.measured_of("measure_identity")
        untrained = evidence.measured_of("measure_untrained_identity")
        deep = cifar_name("plain", max(setting.depths, default=8))
        random = evidence.final_errors(deep).train_error_pct if evidence.of(deep) else ()
        claims = (
            *judge_constructed(constructed, random, tested=not setting.is_too_short),
            judge_stacks(stacks, tested=setting.budget != "smoke"),
            judge_distance(distances, untrained, setting),
        )
        return Findings(
            answer=" ".join(claim.evidence for claim in claims),
            claims=claims,
            tables=(
                *([table_of_constructed(constructed)] if constructed else []),
                table_of_stacks(stacks),
                table_of_distances(distances, untrained, IMAGES),
            ),
            charts=(chart_of_stacks(stacks), chart_of_distances(distances, untrained)),
            limits=tuple(list_common_limits(evidence, setting)),
        )


def _plan_constructed(setting: StudySetting, runs: Sequence[PlannedRun]) -> list[Measurement]:
    """Each shallow plain net, deepened to the deepest."""
    if len(setting.depths) < 2:
        return []
    shallow, deep = (
        cifar_name("plain", depth) for depth in (min(setting.depths), max(setting.depths))
    )
    deeper = {run.config.seed: run.config for run in runs if run.label == deep}
    return [
        Measurement(
            label=f"{shallow} to {deep}",
            function=measure_constructed,
            run=run.config,
            seed=run.config.seed,
            arguments={"deeper": deeper[run.config.seed]},
        )
        for run in runs
        if run.label == shallow and run.config.seed < MAX_CONSTRUCTED
    ]


def _plan_stacks(setting: StudySetting) -> list[Measurement]:
    budget = setting.budget or "smoke"
    return [
        Measurement(
            label=f"{family} stack of {blocks} blocks, ε {perturbation:g}",
            function=measure_stack,
            trained=False,
            seed=seed,
            arguments={
                "shortcut": shortcut,
                "blocks": blocks,
                "perturbation": perturbation,
                "seed": seed,
                "learning_rates": LEARNING_RATES,
                "max_steps": STACK_STEPS[budget],
            },
        )
        for perturbation in PERTURBATIONS
        for blocks in STACK_BLOCKS[budget]
        for family, shortcut in (("plain", "none"), ("residual", "A"))
        for seed in range(STACK_SEEDS)
    ]
