"""Why bottlenecks, and why with identity shortcuts? (Fig. 5, §4.1)."""

from dataclasses import replace

from reslab.analysis.block_cost import BlockShape, count_block, measure_block_costs
from reslab.analysis.statistics import compare_means
from reslab.networks.catalogue import cifar_name, find_network
from reslab.networks.complexity import describe_network
from reslab.networks.config import NetworkConfig
from reslab.studies.evidence import Evidence
from reslab.studies.final_errors import (
    chart_of_curves,
    list_common_limits,
    points,
    table_of_errors,
)
from reslab.studies.findings import Cell, Claim, Findings, Table, judge_claim
from reslab.studies.measuring import Measured, Measurement
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import Study, register_study
from reslab.training.recipe import Budget

SIZE = 56
"""Maps of the first stage at 224×224 pixels, where Fig. 5's blocks stand."""
BLOCKS = {
    "basic, 64-d": BlockShape(block="basic", channels=64, width=64, shortcut="A", size=SIZE),
    "basic, 64-d, projection": BlockShape(
        block="basic", channels=64, width=64, shortcut="C", size=SIZE
    ),
    "basic, 256-d": BlockShape(block="basic", channels=256, width=256, shortcut="A", size=SIZE),
    "bottleneck, 256-d": BlockShape(
        block="bottleneck", channels=256, width=64, shortcut="A", size=SIZE
    ),
    "bottleneck, 256-d, projection": BlockShape(
        block="bottleneck", channels=256, width=64, shortcut="C", size=SIZE
    ),
}
ROUNDS: dict[Budget, int] = {"smoke": 2, "quick": 9, "paper": 21}
TIMED_IMAGES = 4


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
            for depth in setting.depths
            for config in _pair(setting, depth)
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
        claims = (_judge_economy(), _judge_doubling(), _judge_errors(setting, evidence))
        return Findings(
            answer=" ".join(claim.evidence for claim in claims),
            claims=claims,
            tables=(
                _table_of_blocks(measured),
                _table_of_nets(),
                _table_of_causes(),
                _table_of_pairs(setting),
                table_of_errors(evidence, setting),
            ),
            charts=(
                chart_of_curves(
                    evidence,
                    {"equal multiply-adds": evidence.labels},
                    name="basic-and-bottleneck",
                    caption="Basic and bottleneck nets of as many blocks.",
                ),
            ),
            limits=tuple(list_common_limits(evidence, setting)),
        )


def _pair(setting: StudySetting, depth: int) -> tuple[NetworkConfig, NetworkConfig]:
    basic = setting.plan_network(cifar_name("resnet", depth))
    layers = 3 * sum(basic.blocks_per_stage) + 2
    return basic, replace(basic, name=f"bottleneck{layers}", block="bottleneck")


def _judge_economy() -> Claim:
    params = {name: count_block(shape)[0] for name, shape in BLOCKS.items()}
    macs = {name: count_block(shape)[1] for name, shape in BLOCKS.items()}
    ratio = macs["bottleneck, 256-d"] / macs["basic, 64-d"]
    wide = macs["basic, 256-d"] / macs["bottleneck, 256-d"]
    return Claim(
        statement="A 256-d bottleneck has about the time complexity of a 64-d basic block.",
        where="Fig. 5",
        verdict=judge_claim(holds=0.8 < ratio < 1.25),
        evidence=f"It has {ratio:.2f} times the multiply-adds "
        f"({macs['bottleneck, 256-d'] / 1e6:.0f} against {macs['basic, 64-d'] / 1e6:.0f} million; "
        f"parameters "
        f"{params['bottleneck, 256-d']:,} and {params['basic, 64-d']:,}) on maps with four times "
        f"the channels; a basic block on those has {wide:.1f} times as many.",
    )


def _judge_doubling() -> Claim:
    (params, macs), (params_c, macs_c) = (
        count_block(BLOCKS[f"bottleneck, 256-d{kind}"]) for kind in ("", ", projection")
    )
    return Claim(
        statement="With a projection instead of the identity, a bottleneck's size and time double.",
        where="§4.1, deeper bottleneck architectures",
        verdict=judge_claim(holds=macs_c / macs > 1.8 and params_c / params > 1.8),
        evidence=f"The block's parameters grow {params_c / params:.2f} times and its multiply-adds "
        f"{macs_c / macs:.2f} times: the projection joins the two ends of 256 channels.",
    )


