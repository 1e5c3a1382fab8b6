"""Activation checkpointing: less memory for a very deep net, more time (Chen et al. 2016).

A stage of n blocks is cut into about √n segments. Only each segment's input is kept; the backward
pass computes the segment anew before it needs what lies within. That makes ResNet-1202 fit, for one
forward pass more a step.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def split_into_segments(blocks: int) -> list[range]:
    """Positions of a stage's blocks, in ⌈√blocks⌉ consecutive segments of about equal length."""
    count = math.isqrt(blocks - 1) + 1
    return [range(blocks * i // count, blocks * (i + 1) // count) for i in range(count)]


def run_checkpointed(blocks: Sequence[nn.Module], x: Tensor) -> Tensor:
    """The blocks one after another, keeping only the segments' inputs for the backward pass.

    Output, gradients and BN's running statistics are those of the plain pass to the bit; random
    numbers are drawn again as they were.

    Args:
        blocks: of one stage.
        x: [B, C, H, W].
    """
    for positions in split_into_segments(len(blocks)):
        x = _run_segment(nn.Sequential(*blocks[positions.start : positions.stop]), x)
    return x


def _run_segment(segment: nn.Sequential, x: Tensor) -> Tensor:
    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _buffers_unchanged(segment)

    out: Tensor
    if torch.compiler.is_compiling():
        # The compiler takes no such contexts, and computes again only what writes nothing.
        out = checkpoint(segment, x, use_reentrant=False)
    else:
        out = checkpoint(segment, x, use_reentrant=False, context_fn=contexts)
    return out


@contextmanager
def _buffers_unchanged(segment: nn.Module) -> Iterator[None]:
    """Put BN's running statistics back, which have followed this batch already."""
    kept = [(buffer, buffer.clone()) for buffer in segment.buffers()]
    try:
        yield
    finally:
        for buffer, value in kept:
            buffer.copy_(value)
