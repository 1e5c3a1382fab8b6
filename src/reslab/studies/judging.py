"""Verdicts from intervals: a claim is decided only where its interval is clear of the bound."""

from collections.abc import Iterable

from reslab.analysis.statistics import Difference
from reslab.studies.findings import ClaimVerdict, judge_claim


def judge_lower(change: Difference, *, tested: bool = True) -> ClaimVerdict:
    """The verdict on "this is lower": undecided where the interval holds zero."""
    decided = change.is_lower or change.is_higher
    return judge_claim(holds=change.is_lower, tested=tested and decided)


def judge_higher(change: Difference, *, tested: bool = True) -> ClaimVerdict:
    """The verdict on "this is higher", likewise."""
    decided = change.is_lower or change.is_higher
    return judge_claim(holds=change.is_higher, tested=tested and decided)


def judge_within(change: Difference, bound: float, *, tested: bool = True) -> ClaimVerdict:
    """The verdict on "this is higher by at most `bound`": undecided where the interval holds it.

    That two means do not differ significantly does not show that they agree; an interval that
    ends below the bound does.
    """
    if change.low is None or change.high is None:
        return judge_claim(holds=False, tested=False)
    decided = change.high <= bound or change.low > bound
    return judge_claim(holds=change.high <= bound, tested=tested and decided)


def judge_all(verdicts: Iterable[ClaimVerdict]) -> ClaimVerdict:
    """The verdict on a claim about several: reproduced if each is, not reproduced if one is not."""
    found = set(verdicts)
    if "not reproduced" in found:
        return "not reproduced"
    return judge_claim(holds=True, tested=found == {"reproduced"})
