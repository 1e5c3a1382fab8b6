"""What a building block costs: counted, and measured on this machine (He et al. 2016, §4.1)."""

import statistics
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from reslab.analysis.subject import Subject
from reslab.networks.blocks import find_block
from reslab.networks.complexity import trace_layers


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


def count_block(shape: BlockShape) -> tuple[int, int]:
    """Parameters and multiply-adds of a block, for one image."""
    with torch.device("meta"):
        x = torch.empty(1, shape.channels, shape.size, shape.size)
        layers = trace_layers(shape.build(), x)
    return sum(layer.params for layer in layers), sum(layer.macs for layer in layers)


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
        For each name `milliseconds`, the median, with the fastest and slowest; and `kept_bytes`,
        what the forward pass keeps for the backward pass, parameters not counted.
    """
    prepared = {name: _prepare(shape, batch_size, subject.device) for name, shape in shapes.items()}
    seconds: dict[str, list[float]] = {name: [] for name in shapes}
    for _ in range(rounds + 1):
        for name, (block, x) in prepared.items():
            seconds[name].append(_time_once(block, x))
    return {
        name: {
            "milliseconds": 1e3 * statistics.median(times[1:]),
            "fastest": 1e3 * min(times[1:]),
            "slowest": 1e3 * max(times[1:]),
            "kept_bytes": count_kept_bytes(*prepared[name]),
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
    started = time.perf_counter()
    block(x).sum().backward()
    if x.device.type == "cuda":
        torch.cuda.synchronize(x.device)
    return time.perf_counter() - started


def count_kept_bytes(block: nn.Module, x: torch.Tensor) -> int:
    """Bytes of the tensors that a forward pass keeps for the backward pass, each counted once."""
    parameters = {parameter.data_ptr() for parameter in block.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in parameters:
            kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    # The graph has to live, or its memory is given out again under the same address.
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = block(x)
    del output
    return sum(kept.values())