def _judge_errors(setting: StudySetting, evidence: Evidence) -> Claim:
    changes = {}
    for depth in setting.depths:
        basic, bottleneck = _pair(setting, depth)
        a, b = (evidence.final_errors(c.name).test_error_pct for c in (basic, bottleneck))
        if a and b:
            changes[f"{basic.name} to {bottleneck.name}"] = compare_means(a, b)
    words = "; ".join(f"{pair} {points(change)}" for pair, change in changes.items())
    tested = bool(changes) and all(c.low is not None for c in changes.values())
    return Claim(
        statement="At about equal multiply-adds a bottleneck net is no worse than a basic one.",
        where="§4.1, in miniature: the paper does not train this pair",
        verdict=judge_claim(
            holds=not any(c.is_higher for c in changes.values()),
            tested=tested and not setting.is_too_short,
        ),
        evidence=f"Change of the test error, in points: {words}.",
    )


def _table_of_blocks(measured: Measured) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, shape in BLOCKS.items():
        params, macs = count_block(shape)
        found = measured.values[name]
        milliseconds = (
            f"{found['milliseconds']:.1f} [{found['fastest']:.1f}–{found['slowest']:.1f}]"
        )
        kept = f"{found['kept_bytes'] / 2**20:.1f}"
        rows.append((name, params, f"{macs / 1e6:.0f}", milliseconds, kept))
    return Table(
        title="Block by block",
        columns=("block", "parameters", "macs, millions", "measured ms", "kept MiB"),
        rows=tuple(rows),
        note=f"Maps of {SIZE}×{SIZE}; counted for one image, measured forward and backward on "
        f"{TIMED_IMAGES} images with one thread or one GPU, median and range of interleaved "
        "rounds. Kept: what the forward pass keeps for the backward pass.",
    )


def _table_of_nets() -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name in ("resnet50", "resnet101", "resnet152"):
        b, c = (describe_network(find_network(name, shortcut=option)) for option in ("B", "C"))
        rows.append(
            (
                name,
                f"{b.params / 1e6:.1f}",
                f"{c.params / 1e6:.1f}",
                f"{c.params / b.params:.2f}",
                f"{b.macs / 1e9:.2f}",
                f"{c.macs / 1e9:.2f}",
                f"{c.macs / b.macs:.2f}",
            )
        )
    return Table(
        title="Net by net: identity (B) against projection everywhere (C)",
        columns=("network", "parameters B, 10⁶", "C", "ratio", "macs B, 10⁹", "C", "ratio"),
        rows=tuple(rows),
        note="B has a projection at the entrance of each stage, where the dimensions change.",
    )


def _table_of_causes() -> Table:
    b, c = (find_network("resnet50", shortcut=option) for option in ("B", "C"))
    there = {layer.name for layer in describe_network(b).layers}
    added = [
        layer
        for layer in describe_network(c).layers
        if layer.name not in there and layer.type == "conv"
    ]
    return Table(
        title="The layers that cause it, in ResNet-50",
        columns=("layer", "from channels", "to channels", "parameters", "macs, millions"),
        rows=tuple(
            (
                layer.name,
                layer.in_channels,
                layer.out_channels,
                layer.params,
                f"{layer.macs / 1e6:.0f}",
            )
            for layer in added
        ),
        note="1×1 convolutions that option C adds to option B.",
    )


def _table_of_pairs(setting: StudySetting) -> Table:
    networks = [describe_network(c) for depth in setting.depths for c in _pair(setting, depth)]
    return Table(
        title="The nets trained",
        columns=("network", "layers", "parameters", "macs, millions"),
        rows=tuple((n.name, n.weighted_layers, n.params, f"{n.macs / 1e6:.2f}") for n in networks),
        note="The widths of the 3×3 convolutions are equal, so the bottlenecks' maps have four "
        "times the channels; option A in both.",
    )
