"""By how many powers of ten a signal weakens through a net, and whether it has then vanished."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reslab.analysis.statistics import Difference, estimate_mean
from reslab.studies.measuring import Measured

# Chosen before measuring: a signal weakened a thousandfold has vanished; a factor of 0.88 a layer
# does that within 56 layers, and single precision would carry far less.
VANISHED_DECADES = 3.0
ALLOWED_DECADES = 1.0
"""By how much the net of another seed may differ, where a given net stands alone."""

Moment = Mapping[str, Any]
LossOf = Callable[[Moment], float]


def lose_response(moment: Moment) -> float:
    """Decades by which the weakest layer's response is below 1, where BN starts them all."""
    return float(-_logs(moment["forward"]).min())


def lose_gradient(moment: Moment) -> float:
    """Decades that the gradient loses on its way from the last layers to the first."""
    return _from_last_to_first(_logs(moment["backward"]))


def lose_relative_gradient(moment: Moment) -> float:
    """The same of the gradient times the response: what changing a layer by a percentage does.

    The next BN makes the scale of a response arbitrary: if γ and β of a plain net's layer grow
    tenfold, its gradient falls tenfold, and the net is the same.
    """
    return _from_last_to_first(_logs(moment["backward"]) + _logs(moment["forward"]))


def grow_response(moment: Moment) -> float:
    """Decades by which the first layers respond more strongly than the last."""
    return -_from_last_to_first(_logs(moment["forward"]))


def _logs(values: Sequence[float]) -> "np.ndarray":
    return np.asarray(np.log10(np.maximum(values, 1e-300)))


def _from_last_to_first(logs: "np.ndarray") -> float:
    # Three layers at each end, so that none of a peculiar kind decides.
    return float(logs[-3:].mean() - logs[:3].mean())


@dataclass(frozen=True, kw_only=True)
class Situation:
    """One net at one moment, over the seeds."""

    label: str
    step: int | None
    """None for a net that was given."""
    family: str
    depth: int
    moments: tuple[Moment, ...]
    """One for each seed."""

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        if self.step is None:
            return self.label
        return f"{self.label} at step {self.step:,}"

    def estimate(self, loss_of: LossOf, *, confidence: float) -> Difference:
        """Mean decades lost with Student's interval; of one given net, a factor of ten each way."""
        lost = [loss_of(moment) for moment in self.moments]
        change = estimate_mean(lost, confidence=confidence)
        if self.step is None and change.low is None:
            low, high = change.mean - ALLOWED_DECADES, change.mean + ALLOWED_DECADES
            return replace(change, low=low, high=high)
        return change


def list_situations(nets: Sequence[Measured]) -> list[Situation]:
    """Every net at every moment that was measured, in the order of the plan."""
    groups: dict[tuple[str, int | None], list[tuple[Measured, Moment]]] = {}
    for net in nets:
        for moment in net.values["moments"]:
            groups.setdefault((net.label, moment["step"]), []).append((net, moment))
    return [
        Situation(
            label=label,
            step=step,
            family=found[0][0].values["family"],
            depth=found[0][0].values["depth"],
            moments=tuple(moment for _, moment in found),
        )
        for (label, step), found in groups.items()
    ]


def ratio_text(decades_lost: Difference) -> str:
    """`0.0031 [0.0002, 0.05]`: the factor that is left, with its interval."""
    left = f"{10**-decades_lost.mean:.2g}"
    if decades_lost.low is None or decades_lost.high is None:
        return f"{left} (one seed: no interval)"
    return f"{left} [{10**-decades_lost.high:.2g}, {10**-decades_lost.low:.2g}]"
