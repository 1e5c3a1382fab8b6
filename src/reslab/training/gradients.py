"""Gradients summed over the ranks of a run while the backward pass still computes."""

from contextlib import AbstractContextManager, nullcontext
from inspect import signature
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

# PyTorch 2.13 renamed the option.
COPY_BUFFERS = "forward_sync_buffers"
if COPY_BUFFERS not in signature(DistributedDataParallel).parameters:
    COPY_BUFFERS = "broadcast_buffers"


def share_gradients(network: nn.Module) -> nn.Module:
    """The same network, whose backward pass leaves the sum of all ranks' gradients.

    Several parameters' gradients make one message, sent as soon as the last of them is there. BN's
    running statistics stay each rank's own.

    Args:
        network: on this rank's device, the same on all. Compiled, it gives all its gradients at
            the end, and nothing is left to overlap with.
    """
    keep: dict[str, Any] = {COPY_BUFFERS: False}
    shared = DistributedDataParallel(network, gradient_as_bucket_view=True, **keep)
    shared.register_comm_hook(None, _add_up)
    return shared


def summing(network: nn.Module, *, last: bool) -> AbstractContextManager[None]:
    """Within it the backward pass sums over the ranks if it is the step's last, else here only."""
    if isinstance(network, DistributedDataParallel) and not last:
        return network.no_sync()
    return nullcontext()


def _add_up(
    _: None,
    bucket: dist.GradBucket,  # type: ignore[name-defined]
) -> torch.futures.Future[Tensor]:
    """The sum, where PyTorch would take the mean: the losses are weighted already, exactly."""
    work = dist.all_reduce(bucket.buffer(), async_op=True)
    total: torch.futures.Future[Tensor] = work.get_future().then(lambda done: done.value()[0])
    return total
