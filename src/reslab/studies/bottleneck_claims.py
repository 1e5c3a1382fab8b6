"""What the paper says of bottlenecks, judged (He et al. 2016, Fig. 5, §4.1)."""

import math
from collections.abc import Mapping, Sequence
from statistics import median

from reslab.analysis.block_cost import BlockShape, count_block, list_block_layers
from reslab.analysis.statistics import Difference, compare_means, estimate_mean
from reslab.networks.complexity import describe_network
from reslab.networks.config import NetworkConfig
from reslab.studies.evidence import Evidence
from reslab.studies.final_errors import points
from reslab.studies.findings import Claim, judge_claim
from reslab.studies.judging import judge_all, judge_within
from reslab.studies.measuring import Measured
from reslab.studies.setting import StudySetting

BASIC, WIDE, BOTTLENECK = "basic, 64-d", "basic, 256-d", "bottleneck, 256-d"
PROJECTED = f"{BOTTLENECK}, projection"
SIMILAR_RATIO = 1.25
DOUBLED = 1.8
"""What counts as doubled: the projection has 65,536 weights, the block around it 69,632."""
MIN_ROUNDS = 5
NO_WORSE = 1.0
"""Points of test error by which a net may be worse and still count as no worse."""


def judge_economy(blocks: Mapping[str, BlockShape]) -> Claim:
    """The two blocks of Fig. 5 against each other."""
    params, macs = _count_all(blocks)
    ratio, wide = macs[BOTTLENECK] / macs[BASIC], macs[WIDE] / macs[BOTTLENECK]
    return Claim(
        statement="A 256-d bottleneck has about the time complexity of a 64-d basic block.",
        where="Fig. 5",
        verdict=judge_claim(holds=1 / SIMILAR_RATIO < ratio < SIMILAR_RATIO),
        evidence=f"A 256-d bottleneck has {ratio:.2f} times the multiply-adds of a 64-d basic "
        f"block ({macs[BOTTLENECK] / 1e6:.0f} against {macs[BASIC] / 1e6:.0f} million; parameters "
        f"{params[BOTTLENECK]:,} and {params[BASIC]:,}) on maps with four times the channels; a "
        f"basic block on those has {wide:.1f} times as many.",
    )


def judge_doubling(blocks: Mapping[str, BlockShape]) -> Claim:
    """What a projection adds to a bottleneck, and which layer it is."""
    params, macs = _count_all(blocks)
    growth = {name: params[f"{name}, projection"] / params[name] for name in (BASIC, BOTTLENECK)}
    in_macs = macs[PROJECTED] / macs[BOTTLENECK]
    (projection,) = (
        layer
        for layer in list_block_layers(blocks[PROJECTED])
        if layer.type == "conv" and "downsample" in layer.name
    )
    return Claim(
        statement="With a projection instead of the identity, a bottleneck's size and time double.",
        where="§4.1, deeper bottleneck architectures",
        verdict=judge_claim(holds=min(in_macs, growth[BOTTLENECK]) > DOUBLED),
        evidence=f"With a projection its parameters grow {growth[BOTTLENECK]:.2f} times and its "
        f"multiply-adds {in_macs:.2f} times, through one layer: the shortcut's 1×1 convolution "
        f"({projection.name}) joins the ends of {projection.in_channels} and "
        f"{projection.out_channels} channels. A 64-d basic block grows {growth[BASIC]:.2f} times.",
    )


def judge_measured(blocks: Mapping[str, BlockShape], measured: Measured) -> Claim:
    """Whether the doubling is seen on the clock and in memory, not in counts alone."""
    change = measured_ratio(measured, PROJECTED, BOTTLENECK)
    rounds = change.n_b
    counted = count_block(blocks[PROJECTED])[1] / count_block(blocks[BOTTLENECK])[1]
    memory = measured.values[PROJECTED]["kept_bytes"] / measured.values[BOTTLENECK]["kept_bytes"]
    tested = rounds >= MIN_ROUNDS and (change.is_higher or change.is_lower)
    ends = "too few rounds for an interval"
    if change.low is not None and change.high is not None:
        ends = f"95 % interval {math.exp(change.low):.2f} to {math.exp(change.high):.2f}"
    return Claim(
        statement="The projection costs a bottleneck time as measured, not only as counted.",
        where="§4.1; measured here, not in the paper",
        verdict=judge_claim(holds=change.is_higher, tested=tested),
        evidence=f"Forward and backward then take {math.exp(change.mean):.2f} times "
        f"as long ({ends}, {rounds} rounds), {counted:.2f} times as counted, and keep "
        f"{memory:.2f} times the memory.",
    )


def judge_errors(
    setting: StudySetting,
    evidence: Evidence,
    pairs: Sequence[tuple[NetworkConfig, NetworkConfig]],
) -> Claim:
    """Bottleneck nets against basic nets of as many blocks."""
    changes, words = [], []
    for basic, bottleneck in pairs:
        a, b = (evidence.final_errors(c.name).test_error_pct for c in (basic, bottleneck))
        if a and b:
            changes.append(compare_means(a, b))
            ratio = describe_network(bottleneck).macs / describe_network(basic).macs
            words.append(
                f"{basic.name} to {bottleneck.name} ({ratio:.2f} times the macs) "
                f"{points(changes[-1])}"
            )
    return Claim(
        statement="At about equal multiply-adds a bottleneck net is no worse than a basic one.",
        where="§4.1, in miniature: the paper does not train this pair",
        verdict=judge_all(
            judge_within(change, NO_WORSE, tested=not setting.is_too_short) for change in changes
        ),
        evidence=f"Change of the test error, in points: {'; '.join(words)}; no worse means at most "
        f"{NO_WORSE:g} more."
        if words
        else "All seeds of a net diverged.",
    )


def measured_ratio(measured: Measured, name: str, to: str) -> Difference:
    """Logarithm of how many times as long `name` takes as `to`, over rounds side by side."""
    times = (measured.values[key]["milliseconds"] for key in (name, to))
    return estimate_mean([math.log(a / b) for a, b in zip(*times, strict=True)])


def typical_milliseconds(measured: Measured, name: str) -> float:
    """The median round."""
    return float(median(measured.values[name]["milliseconds"]))


def _count_all(blocks: Mapping[str, BlockShape]) -> tuple[dict[str, int], dict[str, int]]:
    counts = {name: count_block(shape) for name, shape in blocks.items()}
    return (
        {name: params for name, (params, _) in counts.items()},
        {name: macs for name, (_, macs) in counts.items()},
    )
