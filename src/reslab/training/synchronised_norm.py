"""Batch normalisation over the images of several ranks that share a part of the batch.

With the statistics of all their images together, ranks of 64 take the steps of one of 128, to
rounding. On CUDA GPUs PyTorch's own layer does it; it has none for a CPU.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd import Function

from reslab.training.ranks import Ranks


def synchronise_norms(network: nn.Module, ranks: Ranks, parts: int) -> None:
    """Let BN in training see the whole part of a batch, where several ranks share each part.

    Parameters, buffers and their names stay as they are.

    Args:
        network: on its device.
        ranks: of the run, each with those that share its part (`Ranks.join_sharers`).
        parts: of each batch.
    """
    if ranks.count_sharers(parts) == 1:
        return
    group = ranks.part_group or dist.group.WORLD
    on_cuda = next(network.parameters()).is_cuda
    for module in list(network.modules()):
        for name, layer in list(module.named_children()):
            if isinstance(layer, nn.BatchNorm2d):
                other = _convert_for_cuda(layer, group) if on_cuda else _convert(layer, group)
                setattr(module, name, other)


class SynchronisedBatchNorm2d(nn.BatchNorm2d):
    """BN whose training statistics are those of the images of a group of ranks (§3.4).

    y = (x − μ) / √(σ² + ε) · γ + β with μ and σ² over all images and places of a channel. Each rank
    has equally many.
    """

    group: Any = None
    """The ranks that share each part."""

    def forward(self, images: Tensor) -> Tensor:
        """Normalise [B, C, H, W]; in evaluation mode by the running statistics."""
        if not self.training:
            return super().forward(images)
        statistics = _gather_statistics(images.detach(), self.group)
        count = images.numel() // images.shape[1] * dist.get_world_size(self.group)
        self._follow(statistics[0], statistics[1] * (count / (count - 1)))
        normalised: Tensor = _Normalise.apply(  # type: ignore[no-untyped-call]
            images, self.weight, self.bias, statistics, self.eps, self.group
        )
        return normalised

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        for running, seen in ((self.running_mean, mean), (self.running_var, variance)):
            if running is not None and self.momentum is not None:
                running.mul_(1 - self.momentum).add_(seen, alpha=self.momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked += 1


@torch.no_grad()
def _gather_statistics(images: Tensor, group: Any) -> Tensor:
    """Mean and biased variance of each channel over the ranks of a group: [2, C]."""
    exact = images if images.dtype == torch.float64 else images.float()
    own = torch.stack(torch.var_mean(exact, dim=(0, 2, 3), correction=0))
    all_ = own.new_empty(dist.get_world_size(group), *own.shape)
    dist.all_gather(list(all_.unbind()), own, group=group)
    variances, means = all_.unbind(dim=1)
    mean = means.mean(dim=0)
    # The variance within the ranks, and that between them.
    return torch.stack([mean, (variances + (means - mean).square()).mean(dim=0)])


class _Normalise(Function):
    """Normalise by given statistics, and differentiate through them as functions of all images."""

    @staticmethod
    def forward(
        ctx: Any,
        images: Tensor,
        weight: Tensor,
        bias: Tensor,
        statistics: Tensor,
        eps: float,
        group: Any,
    ) -> Tensor:
        ctx.save_for_backward(images, weight, statistics)
        ctx.eps, ctx.group = eps, group
        return _normalise(images, weight, bias, statistics, eps)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """∂x = γ/σ · (∂y − mean(∂y) − x̂ · mean(∂y · x̂)), with means over the group's images."""
        images, weight, statistics = ctx.saved_tensors
        direct, scale_gradient, shift_gradient = torch.ops.aten.native_batch_norm_backward(
            gradient, images, weight, *statistics, None, None, False, ctx.eps, [True] * 3
        )
        means = torch.stack([scale_gradient, shift_gradient])
        dist.all_reduce(means, group=ctx.group)
        means /= images.numel() // images.shape[1] * dist.get_world_size(ctx.group)
        slope = weight * torch.rsqrt(statistics[1] + ctx.eps)
        indirect = _normalise(images, slope * means[0], slope * means[1], statistics, ctx.eps)
        return direct - indirect, scale_gradient, shift_gradient, None, None, None


def _normalise(
    images: Tensor, weight: Tensor, bias: Tensor, statistics: Tensor, eps: float
) -> Tensor:
    """γ x̂ + β, by given mean and variance."""
    mean, variance = statistics
    normalised: Tensor = torch.native_batch_norm(
        images, weight, bias, mean, variance, False, 0.0, eps
    )[0]
    return normalised


def _convert(layer: nn.BatchNorm2d, group: Any) -> nn.Module:
    other = SynchronisedBatchNorm2d(layer.num_features, layer.eps, layer.momentum)
    other.group = group
    return _take_over(other, layer)


def _convert_for_cuda(layer: nn.BatchNorm2d, group: Any) -> nn.Module:
    other = nn.SyncBatchNorm(layer.num_features, layer.eps, layer.momentum, process_group=group)
    return _take_over(other, layer)


def _take_over(other: nn.Module, layer: nn.BatchNorm2d) -> nn.Module:
    """Give another layer this one's parameters and buffers themselves."""
    other._parameters = layer._parameters
    other._buffers = layer._buffers
    return other.train(layer.training)
