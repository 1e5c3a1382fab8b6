"""What is wrong with one net as it trained, judged from its own curves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reslab.analysis.diagnosis_curves import NetCurves
from reslab.analysis.diagnosis_features import Features, measure_features

Verdict = Literal[
    "divergence",
    "degradation",
    "overfitting",
    "underfitting",
    "plateau",
    "no problem",
    "cannot tell",
]

MIN_EPOCHS = 10
"""A run that saw its images less often shows how fast it starts, not where it ends."""
MIN_POINTS = 10
"""Test errors measured; fewer do not make a curve."""
LOST_SHARE = 0.5
"""A run that has unlearned this share of what it had learned has diverged."""
RISE_SHARE, RISE_POINTS = 0.12, 1.0
"""Overfitting: the test error ends above its best by this share of it and as many points."""
SURE = 3.5
"""And by as many standard errors, since the best is the lowest of many."""
GAP_POINTS, GAP_RATIO = 30.0, 3.0
"""Or ends this far above the training error, and this many times as high: learned by heart."""
HIGH_ERROR = 25.0
"""A training error that ends above this is high."""
PLATEAU_ERROR = 5.0
"""Below this, a training error that no longer falls leaves little to gain by a lower rate."""
STILL_FALLING_SHARE, STILL_FALLING_POINTS = 0.15, 0.3
"""Between the halves of the last 30 %: a training error that falls by more has not ended."""
UNSURE_SHARE, UNSURE_POINTS = 0.15, 1.0
"""An end known no better than this is too noisy."""
QUIET = 0.02
"""A curve that scatters by less than this share of itself is not held up by too high a rate."""


@dataclass(frozen=True, kw_only=True)
class MeasuredNet:
    """A net's curves and what they show, over the seeds that did not lose their numbers."""

    curves: NetCurves
    features: tuple[Features, ...]

    def train_levels(self) -> list[float]:
        """Training error at the end, by seed."""
        return [f.train.level.mean for f in self.features]

    def test_levels(self) -> list[float]:
        """Test error at the end, by seed."""
        return [f.test.level.mean for f in self.features]

    @property
    def is_short(self) -> bool:
        """Whether some seed ran too short, or was measured too seldom, to show an end."""
        epochs = [curve.epochs for curve in self.curves.seeds if curve.epochs is not None]
        return not self.features or (
            min(f.points for f in self.features) < MIN_POINTS
            or min(epochs, default=math.inf) < MIN_EPOCHS
        )

    @property
    def still_falls(self) -> bool:
        """Whether a training error worth lowering is still on its way down.

        Under a rate that comes down smoothly errors fall to the end, which is then the end.
        """
        if all(f.rates.came_down and f.rates.last_drop is None for f in self.features):
            return False
        fall, level = self._mean("fall"), self._mean("level")
        error = self._mean("fall_error") / math.sqrt(len(self.features))
        return level >= PLATEAU_ERROR and fall > max(
            2 * error, STILL_FALLING_POINTS, STILL_FALLING_SHARE * level
        )

    def _mean(self, name: str) -> float:
        if name == "level":
            return float(np.mean(self.train_levels()))
        return float(np.mean([getattr(f.train, name) for f in self.features]))


@dataclass(frozen=True, kw_only=True)
class NetJudgement:
    """What one net's own curves show."""

    net: MeasuredNet
    verdict: Verdict
    reason: str
    """The numbers behind it, in a clause."""


def measure_net(net: NetCurves) -> MeasuredNet:
    """Measure all seeds of a net that can be measured."""
    found = [measure_features(curve) for curve in net.seeds if curve.lost_at is None]
    return MeasuredNet(curves=net, features=tuple(f for f in found if f is not None))


def judge_net(net: MeasuredNet) -> NetJudgement:
    """Name what one net's curves show; see the constants of this module for the bounds."""
    for judge in (_judge_divergence, _judge_length, _judge_overfitting, _judge_end):
        found = judge(net)
        if found is not None:
            return NetJudgement(net=net, verdict=found[0], reason=found[1])
    return NetJudgement(net=net, verdict="no problem", reason=_describe_end(net))


