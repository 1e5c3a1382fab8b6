"""Whether signals vanish in plain nets with BN, judged (§4.1)."""

from collections.abc import Callable, Sequence

from reslab.analysis.statistics import CONFIDENCE, Difference
from reslab.studies.findings import Claim, ClaimVerdict
from reslab.studies.gradients_decades import (
    VANISHED_DECADES,
    LossOf,
    Situation,
    lose_gradient,
    lose_relative_gradient,
    lose_response,
    ratio_text,
)
from reslab.studies.judging import judge_all, judge_within

MIN_DEPTH = 20
"""Shallower nets are not what the paper speaks of."""


def judge_signals(situations: Sequence[Situation], *, too_short: bool) -> tuple[Claim, ...]:
    """The paper's claims of plain nets, and two that the first measurements called for.

    Args:
        situations: of all nets.
        too_short: whether what these nets learned is too little to speak of training.
    """
    plain = [s for s in situations if s.family == "plain" and s.depth >= MIN_DEPTH]
    start = [s for s in plain if s.step == 0]
    training = [s for s in plain if s.step is None or (s.step > 0 and not too_short)]
    return (
        _judge(
            "The forward signals of plain nets with BN do not vanish.",
            [*start, *training],
            lose_response,
            "The weakest layer's response, where BN starts all at 1",
        ),
        _judge(
            "The gradients of plain nets with BN do not vanish as initialised.",
            start,
            lose_gradient,
            "Gradient at the first layers over that at the last",
        ),
        _judge(
            "The gradients of plain nets with BN do not vanish while training.",
            training,
            lose_gradient,
            "Gradient at the first layers over that at the last",
        ),
        _judge(
            "In proportion to the response they do not vanish while training either.",
            training,
            lose_relative_gradient,
            "Gradient times response at the first layers over that at the last (a measure added "
            "after the first results: BN leaves the scale of a response open)",
        ),
        _judge(
            "The gradients of plain nets with BN have healthy norms as initialised.",
            start,
            lose_gradient,
            "Gradient at the first layers over that at the last",
            grows=True,
        ),
    )


def _judge(
    statement: str,
    situations: Sequence[Situation],
    loss_of: LossOf,
    what: str,
    *,
    grows: bool = False,
) -> Claim:
    # Any of them could decide the claim, so the intervals hold jointly (Bonferroni).
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(situations))
    changes = {s.name: s.estimate(loss_of, confidence=confidence) for s in situations}
    verdict = judge_all(_judge_one(change, grows=grows) for change in changes.values())
    return Claim(
        statement=statement,
        where="§4.1",
        verdict=verdict,
        evidence=_explain(changes, what, verdict, grows=grows),
    )


def _judge_one(lost: Difference, *, grows: bool) -> ClaimVerdict:
    return judge_within(_negate(lost) if grows else lost, VANISHED_DECADES)


def _negate(change: Difference) -> Difference:
    low = None if change.high is None else -change.high
    high = None if change.low is None else -change.low
    return Difference(mean=-change.mean, low=low, high=high, n_a=change.n_a, n_b=change.n_b)


def _explain(
    changes: dict[str, Difference], what: str, verdict: ClaimVerdict, *, grows: bool
) -> str:
    if not changes:
        return (
            f"Takes plain nets of {MIN_DEPTH} layers or more, and for claims of training a budget "
            "that trains them or --weights."
        )
    choose: Callable[..., str] = min if grows else max
    worst = choose(changes, key=lambda name: changes[name].mean)
    bound = 10 ** (VANISHED_DECADES if grows else -VANISHED_DECADES)
    word = f"exploded would be over {bound:g}" if grows else f"vanished would be under {bound:g}"
    end = "strongest" if grows else "weakest"
    text = f"{what}: {end} in {worst}, {ratio_text(changes[worst])}; {word}."
    undecided = [n for n, c in changes.items() if _judge_one(c, grows=grows) == _UNDECIDED]
    if verdict == _UNDECIDED and undecided:
        text += f" No verdict: the interval of {', '.join(undecided)} holds the bound."
    return text


_UNDECIDED: ClaimVerdict = "not tested at this budget"
