"""The bottleneck study's tables and chart."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import median

from reslab.analysis.block_cost import (
    BlockCost,
    BlockShape,
    count_block,
    count_kept_bytes,
    list_block_layers,
    list_blocks,
)
from reslab.networks.catalogue import find_network
from reslab.networks.complexity import describe_network
from reslab.networks.config import NetworkConfig
from reslab.studies.bottleneck_claims import BASIC, typical_milliseconds
from reslab.studies.charts import Bars, Chart, Panel
from reslab.studies.evidence import Evidence
from reslab.studies.findings import Cell, Table
from reslab.studies.measuring import Measured

NETWORKS = ("resnet50", "resnet101", "resnet152")
OPTIONS = ("A", "B", "C")


def table_of_blocks(blocks: Mapping[str, BlockShape], measured: Measured, batch_size: int) -> Table:
    """Each block counted and measured."""

    def row(name: str, shape: BlockShape) -> tuple[Cell, ...]:
        params, macs = count_block(shape)
        found = measured.values[name]
        times = found["milliseconds"]
        return (
            name,
            params,
            f"{macs / 1e6:.0f}",
            f"{typical_milliseconds(measured, name):.1f} [{min(times):.1f}–{max(times):.1f}]",
            f"{count_kept_bytes(shape, batch_size) / 2**20:.1f}",
            f"{found['kept_bytes'] / 2**20:.1f}",
        )

    size = next(iter(blocks.values())).size
    return Table(
        title="Block by block, counted and measured",
        columns=(
            "block",
            "parameters",
            "macs, millions",
            "measured ms",
            "memory counted, MiB",
            "memory measured, MiB",
        ),
        rows=tuple(row(name, shape) for name, shape in blocks.items()),
        note=f"Maps of {size}×{size}. Macs for one image; time forward and backward for "
        f"{batch_size} images on one thread or one GPU, median [range] of interleaved rounds. "
        "Memory: what the forward pass keeps for the backward pass, by formula and as autograd "
        "holds it.",
    )


def table_of_layers(blocks: Mapping[str, BlockShape]) -> Table:
    """Where each block's cost lies."""
    rows: list[tuple[Cell, ...]] = []
    for name, shape in blocks.items():
        total = count_block(shape)[1]
        rows += [
            (
                name,
                layer.name,
                f"{layer.kernel}×{layer.kernel}, {layer.in_channels} → {layer.out_channels}",
                layer.params,
                f"{layer.macs / 1e6:.1f}",
                f"{100 * layer.macs / total:.0f}",
            )
            for layer in list_block_layers(shape)
            if layer.type == "conv"
        ]
    return Table(
        title="Layer by layer",
        columns=("block", "layer", "convolution", "weights", "macs, millions", "% of the block"),
        rows=tuple(rows),
        note="downsample.0 is the projection. In the bottleneck it joins the two wide ends, where "
        "every other layer has a narrow one; in the basic block all ends are narrow.",
    )


def table_of_nets() -> Table:
    """ResNet-50, 101 and 152 with each kind of shortcut."""
    rows: list[tuple[Cell, ...]] = []
    for name in NETWORKS:
        a, b, c = (describe_network(find_network(name, shortcut=option)) for option in OPTIONS)
        rows.append(
            (
                name,
                *(f"{net.params / 1e6:.1f}" for net in (a, b, c)),
                f"{c.params / a.params:.2f}",
                *(f"{net.macs / 1e9:.2f}" for net in (a, b, c)),
                f"{c.macs / a.macs:.2f}",
            )
        )
    return Table(
        title="Net by net: identity against projection",
        columns=(
            "network",
            "parameters A, 10⁶",
            "B",
            "C",
            "C / A",
            "macs A, 10⁹",
            "B",
            "C",
            "C / A",
        ),
        rows=tuple(rows),
        note="A: identity everywhere, with zeros for new channels; B: projections where the "
        "dimensions change, as the paper has it; C: projections everywhere. Stem, head and the "
        "entrances of the stages are in all, so a whole net grows less than its blocks.",
    )


