"""A quantity of residual nets against the plain nets of the same depths."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from reslab.analysis.statistics import Difference, compare_means, compare_paired
from reslab.studies.final_errors import points
from reslab.studies.findings import Claim
from reslab.studies.judging import judge_all, judge_lower
from reslab.studies.measuring import Measured


def compare_families(
    nets: Sequence[Measured], values_of: Callable[[Measured], Sequence[float]]
) -> dict[int, Difference]:
    """Residual minus plain at each depth that has both.

    Of the nets' means over the seeds; where there is one net of each, value by value, which are not
    independent of each other but the best that single nets can give.

    Args:
        nets: whose values have `family` and `depth`.
        values_of: one net's values, by layer or block.
    """
    by_net: dict[tuple[str, int], list[Sequence[float]]] = {}
    for net in nets:
        key = (net.values["family"], net.values["depth"])
        by_net.setdefault(key, []).append(values_of(net))
    depths = sorted(depth for family, depth in by_net if family == "residual")
    return {
        depth: _compare(by_net["plain", depth], by_net["residual", depth])
        for depth in depths
        if ("plain", depth) in by_net
    }


def _compare(plain: list[Sequence[float]], residual: list[Sequence[float]]) -> Difference:
    if len(plain) == len(residual) == 1:
        if len(plain[0]) != len(residual[0]):  # blocks of another kind need not correspond
            return compare_means(plain[0], residual[0])
        return compare_paired(plain[0], residual[0])
    means = ([float(np.mean(values)) for values in nets] for nets in (plain, residual))
    return compare_means(*means)


def name_count(nets: Sequence[Measured]) -> str:
    """`n = 3`: of how many nets, which differ in their seeds, each kind and depth has."""
    counts = Counter((net.values["family"], net.values["depth"]) for net in nets).values()
    fewest, most = min(counts, default=0), max(counts, default=0)
    return f"n = {fewest}" if fewest == most else f"n = {fewest} to {most}"


def claim_lower(
    changes: Mapping[int, Difference], *, statement: str, where: str, what: str, tested: bool
) -> Claim:
    """The claim that residual nets have less of something at every depth."""
    words = "; ".join(f"{depth} layers {points(change)}" for depth, change in changes.items())
    return Claim(
        statement=statement,
        where=where,
        verdict=judge_all(judge_lower(change, tested=tested) for change in changes.values()),
        evidence=f"{what}, residual minus plain: {words or 'no depth has a net of each'}.",
    )
