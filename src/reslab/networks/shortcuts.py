"""Shortcut connections: identity, A, B and C (He et al. 2016, §3.2, §3.3 and Table 3).

A shortcut is made by a function `(in_channels, out_channels, stride) -> module`, registered under
the name by which a network's description asks for it. The ones that are not the identity on
purpose (He et al. 2016b, Table 1) are in `altered_shortcuts.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from reslab.errors import ConfigError
from reslab.networks.config import NO_SHORTCUT

ShortcutFactory = Callable[[int, int, int], nn.Module]

SHORTCUTS: dict[str, ShortcutFactory] = {}


def register_shortcut(name: str) -> Callable[[ShortcutFactory], ShortcutFactory]:
    """Decorator: make a shortcut known under `name`.

    Raises:
        ConfigError: if the name is taken.
    """

    def register(factory: ShortcutFactory) -> ShortcutFactory:
        if name in SHORTCUTS or name == NO_SHORTCUT:
            raise ConfigError(f"a shortcut named {name!r} exists already; choose another name")
        SHORTCUTS[name] = factory
        return factory

    return register


def build_shortcut(name: str, in_channels: int, out_channels: int, stride: int) -> nn.Module | None:
    """The shortcut `name` around one block, or None for a plain block.

    Raises:
        ConfigError: if no shortcut has that name.
    """
    if name == NO_SHORTCUT:
        return None
    if name not in SHORTCUTS:
        known = ", ".join([NO_SHORTCUT, *SHORTCUTS])
        raise ConfigError(f"unknown shortcut {name!r}: choose one of {known}")
    return SHORTCUTS[name](in_channels, out_channels, stride)


class WeighingShortcut(nn.Module, ABC):
    """A shortcut that weighs F(x) as well, and so is called with both terms of the sum."""

    @abstractmethod
    def forward(self, x: Tensor, residual: Tensor) -> tuple[Tensor, Tensor]:
        """The shortcut's term and F(x)'s term, which the block adds up; both of F(x)'s shape."""


class ZeroPadding(nn.Module):
    """Option A: every `stride`-th pixel, and zeros for the channels that are new.

    Shapes: [B, in_channels, H, W] → [B, out_channels, ⌈H/stride⌉, ⌈W/stride⌉]. No parameters.
    """

    def __init__(self, channels_before: int, channels_after: int, stride: int) -> None:
        super().__init__()
        self.channels_before = channels_before
        self.channels_after = channels_after
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Subsample and pad."""
        subsampled = x[:, :, :: self.stride, :: self.stride]
        return F.pad(subsampled, (0, 0, 0, 0, self.channels_before, self.channels_after))

    def extra_repr(self) -> str:
        """The settings, for `repr`."""
        return f"before={self.channels_before}, after={self.channels_after}, stride={self.stride}"


class Projection(nn.Sequential):
    """W_s of Eqn. 2: a 1×1 convolution and BN; keys `0` and `1` as in torchvision's `downsample`.

    Shapes: [B, in_channels, H, W] → [B, out_channels, ⌈H/stride⌉, ⌈W/stride⌉].
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
            nn.BatchNorm2d(out_channels),
        )


def keeps_dimensions(in_channels: int, out_channels: int, stride: int) -> bool:
    """Whether a block's output has the shape of its input."""
    return in_channels == out_channels and stride == 1


@register_shortcut("A")
def zero_padding_appended(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Option A, zero channels after the real ones."""
    if keeps_dimensions(in_channels, out_channels, stride):
        return nn.Identity()
    return ZeroPadding(0, out_channels - in_channels, stride)


@register_shortcut("A-split")
def zero_padding_split(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Option A, half of the zero channels before the real ones and half after.

    The paper does not say where the zeros go; several public sets of weights need this layout.
    """
    if keeps_dimensions(in_channels, out_channels, stride):
        return nn.Identity()
    zeros = out_channels - in_channels
    return ZeroPadding(zeros // 2, zeros - zeros // 2, stride)


@register_shortcut("B")
def projection_where_dimensions_change(
    in_channels: int, out_channels: int, stride: int
) -> nn.Module:
    """Option B: identity where the dimensions agree, a projection where they change."""
    if keeps_dimensions(in_channels, out_channels, stride):
        return nn.Identity()
    return Projection(in_channels, out_channels, stride)


@register_shortcut("C")
def projection_everywhere(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Option C: every shortcut is a projection."""
    return Projection(in_channels, out_channels, stride)


@register_shortcut("B-1x1")
def convolution_where_dimensions_change(
    in_channels: int, out_channels: int, stride: int
) -> nn.Module:
    """Option B without its BN, as He et al. 2016b have it around pre-activation blocks."""
    if keeps_dimensions(in_channels, out_channels, stride):
        return nn.Identity()
    return convolution_everywhere(in_channels, out_channels, stride)


@register_shortcut("C-1x1")
def convolution_everywhere(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Option C without its BN (He et al. 2016b, Fig. 2(e))."""
    return nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)
