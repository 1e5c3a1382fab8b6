"""What a building block costs: counted, and measured on this machine (He et al. 2016, §4.1)."""

import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from reslab.analysis.subject import Subject
from reslab.networks.activation_memory import count_kept
from reslab.networks.blocks import find_block
from reslab.networks.complexity import Layer, describe_network, trace_layers
from reslab.networks.config import NetworkConfig


@dataclass(frozen=True, kw_only=True)
class BlockShape:
    """A block of Fig. 5 that keeps its dimensions."""

    block: str
    channels: int
    """In and out."""
    width: int
    """Of its 3×3 convolutions."""
    shortcut: str
    size: int
    """Height and width of the maps."""

    def build(self) -> nn.Module:
        """The block itself."""
        return find_block(self.block)(self.channels, self.width, 1, self.shortcut)


def list_block_layers(shape: BlockShape) -> tuple[Layer, ...]:
    """The layers of a block with their parameters and multiply-adds, for one image."""
    with torch.device("meta"):
        x = torch.empty(1, shape.channels, shape.size, shape.size)
        return trace_layers(shape.build(), x)


def count_block(shape: BlockShape) -> tuple[int, int]:
    """Parameters and multiply-adds of a block, for one image."""
    layers = list_block_layers(shape)
    return sum(layer.params for layer in layers), sum(layer.macs for layer in layers)


def count_kept_bytes(shape: BlockShape, batch_size: int, bytes_per_number: int = 4) -> int:
    """Bytes that a block's forward pass keeps for its backward pass, by formula.

    Its input, and what each layer keeps, counted as for whole networks.
    """
    kept = sum(
        count_kept(layer, batch_size, bytes_per_number) for layer in list_block_layers(shape)
    )
    return bytes_per_number * batch_size * shape.channels * shape.size**2 + kept


@dataclass(frozen=True, kw_only=True)
class BlockCost:
    """What one block of a network costs."""

    name: str
    """Its path, such as `layer1.0`."""
    params: int
    macs: int
    """Multiply-adds for one image."""


def list_blocks(config: NetworkConfig) -> list[BlockCost]:
    """Every block of a network with its costs, in order; stem and head belong to none."""
    costs: dict[str, list[Layer]] = {}
    for layer in describe_network(config).layers:
        if layer.name.startswith("layer"):
            costs.setdefault(".".join(layer.name.split(".")[:2]), []).append(layer)
    return [
        BlockCost(
            name=name,
            params=sum(layer.params for layer in layers),
            macs=sum(layer.macs for layer in layers),
        )
        for name, layers in costs.items()
    ]


def measure_block_costs(
    subject: Subject, *, shapes: dict[str, BlockShape], batch_size: int, rounds: int
) -> dict[str, Any]:
    """Time and kept memory of each block's forward and backward pass, in interleaved rounds.

    Args:
        subject: whose device is used; no net of it is.
        shapes: the blocks by name.
        batch_size: images.
        rounds: measurements of each block, the first of which is not counted.

    Returns:
        For each name `milliseconds` of each round, and `kept_bytes`, what the forward pass keeps
        for the backward pass, the block's own tensors not counted.
    """
    prepared = {name: _prepare(shape, batch_size, subject.device) for name, shape in shapes.items()}
    seconds: dict[str, list[float]] = {name: [] for name in shapes}
    for _ in range(rounds + 1):
        for name, (block, x) in prepared.items():
            seconds[name].append(_time_once(block, x))
    return {
        name: {
            "milliseconds": [1e3 * seconds_taken for seconds_taken in times[1:]],
            "kept_bytes": measure_kept_bytes(*prepared[name]),
        }
        for name, times in seconds.items()
    }


def _prepare(
    shape: BlockShape, batch_size: int, device: torch.device
) -> tuple[nn.Module, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(batch_size, shape.channels, shape.size, shape.size, generator=generator)
    x = x.relu().to(device).contiguous(memory_format=torch.channels_last)
    block = shape.build().to(device).train()
    block.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return block, x.requires_grad_()


def _time_once(block: nn.Module, x: torch.Tensor) -> float:
    _wait(x.device)
    started = time.perf_counter()
    torch.autograd.grad(block(x).sum(), [x, *block.parameters()])
    _wait(x.device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def measure_kept_bytes(block: nn.Module, x: torch.Tensor) -> int:
    """Bytes of the tensors that a forward pass keeps for the backward pass, each counted once."""
    own = {tensor.data_ptr() for tensor in (*block.parameters(), *block.buffers())}
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in own:
            kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    # The graph has to live, or its memory is given out again under the same address.
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = block(x)
    del output
    return sum(kept.values())
