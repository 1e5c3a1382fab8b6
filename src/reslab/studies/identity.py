"""Is it easier to learn F(x) = H(x) − x? The constructed solution, and distance from identity."""

from collections.abc import Sequence

import numpy as np

from reslab.analysis.constructed import measure_constructed
from reslab.analysis.identity import measure_identity
from reslab.analysis.stacks import measure_stack
from reslab.analysis.statistics import compare_means, summarise
from reslab.networks.catalogue import cifar_name
from reslab.studies.charts import Chart, Line, Panel
from reslab.studies.evidence import Evidence
from reslab.studies.families import plan_families
from reslab.studies.final_errors import list_common_limits, points
from reslab.studies.findings import Cell, Claim, Findings, Table, judge_claim
from reslab.studies.identity_stacks import chart_of_stacks, judge_stacks, table_of_stacks
from reslab.studies.measure_each import choose_judged, measure_each
from reslab.studies.measuring import Measured, Measurement
from reslab.studies.residual_minus_plain import claim_lower, compare_families
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

IMAGES = 500
MAX_CONSTRUCTED = 3
"""Seeds of which the constructed net is trained on."""
STACK_BLOCKS = {"smoke": (1, 2), "quick": (1, 2, 4, 8, 16), "paper": (1, 2, 4, 8, 16)}
STACK_SEEDS = 3
STACK_STEPS = {"smoke": 20, "quick": 400, "paper": 3_000}
PERTURBATIONS = (0.0, 0.1)


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
        ]

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Answer from the three parts."""
        constructed = evidence.measured_of("measure_constructed")
        stacks = evidence.measured_of("measure_stack")
        distances = evidence.measured_of("measure_identity")
        deepest = max(setting.depths, default=0)
        claims = (
            *_judge_constructed(constructed, evidence, deepest, tested=not setting.is_too_short),
            judge_stacks(stacks, tested=setting.budget != "smoke"),
            _judge_distance(distances, setting),
        )
        return Findings(
            answer=" ".join(claim.evidence for claim in claims),
            claims=claims,
            tables=(
                *([_table_of_constructed(constructed)] if constructed else []),
                table_of_stacks(stacks),
                _table_of_distances(distances),
            ),
            charts=(chart_of_stacks(stacks), _chart_of_distances(distances)),
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
                "max_steps": STACK_STEPS[budget],
            },
        )
        for perturbation in PERTURBATIONS
        for blocks in STACK_BLOCKS[budget]
        for family, shortcut in (("plain", "none"), ("residual", "A"))
        for seed in range(STACK_SEEDS)
    ]


def _judge_constructed(
    constructed: Sequence[Measured], evidence: Evidence, deepest: int, *, tested: bool
) -> tuple[Claim, ...]:
    if not constructed:
        return ()
    found = [m.values for m in constructed]
    pairs = [(v["shallow_error_pct"], v["constructed_error_pct"]) for v in found]
    difference = max(v["largest_difference"] for v in found)
    scale = max(v["largest_logit"] for v in found)
    random = evidence.final_errors(cifar_name("plain", deepest)).train_error_pct
    trained = [v["trained_error_pct"] for v in found]
    change = compare_means(trained, random)
    return (
        Claim(
            statement="A deeper net no worse than the shallower one exists: construct it.",
            where="§1, §3.1",
            verdict=judge_claim(holds=all(a == b for a, b in pairs)),
            evidence=f"With identities inserted the training error is the same in "
            f"{sum(a == b for a, b in pairs)} of {len(pairs)} nets, and no logit differs by more "
            f"than {difference:.2g} (the largest is {scale:.3g}).",
        ),
        Claim(
            statement="The optimiser does not find it from random weights.",
            where="§1, §3.1",
            verdict=judge_claim(holds=change.is_higher, tested=tested and change.low is not None),
            evidence="The same deeper net from random weights ends with a training error higher "
            f"by {points(change)} points than the constructed one trained on.",
        ),
    )


def _table_of_constructed(constructed: Sequence[Measured]) -> Table:
    columns = {
        "shallow_error_pct": "shallow",
        "constructed_error_pct": "constructed",
        "settled_error_pct": "with batch statistics",
        "trained_error_pct": "trained on",
    }
    means = [summarise([m.values[key] for m in constructed]).to_text() for key in columns]
    return Table(
        title="The constructed solution, training error %",
        columns=("nets", "n", *columns.values(), "largest difference of a logit"),
        rows=(
            (
                constructed[0].label,
                len(constructed),
                *means,
                f"{max(m.values['largest_difference'] for m in constructed):.2g}",
            ),
        ),
        note=f"Of {constructed[0].values['images']:,} training images. Batch statistics: the added "
        "layers' BN set from 500 images, so that the map stays the identity in training mode too. "
        f"Trained on: {constructed[0].values['steps']:,} steps of the same recipe.",
    )


def _mean(net: Measured, key: str) -> float:
    return float(np.mean(net.values[key]))


def _judge_distance(nets: Sequence[Measured], setting: StudySetting) -> Claim:
    judged, tested = choose_judged(nets, setting)
    return claim_lower(
        compare_families(judged, lambda net: net.values["distance"]),
        statement="Trained residual blocks are nearer to the identity than plain ones.",
        where="§3.2",
        what="‖H(x) − x‖/‖x‖ of a block",
        tested=tested,
    )


def _table_of_distances(nets: Sequence[Measured]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for label in dict.fromkeys(net.label for net in nets):
        same = [net for net in nets if net.label == label]
        cells = [summarise([_mean(net, key) for net in same]).to_text() for key in
                 ("distance", "cosine", "residual")]  # fmt: skip
        rows.append((label, len(same), *cells))
    return Table(
        title="Blocks and the identity",
        columns=("network", "n", "‖H(x) − x‖/‖x‖", "cosine of H(x) and x", "‖F(x)‖/‖x‖"),
        rows=tuple(rows),
        note=f"Mean over the blocks that keep their shape, on {IMAGES} test images; x is the "
        "block's input, F(x) what its two layers compute, H(x) its output. In a plain net H is "
        "the ReLU of F. Mean ± standard deviation over n nets; intervals over the nets, or block "
        "by block where there is one net of each.",
    )


def _chart_of_distances(nets: Sequence[Measured]) -> Chart:
    panels = []
    for family in ("plain", "residual"):
        labels = dict.fromkeys(n.label for n in nets if n.values["family"] == family)
        lines = []
        for i, label in enumerate(labels):
            values = np.array([n.values["distance"] for n in nets if n.label == label])
            lines.append(
                Line(
                    label=label,
                    x=tuple(range(1, values.shape[1] + 1)),
                    y=tuple(values.mean(axis=0).tolist()),
                    low=tuple(values.min(axis=0).tolist()),
                    high=tuple(values.max(axis=0).tolist()),
                    colour=i,
                )
            )
        panels.append(
            Panel(
                title=f"{family} nets",
                x_label="block that keeps its shape",
                y_label="‖H(x) − x‖ / ‖x‖",
                marks=tuple(lines),
            )
        )
    return Chart(
        name="distance-from-identity",
        caption="Distance of each block from the identity; mean over the nets, band from the "
        "lowest to the highest.",
        panels=tuple(panels),
    )
