"""Why bottlenecks, and why with identity shortcuts? (Fig. 5, §4.1)."""

from dataclasses import replace

from reslab.analysis.block_cost import BlockShape, measure_block_costs
from reslab.networks.catalogue import cifar_name
from reslab.networks.config import NetworkConfig
from reslab.studies.bottleneck_claims import (
    judge_doubling,
    judge_economy,
    judge_errors,
    judge_measured,
)
from reslab.studies.bottleneck_tables import (
    chart_of_ratios,
    table_of_blocks,
    table_of_layers,
    table_of_nets,
    table_of_pairs,
    tables_by_block,
)
from reslab.studies.evidence import Evidence
from reslab.studies.final_errors import chart_of_curves, list_common_limits, table_of_errors
from reslab.studies.findings import Findings
from reslab.studies.measuring import Measurement
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

SIZE = 56
"""Maps of the first stage at 224×224 pixels, where Fig. 5's blocks stand."""
BLOCKS = {
    name: BlockShape(block=block, channels=channels, width=width, shortcut=shortcut, size=SIZE)
    for name, block, channels, width, shortcut in (
        ("basic, 64-d", "basic", 64, 64, "A"),
        ("basic, 64-d, projection", "basic", 64, 64, "C"),
        ("basic, 256-d", "basic", 256, 256, "A"),
        ("bottleneck, 256-d", "bottleneck", 256, 64, "A"),
        ("bottleneck, 256-d, projection", "bottleneck", 256, 64, "C"),
    )
}
ROUNDS: dict[Budget, int] = {"smoke": 2, "quick": 9, "paper": 21}
TIMED_IMAGES = 2


@register_study
class Bottleneck(Study):
    """Blocks and nets counted, timed, and trained at equal multiply-adds."""

    name = "bottleneck"
    question = "Why 1×1–3×3–1×1, and why does its shortcut have to be the identity?"
    where = "Fig. 5, §4.1"
    refuted_by = (
        "a 256-d bottleneck that costs much more than a 64-d basic block, or a projection "
        "shortcut around it that adds little"
    )

    def default_depths(self, data: str, budget: Budget) -> tuple[int, ...]:  # noqa: ARG002
        """Of the basic nets; the bottleneck nets beside them have as many blocks, 9n+2 layers."""
        return (20, 56) if budget == "paper" else (20,)

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        """Basic nets, and bottleneck nets of as many blocks, which have about the same macs."""
        return [
            run
            for pair in pair_networks(setting)
            for config in pair
            for run in setting.plan_seeds(config)
        ]

    def plan_measurements(self, setting: StudySetting) -> list[Measurement]:
        """The time and memory of each block on this machine."""
        return [
            Measurement(
                label="blocks",
                function=measure_block_costs,
                trained=False,
                arguments={
                    "shapes": BLOCKS,
                    "batch_size": TIMED_IMAGES,
                    "rounds": ROUNDS[setting.budget or "quick"],
                },
            )
        ]

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        """Compare counts, then measurements, then errors."""
        (measured,) = evidence.measured
        pairs = pair_networks(setting)
        claims = (
            judge_economy(BLOCKS),
            judge_doubling(BLOCKS),
            judge_measured(BLOCKS, measured),
            judge_errors(setting, evidence, pairs),
        )
        return Findings(
            answer=" ".join(claim.evidence for claim in claims),
            claims=claims,
            tables=(
                table_of_blocks(BLOCKS, measured, TIMED_IMAGES),
                table_of_layers(BLOCKS),
                table_of_nets(),
                *tables_by_block(),
                table_of_pairs(evidence, pairs),
                table_of_errors(evidence, setting),
            ),
            charts=(
                chart_of_ratios(BLOCKS, measured),
                chart_of_curves(
                    evidence,
                    {f"{a.name} and {b.name}": (a.name, b.name) for a, b in pairs},
                    name="basic-and-bottleneck",
                    caption="Basic and bottleneck nets of as many blocks.",
                ),
            ),
            limits=tuple(list_common_limits(evidence, setting)),
        )


def pair_networks(setting: StudySetting) -> list[tuple[NetworkConfig, NetworkConfig]]:
    """At each depth the basic net, and the bottleneck net with as many blocks as wide inside."""
    basics = [setting.plan_network(cifar_name("resnet", depth)) for depth in setting.depths]
    return [
        (
            basic,
            replace(
                basic,
                # As the catalogue calls it.
                name=f"resnet{3 * sum(basic.blocks_per_stage) + 2}-bottleneck",
                block="bottleneck",
            ),
        )
        for basic in basics
    ]
