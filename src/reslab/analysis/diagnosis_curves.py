"""What a diagnosis reads: errors of nets as they trained, whatever wrote them down."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Quantity = Literal["error", "loss"]
"""What the curves hold: errors in percent, or losses in percent of the highest first one."""

MAX_POINTS = 400


@dataclass(frozen=True, kw_only=True)
class Series:
    """Values measured at some steps."""

    steps: tuple[float, ...]
    """Increasing; steps or epochs."""
    values: tuple[float, ...]
    """Finite; as many as steps."""

    def __post_init__(self) -> None:
        if len(self.steps) != len(self.values):
            raise ValueError(f"{len(self.steps)} steps, but {len(self.values)} values")

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def x(self) -> NDArray[np.float64]:
        """The steps, [n]."""
        return np.asarray(self.steps)

    @property
    def y(self) -> NDArray[np.float64]:
        """The values, [n]."""
        return np.asarray(self.values)

    def thin(self) -> "Series":
        """Means over neighbours where there are more than `MAX_POINTS`, as in logs of every step.

        The mean of a bin stands at its last step: what a log says there covers the steps before.
        """
        if len(self) <= MAX_POINTS:
            return self
        bins = np.array_split(np.arange(len(self)), MAX_POINTS)
        return Series(
            steps=tuple(float(self.steps[b[-1]]) for b in bins),
            values=tuple(float(self.y[b].mean()) for b in bins),
        )

    def scale(self, factor: float) -> "Series":
        """Every value times `factor`."""
        return Series(steps=self.steps, values=tuple(value * factor for value in self.values))


NOTHING = Series(steps=(), values=())


@dataclass(frozen=True, kw_only=True)
class TrainingCurve:
    """One training of one net."""

    name: str
    """Where it came from, for a person."""
    train: Series
    """Training error in percent (or loss, see `quantity`)."""
    test: Series
    """Error in percent on images not trained on."""
    learning_rate: Series = NOTHING
    """Empty where it was not written down."""
    lost_at: float | None = None
    """The step from which the loss was no longer a number, None if it always was one."""
    epochs: float | None = None
    """How often each training image was seen; None where it is not known."""
    quantity: Quantity = "error"
    notes: tuple[str, ...] = ()
    """What reading had to assume."""

    @property
    def first_step(self) -> float:
        """The first step with a measurement; 0 without any."""
        return min((s.steps[0] for s in (self.train, self.test) if s.steps), default=0.0)

    @property
    def last_step(self) -> float:
        """The last step with a measurement; 0 without any."""
        return max((s.steps[-1] for s in (self.train, self.test) if s.steps), default=0.0)


@dataclass(frozen=True, kw_only=True)
class NetCurves:
    """One net, over its seeds."""

    depth: int | None
    """Weighted layers; None where only one net is diagnosed and its depth is not known."""
    seeds: tuple[TrainingCurve, ...]
    """At least one."""

    @property
    def label(self) -> str:
        """How the evidence names it."""
        return "the net" if self.depth is None else f"{self.depth} layers"

    @property
    def quantity(self) -> Quantity:
        """Of its curves, which all agree."""
        return self.seeds[0].quantity


@dataclass(frozen=True, kw_only=True)
class Family:
    """Nets that differ in depth alone, from shallow to deep."""

    name: str
    """Empty where nothing is known but the depths."""
    nets: tuple[NetCurves, ...]
    """At least one."""


def share_loss_scale(curves: Sequence[TrainingCurve]) -> list[TrainingCurve]:
    """Losses in percent of the highest first training loss of all curves, so that they compare."""
    firsts = [curve.train.values[0] for curve in curves if curve.train.values]
    highest = max(firsts, default=0.0)
    if highest <= 0:
        return list(curves)
    factor = 100 / highest
    return [
        replace(curve, train=curve.train.scale(factor), test=curve.test.scale(factor))
        for curve in curves
    ]
