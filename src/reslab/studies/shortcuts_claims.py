"""What the paper says of shortcuts A, B and C, judged (He et al. 2016, Table 3, §4.1)."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import permutation_test

from reslab.analysis.statistics import Difference, compare_means
from reslab.networks.complexity import describe_network
from reslab.studies.evidence import Evidence
from reslab.studies.final_errors import points
from reslab.studies.findings import Claim, judge_claim
from reslab.studies.judging import judge_all, judge_lower
from reslab.studies.setting import StudySetting
from reslab.studies.shortcuts_options import BY_OPTION, OPTIONS, choose_network, label_of

Changes = Mapping[tuple[str, str], Difference]
"""Change of the test error from one option to another."""

SMALL_SHARE = 1 / 3
"""Of the gain over no shortcuts: what a difference among options may be and still count as small.
In Table 3 A to C differ by 0.84 of the 3.51 points that A gains, a quarter."""


def compare_all(evidence: Evidence, depth: int) -> dict[tuple[str, str], Difference]:
    """From each option to each later one; an option whose every seed diverged is left out."""
    errors = {o: evidence.final_errors(label_of(depth, o)).test_error_pct for o in OPTIONS}
    pairs = combinations([option for option in OPTIONS if errors[option]], 2)
    return {(a, b): compare_means(errors[a], errors[b]) for a, b in pairs}


def judge_any(changes: Changes, *, tested: bool) -> Claim:
    """Each option against no shortcuts."""
    gains = {b: change for (a, b), change in changes.items() if a == "none"}
    words = "; ".join(f"{option} {points(change)}" for option, change in gains.items())
    return Claim(
        statement="All three options are considerably better than the plain net.",
        where="Table 3",
        verdict=judge_all(judge_lower(change, tested=tested) for change in gains.values()),
        evidence=f"Change of the test error against no shortcuts, in points: {words or 'none'}.",
    )


def judge_kinds(evidence: Evidence, depth: int, changes: Changes, *, tested: bool) -> Claim:
    """The differences among the options against what any of them gains, and against noise."""
    kinds = {pair: change for pair, change in changes.items() if "none" not in pair}
    gains = [change for (a, _), change in changes.items() if a == "none"]
    # Small if the widest interval among them ends within a share of the least certain gain.
    bound = SMALL_SHARE * min((_least(change) for change in gains), default=0.0)
    spans = [_most(change) for change in kinds.values()]
    certain = [_least_either_way(change) for change in kinds.values()]
    holds = bool(spans) and max(spans) <= bound
    refuted = bool(certain) and max(certain) > bound > 0
    words = "; ".join(f"{a} to {b} {points(change)}" for (a, b), change in kinds.items())
    beyond = sum(c.is_lower or c.is_higher for c in kinds.values())
    chance = chance_of_spread(
        [evidence.final_errors(label_of(depth, o)).test_error_pct for o in OPTIONS if o != "none"]
    )
    noise = "" if chance is None else f"; shuffled seeds would spread as far with p = {chance:.2g}"
    return Claim(
        statement="The differences among A, B and C are small: projections are not essential.",
        where="§4.1, Table 3",
        verdict=judge_claim(holds=holds, tested=tested and (holds or refuted)),
        evidence=f"Change of the test error, in points: {words or 'none'}. {beyond} of "
        f"{len(kinds)} differences exceed the seeds' spread{noise}.",
    )


def judge_steps(changes: Changes, *, tested: bool) -> tuple[Claim, ...]:
    """B against A and C against B, which Table 3 has half a point and a third apart."""
    return tuple(
        Claim(
            statement=f"{better} is {how} than {worse}.",
            where="Table 3, §4.1",
            verdict=judge_lower(changes[worse, better], tested=tested)
            if (worse, better) in changes
            else "not tested at this budget",
            evidence=_words_of_step(changes.get((worse, better)), worse, better),
        )
        for worse, better, how in (("A", "B", "slightly better"), ("B", "C", "marginally better"))
    )


def judge_cost_of_a(setting: StudySetting, depth: int) -> Claim:
    """Whether option A is free, counted."""
    plain, a, b, c = (describe_network(choose_network(setting, depth, o)) for o in OPTIONS)
    free = (plain.params, plain.macs) == (a.params, a.macs)
    return Claim(
        statement="Option A is free of parameters; B adds some, C more.",
        where="§3.3, §4.1",
        verdict=judge_claim(holds=free and a.params < b.params < c.params),
        evidence=f"With {depth} layers A adds {a.params - plain.params:,} parameters and "
        f"{a.macs - plain.macs:,} multiply-adds to the plain net's {plain.params:,} and "
        f"{plain.macs:,}; B adds {b.params - plain.params:,} and {b.macs - plain.macs:,}, C "
        f"{c.params - plain.params:,} and {c.macs - plain.macs:,}.",
    )


def chance_of_spread(groups: Sequence[Sequence[float]]) -> float | None:
    """How often means spread as far with the values shuffled among the groups; None if too few."""
    if min(map(len, groups)) < 2:
        return None

    def spread(*shuffled: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        means = np.stack([values.mean(axis=axis) for values in shuffled])
        # Rounded, because equal means in another order must count as equal.
        widths: NDArray[np.float64] = np.round(means.var(axis=0), 9)
        return widths

    arrays = [np.asarray(group) for group in groups]
    test = permutation_test(
        arrays, spread, alternative="greater", vectorized=True, n_resamples=9_999, random_state=0
    )
    return float(test.pvalue)


def _least(gain: Difference) -> float:
    return 0.0 if gain.high is None else max(0.0, -gain.high)


def _most(change: Difference) -> float:
    if change.low is None or change.high is None:
        return float("inf")
    return max(abs(change.low), abs(change.high))


def _least_either_way(change: Difference) -> float:
    if change.low is None or change.high is None:
        return 0.0
    return max(0.0, change.low, -change.high)


def _words_of_step(change: Difference | None, worse: str, better: str) -> str:
    paper = BY_OPTION[better].value - BY_OPTION[worse].value
    ours = "was not trained to an end" if change is None else f"{points(change)} points here"
    return f"From {worse} to {better} {ours}; {paper:+.2f} points in Table 3, on ImageNet."