Found = tuple[Verdict, str] | None


def _judge_divergence(net: MeasuredNet) -> Found:
    lost = [curve for curve in net.curves.seeds if curve.lost_at is not None]
    if lost:
        return "divergence", (
            f"{_of_seeds(len(lost), net)} no longer had a number for its loss from step "
            f"{lost[0].lost_at:g} on"
        )
    unlearned = [f for f in net.features if has_unlearned(f)]
    if not unlearned:
        return None
    train = unlearned[0].train
    return "divergence", (
        f"in {_of_seeds(len(unlearned), net)} the training error rose from "
        f"{train.level.mean - train.rise:.1f} % near step {train.best_step:g} to "
        f"{train.level.mean:.1f} % and stayed there"
    )


def has_unlearned(features: Features) -> bool:
    """Whether the training error has gone back up over half of the way it had come down."""
    train = features.train
    best = train.level.mean - train.rise
    return train.rise > max(LOST_SHARE * (train.start - best), 10.0)


def _judge_length(net: MeasuredNet) -> Found:
    if not net.is_short:
        return None
    points = min((f.points for f in net.features), default=0)
    epochs = [curve.epochs for curve in net.curves.seeds if curve.epochs is not None]
    length = f" over {min(epochs):.3g} epochs" if epochs else ""
    return "cannot tell", (
        f"the curve is short: {points} test errors{length}, where a verdict takes {MIN_POINTS} "
        f"over {MIN_EPOCHS} epochs"
    )


def _judge_overfitting(net: MeasuredNet) -> Found:
    rise = float(np.mean([f.test.rise for f in net.features]))
    best = float(np.mean(net.test_levels())) - rise
    # Every seed's best is a lucky one, so that more seeds do not make their mean rise surer.
    error = float(np.mean([f.test.rise_error for f in net.features]))
    train, train_then = (
        float(np.mean(values))
        for values in (net.train_levels(), [f.train_at_best_test for f in net.features])
    )
    if rise > max(RISE_POINTS, RISE_SHARE * best, SURE * error) and train <= train_then + 0.3:
        step = float(np.median([f.test.best_step for f in net.features]))
        return "overfitting", (
            f"the test error was {best:.1f} % near step {step:g} and ends {rise:.1f} points "
            f"higher, while the training error went from {train_then:.1f} to {train:.1f} %"
        )
    test = best + rise
    if net.curves.quantity == "error" and test - train > GAP_POINTS and test > GAP_RATIO * train:
        return "overfitting", (
            f"the test error ends at {test:.1f} %, {test - train:.0f} points above the training "
            f"error of {train:.1f} %"
        )
    return None


def _judge_end(net: MeasuredNet) -> Found:
    level = float(np.mean(net.train_levels()))
    error = float(np.mean([f.train.level.standard_error for f in net.features]))
    if error / math.sqrt(len(net.features)) > max(UNSURE_POINTS, UNSURE_SHARE * level):
        return "cannot tell", f"the end is noisy: {level:.1f} % give or take {error:.1f}"
    if level < PLATEAU_ERROR:
        return None
    if net.still_falls:
        return "cannot tell", f"the training error still falls at the end, from {level:.1f} %"
    came_down = all(f.rates.came_down for f in net.features)
    if level > HIGH_ERROR and (came_down or _is_quiet(net.features, level)):
        return "underfitting", f"{_describe_end(net)}, and has stopped falling"
    if came_down:
        return None
    return "plateau", (
        f"{_describe_end(net)}, has stopped falling, and the learning rate has not come down"
    )


def _is_quiet(features: Sequence[Features], level: float) -> bool:
    return float(np.mean([f.train.unrest for f in features])) < QUIET * level


def _describe_end(net: MeasuredNet) -> str:
    train, test = float(np.mean(net.train_levels())), float(np.mean(net.test_levels()))
    return f"the training error ends at {train:.1f} % (test {test:.1f} %)"


def _of_seeds(count: int, net: MeasuredNet) -> str:
    n = len(net.curves.seeds)
    return "the run" if n == 1 else f"{count} of {n} seeds"
