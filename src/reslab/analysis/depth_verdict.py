"""Whether making a network deeper degraded it, overfitted it, or did no harm."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reslab.analysis.statistics import Difference, compare_means

Verdict = Literal["degradation", "overfitting", "none", "cannot tell"]

METHOD = (
    "Welch's t interval (95 %) of the difference of mean final errors over seeds, deeper minus "
    "shallower. Degradation: the interval of the training error lies above zero. Overfitting: the "
    "interval of the test error lies above zero, and the training error is lower or rises by less "
    "(the interval of the gap between the two lies above zero). At least two seeds at each depth "
    "are needed."
)


@dataclass(frozen=True, kw_only=True)
class FinalErrors:
    """Final errors of one network over its seeds, in the same order."""

    depth: int
    train_error_pct: tuple[float, ...]
    test_error_pct: tuple[float, ...]

    @property
    def gap_pct(self) -> tuple[float, ...]:
        """Test minus training error of each seed."""
        pairs = zip(self.test_error_pct, self.train_error_pct, strict=True)
        return tuple(test - train for test, train in pairs)


@dataclass(frozen=True, kw_only=True)
class DepthComparison:
    """A deeper network against a shallower one of the same family."""

    shallow_depth: int
    deep_depth: int
    train: Difference
    """Change of the training error, in percentage points."""
    test: Difference
    """Change of the test error, in percentage points."""
    gap: Difference
    """Change of test minus training error, in percentage points."""
    verdict: Verdict


def compare_depths(shallow: FinalErrors, deep: FinalErrors) -> DepthComparison:
    """Compare a deeper network with a shallower one."""
    train = compare_means(shallow.train_error_pct, deep.train_error_pct)
    test = compare_means(shallow.test_error_pct, deep.test_error_pct)
    gap = compare_means(shallow.gap_pct, deep.gap_pct)
    return DepthComparison(
        shallow_depth=shallow.depth,
        deep_depth=deep.depth,
        train=train,
        test=test,
        gap=gap,
        verdict=judge(train, test, gap),
    )


def judge(train: Difference, test: Difference, gap: Difference) -> Verdict:
    """Name what the changes of training error, test error and their gap show; see `METHOD`."""
    if train.low is None or test.low is None:
        return "cannot tell"
    if train.is_higher:
        return "degradation"
    if test.is_higher:
        # A training error that may be as much higher would explain the test error as well.
        return "overfitting" if train.mean <= 0 or gap.is_higher else "cannot tell"
    return "none"


def compare_family(errors: Sequence[FinalErrors]) -> DepthComparison | None:
    """Compare the deepest of a family with the shallowest; None with fewer than two depths."""
    ordered = sorted(errors, key=lambda e: e.depth)
    return compare_depths(ordered[0], ordered[-1]) if len(ordered) > 1 else None
