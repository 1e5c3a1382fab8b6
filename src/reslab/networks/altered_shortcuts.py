"""Shortcuts that are not the identity on purpose (He et al. 2016b, "Identity Mappings", Table 1).

In place of y = σ(F(x) + x) that paper tries factors, gates and dropout on the two terms, with basic
blocks, and each is worse. Its 1×1 convolution is `C-1x1` among the other shortcuts. Where the
dimensions change, x is option A's; the paper does not say, and only two blocks of a CIFAR net do.
"""

import torch
from torch import Tensor, nn

from reslab.networks.shortcuts import (
    WeighingShortcut,
    register_shortcut,
    zero_padding_appended,
)

FACTOR = 0.5
CLOSED_GATE = -6.0
"""Initial bias of a gate with which the paper's gated nets train: σ(−6) = 0.0025."""


class ScaledShortcut(nn.Module):
    """½x + F(x): constant scaling of the shortcut (Fig. 2(b))."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.identity = zero_padding_appended(in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Half of x."""
        scaled: Tensor = FACTOR * self.identity(x)
        return scaled


class ScaledSum(WeighingShortcut):
    """½x + ½F(x): constant scaling of both terms, "frozen gating"."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.identity = zero_padding_appended(in_channels, out_channels, stride)

    def forward(self, x: Tensor, residual: Tensor) -> tuple[Tensor, Tensor]:
        """Half of each."""
        return FACTOR * self.identity(x), FACTOR * residual


class GatedShortcut(nn.Module):
    """(1 − g(x))·x + F(x) with g(x) = sigmoid(Wx + b): shortcut-only gating (Fig. 2(d)).

    W is a 1×1 convolution, b starts at `bias`.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, bias: float) -> None:
        super().__init__()
        self.identity = zero_padding_appended(in_channels, out_channels, stride)
        self.gate = _build_gate(in_channels, out_channels, stride, bias)

    def forward(self, x: Tensor) -> Tensor:
        """What the gate lets through of x."""
        passed: Tensor = (1 - torch.sigmoid(self.gate(x))) * self.identity(x)
        return passed


class GatedSum(WeighingShortcut):
    """(1 − g(x))·x + g(x)·F(x): exclusive gating, as in highway networks (Fig. 2(c))."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, bias: float) -> None:
        super().__init__()
        self.identity = zero_padding_appended(in_channels, out_channels, stride)
        self.gate = _build_gate(in_channels, out_channels, stride, bias)

    def forward(self, x: Tensor, residual: Tensor) -> tuple[Tensor, Tensor]:
        """What the gate lets through of x, and the rest of F(x)."""
        gate = torch.sigmoid(self.gate(x))
        return (1 - gate) * self.identity(x), gate * residual


def _build_gate(in_channels: int, out_channels: int, stride: int, bias: float) -> nn.Conv2d:
    gate = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride)
    nn.init.constant_(gate.get_parameter("bias"), bias)
    return gate


register_shortcut("scaled")(ScaledShortcut)
register_shortcut("scaled-both")(ScaledSum)


@register_shortcut("gated")
def closed_gate(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Shortcut-only gating that starts near the identity."""
    return GatedShortcut(in_channels, out_channels, stride, CLOSED_GATE)


@register_shortcut("gated-half")
def half_open_gate(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Shortcut-only gating with b = 0, so that about half of x passes at first."""
    return GatedShortcut(in_channels, out_channels, stride, 0.0)


@register_shortcut("gated-both")
def exclusive_gate(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Exclusive gating with the bias that trains best in the paper."""
    return GatedSum(in_channels, out_channels, stride, CLOSED_GATE)


@register_shortcut("dropout")
def dropped_shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Dropout of half of the shortcut's numbers in training (Fig. 2(f))."""
    return nn.Sequential(
        zero_padding_appended(in_channels, out_channels, stride), nn.Dropout(FACTOR)
    )
