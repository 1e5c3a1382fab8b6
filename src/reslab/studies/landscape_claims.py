"""The claims about the loss around trained nets, each judged by an interval."""

from collections.abc import Mapping, Sequence

from reslab.analysis.landscape_shape import log_rises, measure_falls
from reslab.analysis.statistics import Difference
from reslab.studies.final_errors import points
from reslab.studies.findings import Claim, ClaimVerdict, judge_claim
from reslab.studies.judging import judge_lower
from reslab.studies.measuring import Measured
from reslab.studies.residual_minus_plain import compare_families, name_count

WHERE = "Li et al. 2018"
JUDGED_RADIUS = 0.5
"""In filter norms. A whole norm away the loss of either kind exceeds that of guessing, and what is
compared there is how sure nets are of wrong answers."""
UNTRAINED_LOSS = 0.5
"""A net whose own loss is higher has not reached a minimum of which to see the surroundings."""


def list_log_rises(net: Measured, radius: float = JUDGED_RADIUS) -> list[float]:
    """log₁₀ of the rise of the loss at a radius, along each line through a net."""
    return log_rises(net.values["at"], net.values["loss"], radius)


def list_falls_pct(net: Measured) -> list[float]:
    """How much of its way outward the loss falls, in percent, along each line through a net."""
    return [100 * share for share in measure_falls(net.values["loss"])]


def choose_converged(nets: Sequence[Measured]) -> list[Measured]:
    """The nets of those depths at which every net has come to a low training loss."""
    failed = {net.values["depth"] for net in nets if not _has_converged(net)}
    return [net for net in nets if net.values["depth"] not in failed]


def claim_steeper(nets: Sequence[Measured], deepest: int, *, tested: bool) -> Claim:
    """Near by, the loss rises faster around the plain net; farther out is told and not judged.

    Args:
        nets: those that have converged.
        deepest: the depth that is judged, which no net of `nets` need have.
        tested: whether the nets can bear a verdict.
    """
    near = compare_families(nets, list_log_rises)
    far = compare_families(nets, lambda net: list_log_rises(net, 1.0))
    return Claim(
        statement="Close to a deep plain net the loss rises faster than close to a residual net.",
        where=f"{WHERE}, Fig. 5",
        verdict=_judge(near, deepest, tested=tested),
        evidence="Rise of the loss away from the trained net, residual divided by plain "
        f"({name_count(nets)}): {JUDGED_RADIUS:g} filter norms away {_by_depth(_factors(near))}; "
        f"a whole norm away {_by_depth(_factors(far))}. Judged: {deepest} layers, "
        f"{JUDGED_RADIUS:g} norms.",
    )


def claim_smoother(nets: Sequence[Measured], deepest: int, *, tested: bool) -> Claim:
    """The loss is less convex around the plain net; arguments as of `claim_steeper`."""
    changes = compare_families(nets, list_falls_pct)
    return Claim(
        statement="Around a deep plain net the loss is chaotic, around a residual net convex.",
        where=f"{WHERE}, Fig. 1 and Fig. 5",
        verdict=_judge(changes, deepest, tested=tested),
        evidence="Part of its way outward on which the loss falls (0 if it is convex, 50 % if it "
        "is as often down as up), residual minus plain in points "
        f"({name_count(nets)}): {_by_depth({d: points(c) for d, c in changes.items()})}. "
        f"Judged: {deepest} layers.",
    )


def list_net_limits(nets: Sequence[Measured]) -> list[str]:
    """What these lines cannot show."""
    limits = []
    lines = {len(net.values["loss"]) for net in nets}
    if nets and len({(net.values["family"], net.values["depth"]) for net in nets}) == len(nets):
        limits.append(
            f"The intervals are over {max(lines)} random lines through one net of each kind."
        )
    untrained = [
        f"{net.label} seed {net.seed} ({_loss(net)})" for net in nets if not _has_converged(net)
    ]
    if untrained:
        limits.append(
            f"At no minimum, and so not judged, nor others as deep: {', '.join(untrained)}; in "
            "brackets the training loss. What surrounds such a net says little of a trained one."
        )
    return limits


def _has_converged(net: Measured) -> bool:
    loss = net.values["centre"]
    return loss is not None and loss <= UNTRAINED_LOSS


def _loss(net: Measured) -> str:
    loss = net.values["centre"]
    return "not a number" if loss is None else f"{loss:.2f}"


def _judge(changes: Mapping[int, Difference], deepest: int, *, tested: bool) -> ClaimVerdict:
    if deepest not in changes:
        return judge_claim(holds=False, tested=False)
    return judge_lower(changes[deepest], tested=tested)


def _factors(changes: Mapping[int, Difference]) -> dict[int, str]:
    return {depth: _factor(change) for depth, change in changes.items()}


def _factor(change: Difference) -> str:
    """A difference of logarithms as a factor."""
    mean = f"{10**change.mean:.2g}"
    if change.low is None or change.high is None:
        return f"{mean} (one seed: no interval)"
    return f"{mean} [{10**change.low:.2g}, {10**change.high:.2g}]"


def _by_depth(texts: Mapping[int, str]) -> str:
    words = "; ".join(f"{depth} layers {text}" for depth, text in texts.items())
    return words or "no depth has a trained net of each"
