"""What a training step costs at least: by its arithmetic, and by its bytes through memory.

Arithmetic: 3 passes (output, gradient of the input, gradient of the weights) of 2 operations for
each multiply-add. Bytes: of each map that the step keeps, and of its gradient, 7 passes: where
convolutions and normalisations are kernels of their own, each fused with what is done element by
element, a convolution's output is written once and read four times (statistics; normalisation;
both again backward), its gradient written once and read twice; a ReLU's output, and its gradient,
written once and read twice each; the mean of 8 and 6. Of each weight 8 float32: read forward and
backward, its gradient, momentum and value written and read. Maps that fit a cache pass through it
faster than through memory.
"""

from dataclasses import dataclass
from typing import Any

from reslab.networks.activation_memory import count_activation_bytes
from reslab.networks.complexity import describe_network
from reslab.networks.config import NetworkConfig
from reslab.training.recipe import Precision

ARITHMETIC_PASSES = 3
MAP_PASSES = 7
WEIGHT_BYTES = 8 * 4
BYTES_PER_NUMBER: dict[Precision, int] = {"float32": 4, "tf32": 4, "bfloat16": 2}


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The least time of one step on a machine."""

    operations: float
    """Additions and multiplications."""
    traffic_bytes: float
    arithmetic_seconds: float
    memory_seconds: float

    @property
    def seconds(self) -> float:
        """The higher of the two."""
        return max(self.arithmetic_seconds, self.memory_seconds)

    @property
    def bound_by(self) -> str:
        """Which one that is."""
        return "arithmetic" if self.arithmetic_seconds >= self.memory_seconds else "memory"


def compute_floor(
    network: NetworkConfig, batch: int, precision: Precision, peaks: dict[str, Any]
) -> Floor:
    """The floor of a step, at the speeds that the machine itself reached.

    Args:
        network: what trains.
        batch: images in the step.
        precision: of its products.
        peaks: as `training_worker.py` measures them.
    """
    described = describe_network(network)
    macs = ARITHMETIC_PASSES * described.macs * batch
    kept_bytes = count_activation_bytes(network, batch, BYTES_PER_NUMBER[precision])
    traffic_bytes = MAP_PASSES * kept_bytes + WEIGHT_BYTES * described.params
    copied = max(peaks["copied_bytes_per_second"].items(), key=lambda item: int(item[0]))[1]
    return Floor(
        operations=2 * macs,
        traffic_bytes=traffic_bytes,
        arithmetic_seconds=macs / peaks["macs_per_second"][precision],
        memory_seconds=traffic_bytes / copied,
    )
