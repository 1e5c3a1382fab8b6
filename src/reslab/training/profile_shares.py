"""From a profiler's events to shares of a step's time: by layer and by kind of work.

Every moment is counted once: each event contributes its own time, without that of the events
inside it. An operation of the backward pass belongs to the layer whose forward operation it
differentiates; autograd gives both the same number.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple

STEP_RANGE = "reslab.step"
LAYER_RANGE = "reslab.layer:"
NETWORK = "network"
_BACKWARD_RANGE = "autograd::engine::evaluate_function: "
_OPTIMISER_RANGE = "Optimizer."

Direction = Literal["forward", "backward"]
Event = Any
"""A `torch.autograd.profiler_util.FunctionEvent`, which PyTorch does not type."""


@dataclass(frozen=True, kw_only=True)
class TimeShare:
    """Where part of a step's time goes."""

    name: str
    forward_ms: float
    """Milliseconds of one step outside the backward pass."""
    backward_ms: float
    pct: float
    """Of all that was measured."""


class Part(NamedTuple):
    """The time of one event, and what it was spent on."""

    place: str
    """A layer's path, or one of `loss`, `optimiser`, `data and augmentation`, `bookkeeping` (sums,
    gradients) and `between operations`."""
    kind: str
    """A type of layer, `relu`, `addition`, `other`, `python`, or as `place`."""
    direction: Direction
    ms: float


def divide_time(events: Sequence[Event], kinds: Mapping[str, str], *, on_gpu: bool) -> list[Part]:
    """Say of each event in the steps what its time was spent on.

    Args:
        events: of a profile in which each step is a range `STEP_RANGE`, and each module's forward
            pass a range `LAYER_RANGE` and the module's path (`NETWORK` for the whole).
        kinds: type of each layer, by its path.
        on_gpu: count the time of the GPU's kernels rather than the host's.
    """
    host = [event for event in events if event.device_type.name == "CPU"]
    host.sort(key=lambda event: event.time_range.start)
    origins: dict[tuple[int, int], tuple[str, str]] = {}
    parts, backward = [], []
    for event, chain in _inside_steps(host):
        spent_on = _classify(chain, kinds)
        # What autograd ignores carries the number of the next operation, which overwrites it.
        origins[event.thread, event.sequence_nr] = spent_on
        parts.append(Part(*spent_on, "forward", _own_ms(event, on_gpu=on_gpu)))
    for event, node in _inside_backward(host):
        spent_on = origins.get((node.fwd_thread, node.sequence_nr), ("bookkeeping", "bookkeeping"))
        backward.append(Part(*spent_on, "backward", _own_ms(event, on_gpu=on_gpu)))
    return parts + backward


def add_up(parts: Sequence[Part], key: Callable[[Part], str], steps: int) -> list[TimeShare]:
    """Sum the parts that have the same key, in the order in which the keys first occur."""
    sums: dict[str, dict[Direction, float]] = {}
    for part in parts:
        of_key = sums.setdefault(key(part), {"forward": 0.0, "backward": 0.0})
        of_key[part.direction] += part.ms / steps
    total = sum(part.ms for part in parts) / steps
    return [
        TimeShare(
            name=name,
            forward_ms=of_key["forward"],
            backward_ms=of_key["backward"],
            pct=100 * sum(of_key.values()) / total,
        )
        for name, of_key in sums.items()
        if sum(of_key.values()) > 0
    ]


def _inside_steps(host: Sequence[Event]) -> Iterator[tuple[Event, list[Event]]]:
    """Events of the steps outside the backward pass, each with its ancestors."""
    for event in host:
        chain = _chain(event)
        is_backward = any(above.name.startswith(_BACKWARD_RANGE) for above in chain)
        if not is_backward and chain[-1].name == STEP_RANGE:
            yield event, chain


def _inside_backward(host: Sequence[Event]) -> Iterator[tuple[Event, Event]]:
    """Events of the backward pass, on whichever thread, each with its node of the graph."""
    for event in host:
        for above in _chain(event):
            if above.name.startswith(_BACKWARD_RANGE):
                yield event, above


def _chain(event: Event) -> list[Event]:
    """The event, the one around it, …, and the outermost."""
    chain = [event]
    while chain[-1].cpu_parent is not None:
        chain.append(chain[-1].cpu_parent)
    return chain


def _classify(chain: Sequence[Event], kinds: Mapping[str, str]) -> tuple[str, str]:
    """Place and kind of the first of a chain that ends in a step."""
    names = [event.name for event in chain]
    if any(name.startswith(_OPTIMISER_RANGE) for name in names):
        return "optimiser", "optimiser"
    if names[0].startswith(LAYER_RANGE):
        return names[0].removeprefix(LAYER_RANGE), "python"
    for inner, outer in pairwise(names):
        if outer.startswith(LAYER_RANGE):
            place = outer.removeprefix(LAYER_RANGE)
            return place, kinds.get(place) or _kind_of(inner)
    return _classify_outside(chain)


def _classify_outside(chain: Sequence[Event]) -> tuple[str, str]:
    if len(chain) == 1:
        return "between operations", "python"
    outermost, step = chain[-2:]
    if "cross_entropy" in outermost.name:
        return "loss", "loss"
    networks = [e for e in step.cpu_children if e.name == LAYER_RANGE + NETWORK]
    is_before = outermost.time_range.start < min(e.time_range.start for e in networks)
    return ("data and augmentation",) * 2 if is_before else ("bookkeeping",) * 2


def _kind_of(operation: str) -> str:
    """What an operation between the layers is for."""
    if "relu" in operation:
        return "relu"
    return "addition" if operation.startswith("aten::add") else "other"


def _own_ms(event: Event, *, on_gpu: bool) -> float:
    own = event.self_device_time_total if on_gpu else event.self_cpu_time_total
    return float(own) / 1000
