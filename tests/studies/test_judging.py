import pytest

from reslab.analysis.statistics import Difference
from reslab.studies.findings import ClaimVerdict
from reslab.studies.judging import judge_all, judge_lower, judge_within

YES: ClaimVerdict = "reproduced"
NO: ClaimVerdict = "not reproduced"
OPEN: ClaimVerdict = "not tested at this budget"


def between(low: float | None, high: float | None) -> Difference:
    return Difference(mean=0.0, low=low, high=high, n_a=3, n_b=3)


@pytest.mark.parametrize(
    ("low", "high", "lower", "within"),
    [
        (-3.0, -1.0, YES, YES),
        (-1.0, 0.4, OPEN, YES),
        (-1.0, 3.0, OPEN, OPEN),
        (0.1, 0.4, NO, YES),
        (0.6, 3.0, NO, NO),
        (None, None, OPEN, OPEN),
    ],
)
def test_an_interval_decides_only_where_it_is_clear_of_the_bound(
    low: float | None, high: float | None, lower: ClaimVerdict, within: ClaimVerdict
) -> None:
    change = between(low, high)
    assert judge_lower(change) == lower
    assert judge_within(change, 0.5) == within
    assert judge_lower(change, tested=False) == judge_within(change, 0.5, tested=False) == OPEN


def test_one_refutation_is_enough_and_one_gap_leaves_it_open() -> None:
    assert judge_all([YES, YES]) == YES
    assert judge_all([YES, OPEN]) == OPEN
    assert judge_all([YES, OPEN, NO]) == NO
    assert judge_all([]) == OPEN