def tables_by_block() -> tuple[Table, ...]:
    """ResNet-50, 101 and 152 block by block, equal blocks in a line."""
    return tuple(_table_by_block(name) for name in NETWORKS)


def _table_by_block(name: str) -> Table:
    identity, projected = (
        list_blocks(find_network(name, shortcut=option)) for option in ("A", "C")
    )
    rows: list[tuple[Cell, ...]] = []
    together = list(zip(identity, projected, strict=True))
    for _, equal in groupby(together, key=lambda pair: [_cost(block) for block in pair]):
        (first, first_c), *more = equal
        last = more[-1][0].name if more else first.name
        rows.append(
            (
                first.name if not more else f"{first.name} to {last}",
                1 + len(more),
                first.params,
                first_c.params,
                f"{first_c.params / first.params:.2f}",
                f"{first.macs / 1e6:.0f}",
                f"{first_c.macs / 1e6:.0f}",
                f"{first_c.macs / first.macs:.2f}",
            )
        )
    return Table(
        title=f"{name}, block by block",
        columns=(
            "blocks",
            "how many",
            "parameters, identity",
            "projection",
            "ratio",
            "macs, millions, identity",
            "projection",
            "ratio",
        ),
        rows=tuple(rows),
        note="Of each block; layer1 to layer4 are conv2_x to conv5_x of Table 1.",
    )


def _cost(block: BlockCost) -> tuple[str, int, int]:
    return block.name.split(".")[0], block.params, block.macs


def table_of_pairs(
    evidence: Evidence, pairs: Sequence[tuple[NetworkConfig, NetworkConfig]]
) -> Table:
    """The nets trained against each other."""

    def row(config: NetworkConfig) -> tuple[Cell, ...]:
        net = describe_network(config)
        speeds = [run.result.images_per_second for run in evidence.of(config.name)]
        return (
            net.name,
            net.weighted_layers,
            net.params,
            f"{net.macs / 1e6:.2f}",
            f"{median(speeds):,.0f}",
        )

    return Table(
        title="The nets trained",
        columns=("network", "layers", "parameters", "macs, millions", "images a second"),
        rows=tuple(row(config) for pair in pairs for config in pair),
        note="The widths of the 3×3 convolutions are equal, so the bottlenecks' maps have four "
        "times the channels; option A in both. Images a second of the whole run, evaluations "
        "included, median over the seeds; runs side by side slow each other down.",
    )


SHORT_NAMES = {
    "basic, 64-d, projection": "basic 64, C",
    "basic, 256-d": "basic 256",
    "bottleneck, 256-d": "bottleneck",
    "bottleneck, 256-d, projection": "bottleneck, C",
}


def chart_of_ratios(blocks: Mapping[str, BlockShape], measured: Measured) -> Chart:
    """Each block's costs over those of the 64-d basic block."""
    counts = {name: count_block(shape) for name, shape in blocks.items()}
    costs: dict[str, dict[str, float]] = {
        "parameters": {name: params for name, (params, _) in counts.items()},
        "macs": {name: macs for name, (_, macs) in counts.items()},
        "time, measured": {name: typical_milliseconds(measured, name) for name in blocks},
        "memory, measured": {name: measured.values[name]["kept_bytes"] for name in blocks},
    }
    bars = tuple(
        Bars(
            label=label,
            names=tuple(SHORT_NAMES.values()),
            values=tuple(cost[name] / cost[BASIC] for name in SHORT_NAMES),
            colour=colour,
        )
        for colour, (label, cost) in enumerate(costs.items())
    )
    return Chart(
        name="block-costs",
        caption="What each block costs, as a multiple of the basic block of 64 channels with "
        "identity. The bottleneck has 256 channels; C is a projection instead of the identity.",
        panels=(Panel(x_label="block", y_label="times the basic 64", marks=bars, log_y=True),),
    )
