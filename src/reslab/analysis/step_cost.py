"""What a training step costs by formula: memory, arithmetic, traffic, exchange of gradients."""

import math
from dataclasses import dataclass

from reslab.networks.activation_memory import count_activation_bytes
from reslab.networks.complexity import Layer, describe_network
from reslab.networks.config import NetworkConfig

# Output, gradient of the input, gradient of the weights.
PASSES = 3
BACKWARD_SHARE = 2 / 3
# Maps of its size that a layer reads or writes in a step, operation by operation. BN: forward it
# reads its input twice and writes once; backward it reads input and gradient twice and writes once.
# ReLU in place: forward reads and writes; backward reads two and writes one.
BATCH_NORM_MAPS = 8
RELU_MAPS = 5
# An addition reads two and writes one; its backward pass hands on what it gets.
ADDITION_MAPS = 3
# Weights are read by both passes, gradients written by the backward pass; the update reads weight,
# gradient and momentum and writes weight and momentum.
WEIGHT_NUMBERS = 8
BUCKET_BYTES = 25 * 2**20
"""Gradients are exchanged in pieces of so much, each as soon as it is there (PyTorch's default)."""


@dataclass(frozen=True, kw_only=True)
class StepMemory:
    """Bytes at the step's highest point."""

    parameters: int
    """Weights, and their copy in half precision where that multiplies."""
    gradients: int
    optimiser: int
    """SGD's momentum."""
    activations: int
    """Kept from the forward pass for the backward pass."""
    workspace: int
    """Gradients of maps: two of the largest."""

    @property
    def total(self) -> int:
        """All of them."""
        kept = self.parameters + self.gradients + self.optimiser
        return kept + self.activations + self.workspace


def count_step_memory(
    config: NetworkConfig, batch_size: int, *, half: bool = False, recompute: bool = False
) -> StepMemory:
    """Memory of a step on `batch_size` images.

    Args:
        config: the network.
        batch_size: images on the device.
        half: whether maps are kept in two bytes a number, not four.
        recompute: whether blocks are computed anew for the backward pass.
    """
    described = describe_network(config)
    size = 2 if half else 4
    largest = max(layer.out_channels * layer.output_size**2 for layer in described.layers)
    return StepMemory(
        parameters=described.params * (6 if half else 4),
        gradients=described.params * 4,
        optimiser=described.params * 4,
        activations=count_activation_bytes(
            config, batch_size, size, checkpoint_activations=recompute
        ),
        workspace=2 * largest * batch_size * size,
    )


@dataclass(frozen=True, kw_only=True)
class StepWork:
    """What a step has to do, apart from how fast."""

    macs: int
    """Multiply-adds of forward and backward pass, for one image."""
    numbers: int
    """Numbers of maps read and written, for one image."""
    weight_numbers: int
    """Numbers of weights, gradients and momentum read and written, whatever the batch."""
    layers: int
    """Layers, each of which has to be started."""

    def count_bytes(self, batch_size: int, *, half: bool = False) -> int:
        """Bytes read and written in a step; weights stay in four bytes a number."""
        return self.numbers * batch_size * (2 if half else 4) + 4 * self.weight_numbers


def count_step_work(config: NetworkConfig, *, recompute: bool = False) -> StepWork:
    """The work of a step; `recompute` adds a forward pass."""
    described = describe_network(config)
    layers = described.layers
    again = 1 + 1 / PASSES if recompute else 1.0
    blocks = sum(config.blocks_per_stage)
    macs = sum((PASSES - (layer.name == "conv1")) * layer.macs for layer in layers)
    numbers = sum(map(_count_numbers, layers))
    if config.family == "residual":
        numbers += _count_additions(layers)
    return StepWork(
        macs=round(again * macs),
        numbers=round(again * numbers),
        weight_numbers=WEIGHT_NUMBERS * described.params,
        layers=len(layers) + blocks,
    )


def _count_numbers(layer: Layer) -> int:
    out = layer.out_channels * layer.output_size**2
    if layer.type == "batch_norm":
        has_relu = ".downsample" not in layer.name
        return out * (BATCH_NORM_MAPS + RELU_MAPS * has_relu)
    side = layer.output_size * (layer.stride or 1)
    return PASSES * (layer.in_channels * side**2 + out)


def _count_additions(layers: tuple[Layer, ...]) -> int:
    """A residual block ends with an addition: behind the last BN of each block."""
    blocks: dict[str, Layer] = {}
    for layer in layers:
        if layer.name.startswith("layer") and layer.type == "batch_norm":
            blocks[".".join(layer.name.split(".")[:2])] = layer
    return ADDITION_MAPS * sum(x.out_channels * x.output_size**2 for x in blocks.values())


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How fast a device works."""

    macs_per_second: float
    bytes_per_second: float
    """Of maps and weights read and written."""
    seconds_per_layer: float = 0.0
    """What each layer costs in a step besides, however small."""

    def seconds(self, work: StepWork, batch_size: int, *, half: bool = False) -> float:
        """Time of a step on one device: arithmetic, traffic, and starting the layers."""
        arithmetic = work.macs * batch_size / self.macs_per_second
        traffic = work.count_bytes(batch_size, half=half) / self.bytes_per_second
        return arithmetic + traffic + work.layers * self.seconds_per_layer


@dataclass(frozen=True, kw_only=True)
class Ring:
    """GPUs that exchange gradients by a ring all-reduce."""

    gpus: int
    """In all machines."""
    bandwidth: float
    """Bytes a second of the slowest link; between machines, of all their adapters together."""
    latency_seconds: float
    """Of each of the 2·(N − 1) rounds."""

    def seconds(self, size: float) -> float:
        """Time to sum `size` bytes over all: 2·(N − 1)/N times them through the slowest link."""
        if self.gpus == 1:
            return 0.0
        pieces = math.ceil(size / BUCKET_BYTES)
        rounds = 2 * (self.gpus - 1)
        return rounds / self.gpus * size / self.bandwidth + pieces * rounds * self.latency_seconds

    def exposed_seconds(self, size: float, compute_seconds: float) -> float:
        """What is left of it behind the backward pass, with which it overlaps.

        The last piece is there only when the backward pass has ended.
        """
        last = self.seconds(min(size, BUCKET_BYTES))
        return max(self.seconds(size) - BACKWARD_SHARE * compute_seconds, last)
