"""What making a net deeper did to it, judged from the ends of both nets' curves."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reslab.analysis.diagnosis_features import EndOfSeries, Features
from reslab.analysis.diagnosis_net import MeasuredNet, Verdict
from reslab.analysis.statistics import CONFIDENCE, Difference, compare_with_allowance

TRAIN_IMAGES, TEST_IMAGES = 2_500, 7_000
"""Seeds are allowed to scatter like a proportion measured on so many images: 0.44 points at a
training error of 5 %, 0.32 at a test error of 8 %. The paper's five ResNet-110 scatter by 0.16
about 6.61 % (Table 6), as on 24,000."""
MATTERS_POINTS, MATTERS_SHARE = 0.3, 0.05
"""A rise below this, in points and as a share of the shallower net's error, is not a problem."""
TOLERATED_POINTS, TOLERATED_SHARE = 1.5, 0.25
"""No problem is said where the intervals exclude a rise above this."""
EXPLAINED_SHARE = 0.5
"""Degradation: the training error rises by at least this share of what the test error rises by;
overfitting: by less."""
MIN_POINTS_OF_ONE_SEED = 15
"""Test errors that a single seed must have been measured for."""

METHOD = (
    f"Errors are means over the last 15 % of each run. Intervals ({CONFIDENCE:.0%}, shared out "
    "over the comparisons made) are Welch's, with the seeds' spread drawn towards what is allowed "
    f"for: that of a proportion measured on {TRAIN_IMAGES:,} images (training) or "
    f"{TEST_IMAGES:,} (test) and the curve's own standard error, corrected for neighbours that "
    "resemble each other. The allowance counts as four seeds and is all there is for a single "
    "one. Degradation: the interval of the training error's change lies above what matters "
    f"({MATTERS_POINTS} points and {MATTERS_SHARE:.0%}), the change is at least half of the test "
    "error's, and is not about to close. Overfitting: the same of the test error, and the "
    "training error changes by less than half of it. No problem: both intervals lie below "
    f"{TOLERATED_POINTS} points or {TOLERATED_SHARE:.0%}."
)


@dataclass(frozen=True, kw_only=True)
class DepthJudgement:
    """A deeper net against a shallower one."""

    shallow: MeasuredNet
    deep: MeasuredNet
    train: Difference
    """Change of the training error from shallow to deep, in percentage points."""
    test: Difference
    """Change of the test error."""
    closing: float
    """How much the difference of training errors shrank within the last 30 % of the runs."""
    verdict: Verdict
    reason: str
    """Why, in a clause."""

    @property
    def deeper_is_better(self) -> bool:
        """Whether the deeper net errs less on both sets, by more than chance."""
        return self.train.is_lower and self.test.is_lower


def judge_depths(nets: Sequence[MeasuredNet]) -> list[DepthJudgement]:
    """Compare each depth with the next, and the deepest with the shallowest.

    Args:
        nets: from shallow to deep; those without a curve to measure are passed over.
    """
    measured = [net for net in nets if net.features]
    pairs = list(pairwise(measured))
    if len(measured) > 2:
        pairs.append((measured[0], measured[-1]))
    confidence = 1 - (1 - CONFIDENCE) / max(len(pairs), 1)
    return [judge_pair(shallow, deep, confidence) for shallow, deep in pairs]


def judge_pair(
    shallow: MeasuredNet, deep: MeasuredNet, confidence: float = CONFIDENCE
) -> DepthJudgement:
    """Compare a deeper net with a shallower one, each with at least one measured seed."""
    train = _compare(shallow, deep, lambda f: f.train, TRAIN_IMAGES, confidence)
    test = _compare(shallow, deep, lambda f: f.test, TEST_IMAGES, confidence)
    closing = _mean_fall(deep) - _mean_fall(shallow)
    verdict, reason = _judge(shallow, deep, train, test, closing)
    return DepthJudgement(
        shallow=shallow,
        deep=deep,
        train=train,
        test=test,
        closing=closing,
        verdict=verdict,
        reason=reason,
    )


def _judge(
    shallow: MeasuredNet, deep: MeasuredNet, train: Difference, test: Difference, closing: float
) -> tuple[Verdict, str]:
    too_little = _find_too_little(shallow, deep)
    if too_little:
        return "cannot tell", too_little
    base_train, base_test = np.mean(shallow.train_levels()), np.mean(shallow.test_levels())
    explained = train.mean >= EXPLAINED_SHARE * test.mean
    if _low(train) > _matters(base_train) and explained:
        return _judge_rise(train, closing, base_train)
    if _low(test) > _matters(base_test) and not explained:
        return (
            "overfitting",
            "the deeper net fits its training data as well and errs more on others",
        )
    if _high(train) < _tolerated(base_train) and _high(test) < _tolerated(base_test):
        if shallow.still_falls or deep.still_falls:
            return "cannot tell", "training errors still fall at the end"
        return "no problem", "neither error is higher by more than chance and what may be tolerated"
    return "cannot tell", "the intervals hold both no rise and one that would matter"


def _judge_rise(
    train: Difference, closing: float, base_train: float | np.floating
) -> tuple[Verdict, str]:
    # Twice what it closed by within the tail: a slower net may need as long again, and more.
    if train.mean - 2 * max(closing, 0.0) < _matters(base_train):
        return "cannot tell", "the deeper net is still catching up"
    return "degradation", "the deeper net fits its own training data worse"


def _find_too_little(shallow: MeasuredNet, deep: MeasuredNet) -> str:
    for net in (shallow, deep):
        if net.is_short:
            return f"the runs of {net.curves.label} are too short"
        if len(net.features) == 1 and net.features[0].points < MIN_POINTS_OF_ONE_SEED:
            return (
                f"{net.curves.label} has one seed with {net.features[0].points} test errors; one "
                f"seed takes at least {MIN_POINTS_OF_ONE_SEED}"
            )
    return ""


def _compare(
    shallow: MeasuredNet,
    deep: MeasuredNet,
    series: Callable[[Features], EndOfSeries],
    images: int,
    confidence: float,
) -> Difference:
    values = [[series(f).level.mean for f in net.features] for net in (shallow, deep)]
    spreads = [_allow([series(f) for f in net.features], images) for net in (shallow, deep)]
    return compare_with_allowance(
        values[0], values[1], (spreads[0], spreads[1]), confidence=confidence
    )


def _allow(ends: Sequence[EndOfSeries], images: int) -> float:
    """The spread of a seed's end that is allowed for: between seeds, and within its curve."""
    mean = min(max(float(np.mean([end.level.mean for end in ends])), 0.05), 99.95)
    between = mean * (100 - mean) / images
    within = float(np.mean([end.level.standard_error**2 for end in ends]))
    return math.sqrt(between + within)


def _mean_fall(net: MeasuredNet) -> float:
    return float(np.mean([f.train.fall for f in net.features]))


def _matters(base: float | np.floating) -> float:
    return max(MATTERS_POINTS, MATTERS_SHARE * float(base))


def _tolerated(base: float | np.floating) -> float:
    return max(TOLERATED_POINTS, TOLERATED_SHARE * float(base))


def _low(difference: Difference) -> float:
    return -math.inf if difference.low is None else difference.low


def _high(difference: Difference) -> float:
    return math.inf if difference.high is None else difference.high
