"""The claims about deleted and swapped blocks, each judged by an interval."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from reslab.analysis.lesions_correlation import correlate_ranks
from reslab.analysis.statistics import Difference, estimate_mean
from reslab.studies.final_errors import points
from reslab.studies.findings import Claim
from reslab.studies.judging import judge_all, judge_higher, judge_lower
from reslab.studies.measuring import Measured
from reslab.studies.residual_minus_plain import compare_families, name_count

WHERE = "Veit et al. 2016"
BETTER_WITHOUT_POINTS = 5.0
"""A net that errs by so much less without one of its blocks is hardly trained."""


def list_rises(net: Measured, *, regular: bool = True) -> list[float]:
    """Rise of the error, in points, on the loss of each block in turn.

    Of the blocks that keep the maps' shape, or of the others.
    """
    values = net.values
    return [
        error - values["error_pct"]
        for name, error in zip(values["blocks"], values["single"], strict=True)
        if (name in values["regular"]) == regular
    ]


def claim_single(nets: Sequence[Measured], *, tested: bool) -> Claim:
    """Residual nets hardly notice the loss of one block."""
    changes = compare_families(nets, list_rises)
    words = _by_depth(changes, points)
    return Claim(
        statement="Deleting a block hurts a residual net far less than a plain one.",
        where=f"{WHERE}, Fig. 3",
        verdict=judge_all(judge_lower(change, tested=tested) for change in changes.values()),
        evidence="Rise of the test error on the loss of one block that keeps the maps' shape, "
        f"residual minus plain ({name_count(nets)}): {words or 'no depth has a net of each'}.",
    )


def claim_deleted(nets: Sequence[Measured], *, tested: bool) -> Claim:
    """The more blocks are deleted, the higher is the error."""
    return _claim_rising(
        nets,
        "several",
        lambda count: count,
        statement="The more blocks a residual net loses, the higher is its error.",
        where=f"{WHERE}, Fig. 5 (a)",
        what="number of blocks deleted",
        tested=tested,
    )


def claim_swapped(nets: Sequence[Measured], *, tested: bool) -> Claim:
    """The more the blocks are out of order, the higher is the error."""
    return _claim_rising(
        nets,
        "swapped",
        lambda tau: 1 - tau,
        statement="The more a residual net's blocks are out of order, the higher is its error.",
        where=f"{WHERE}, Fig. 5 (b)",
        what="disorder of the blocks (1 − Kendall's τ)",
        tested=tested,
    )


def claim_changing(nets: Sequence[Measured], *, tested: bool) -> Claim:
    """The blocks that change the maps' shape are the exception."""
    excess = {
        depth: estimate_mean(
            [float(np.mean(list_rises(n, regular=False)) - np.mean(list_rises(n))) for n in same]
        )
        for depth, same in _residual_by_depth(nets).items()
    }
    words = _by_depth(excess, points)
    return Claim(
        statement="A residual net depends more on the blocks that change the maps' shape.",
        where=f"{WHERE}, Fig. 3",
        verdict=judge_all(judge_higher(change, tested=tested) for change in excess.values()),
        evidence="Rise of the test error on the loss of one block in residual nets, those that "
        f"change the shape minus the others ({name_count(nets)}): {words or 'no residual net'}.",
    )


def correlate(
    nets: Sequence[Measured], key: str, x_of: Callable[[float], float]
) -> dict[int, Difference]:
    """Spearman's ρ of what was done and the error, of the residual nets of each depth.

    The mean of the nets' ρ over the seeds with Student's interval; of a single net, its own ρ with
    its interval over the random choices.
    """
    found = {}
    for depth, same in _residual_by_depth(nets).items():
        each = [
            correlate_ranks([x_of(x) for x, _ in n.values[key]], [e for _, e in n.values[key]])
            for n in same
        ]
        found[depth] = each[0] if len(each) == 1 else _mean_rho(each)
    return found


def list_net_limits(nets: Sequence[Measured]) -> list[str]:
    """What these nets cannot show."""
    limits = []
    untrained = dict.fromkeys(
        net.label
        for net in nets
        if min(net.values["single"]) < net.values["error_pct"] - BETTER_WITHOUT_POINTS
    )
    if untrained:
        limits.append(
            f"Without some block the error is lower than with it in {', '.join(untrained)}: a net "
            "that is hardly trained has little to lose."
        )
    if nets and len({(net.values["family"], net.values["depth"]) for net in nets}) == len(nets):
        limits.append(
            "One net of each kind: the intervals are over its blocks and over random choices, "
            "which say nothing of other nets trained alike."
        )
    return limits


def _claim_rising(
    nets: Sequence[Measured],
    key: str,
    x_of: Callable[[float], float],
    *,
    statement: str,
    where: str,
    what: str,
    tested: bool,
) -> Claim:
    rhos = correlate(nets, key, x_of)
    words = _by_depth(rhos, _rho)
    return Claim(
        statement=statement,
        where=where,
        verdict=judge_all(judge_higher(rho, tested=tested) for rho in rhos.values()),
        evidence=f"Spearman's correlation of the {what} and the test error of residual nets "
        f"({name_count(nets)}): {words or 'no residual net'}.",
    )


def _mean_rho(rhos: Sequence[Difference]) -> Difference:
    mean = estimate_mean([rho.mean for rho in rhos])
    if mean.low is None or mean.high is None:
        return mean
    # Student's interval knows nothing of the ends of a correlation.
    return replace(mean, low=max(mean.low, -1.0), high=min(mean.high, 1.0))


def _residual_by_depth(nets: Sequence[Measured]) -> dict[int, list[Measured]]:
    residual = [net for net in nets if net.values["family"] == "residual"]
    depths = sorted({net.values["depth"] for net in residual})
    return {depth: [n for n in residual if n.values["depth"] == depth] for depth in depths}


def _by_depth(changes: Mapping[int, Difference], to_text: Callable[[Difference], str]) -> str:
    return "; ".join(f"{depth} layers {to_text(change)}" for depth, change in changes.items())


def _rho(rho: Difference) -> str:
    if rho.low is None or rho.high is None:
        return f"{rho.mean:.2f}"
    return f"{rho.mean:.2f} [{rho.low:.2f}, {rho.high:.2f}]"
