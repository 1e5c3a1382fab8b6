"""Building blocks: basic and bottleneck, plain or residual (He et al. 2016, Fig. 2 and Fig. 5).

A block computes y = σ(F(x) + shortcut(x)), and without a shortcut the plain y = σ(F(x)). The blocks
that activate first (He et al. 2016b) are in `preactivation.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from reslab.errors import ConfigError
from reslab.networks.shortcuts import WeighingShortcut, build_shortcut

Responses = dict[str, Tensor]
"""Named activations: each layer's response after BN and before the non-linearity."""

BLOCKS: dict[str, type["Block"]] = {}


def register_block(name: str) -> Callable[[type["Block"]], type["Block"]]:
    """Decorator: make a block known under `name`.

    Raises:
        ConfigError: if the name is taken.
    """

    def register(block: type["Block"]) -> type["Block"]:
        if name in BLOCKS:
            raise ConfigError(f"a block named {name!r} exists already; choose another name")
        BLOCKS[name] = block
        return block

    return register


def find_block(name: str) -> type["Block"]:
    """The class of the block `name`.

    Raises:
        ConfigError: if no block has that name.
    """
    if name not in BLOCKS:
        raise ConfigError(f"unknown block {name!r}: choose one of {', '.join(BLOCKS)}")
    return BLOCKS[name]


def record(responses: Responses | None, name: str, response: Tensor) -> Tensor:
    """Note a response where responses are wanted; returns it unchanged."""
    if responses is not None:
        responses[name] = response
    return response


class Block(nn.Module, ABC):
    """F(x) with an optional shortcut around it; subclasses define F in `residual_function`.

    Args:
        in_channels: channels of x.
        width: channels of the 3×3 convolutions; the block has `width * expansion` outputs.
        stride: of the block as a whole.
        shortcut: name of the shortcut, `none` for a plain block.
    """

    expansion: ClassVar[int] = 1
    pre_activated: ClassVar[bool] = False
    """Whether BN and ReLU begin the block instead of ending it; the network then ends with them."""

    def __init__(self, in_channels: int, width: int, stride: int, shortcut: str) -> None:
        super().__init__()
        self.build_layers(in_channels, width, stride)
        # Named as in torchvision, so that state dicts fit where the architectures coincide.
        self.downsample = build_shortcut(shortcut, in_channels, width * self.expansion, stride)

    @abstractmethod
    def build_layers(self, in_channels: int, width: int, stride: int) -> None:
        """Create the layers of F."""

    @abstractmethod
    def residual_function(self, x: Tensor, responses: Responses | None) -> Tensor:
        """F(x): [B, in_channels, H, W] → [B, width * expansion, ⌈H/stride⌉, ⌈W/stride⌉]."""

    def forward(self, x: Tensor, responses: Responses | None = None) -> Tensor:
        """Compute σ(F(x) + shortcut(x)), and note each layer's response in `responses`."""
        residual = self.residual_function(x, responses)
        return self.activate(self.add_shortcut(residual, x, responses), responses)

    def add_shortcut(self, residual: Tensor, x: Tensor, responses: Responses | None) -> Tensor:
        """F(x) + shortcut(x), given F(x); F(x) alone in a plain block."""
        if self.downsample is None:
            return residual
        if isinstance(self.downsample, WeighingShortcut):
            shortcut, residual = self.downsample(x, residual)
        else:
            shortcut = self.downsample(x)
        return residual + record(responses, "downsample", shortcut)

    def follow_stem(self) -> None:
        """Adapt to being the network's first block, whose x the stem has activated."""

    def activate(self, response: Tensor, responses: Responses | None) -> Tensor:
        """σ; in place in training, unless the response is kept: that spares memory traffic."""
        return F.relu(response, inplace=self.training and responses is None)


@register_block("basic")
class BasicBlock(Block):
    """Two 3×3 convolutions, the first with the stride (Fig. 5, left)."""

    def build_layers(self, in_channels: int, width: int, stride: int) -> None:
        """Create conv1, bn1, conv2, bn2."""
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def residual_function(self, x: Tensor, responses: Responses | None) -> Tensor:
        """F(x) of two layers."""
        out = record(responses, "bn1", self.bn1(self.conv1(x)))
        out = self.activate(out, responses)
        return record(responses, "bn2", self.bn2(self.conv2(out)))


@register_block("bottleneck")
class BottleneckBlock(Block):
    """1×1 reduce, 3×3, 1×1 restore (Fig. 5, right), with the stride on the first 1×1.

    The stride stands where the paper and the authors' released networks have it.
    """

    expansion: ClassVar[int] = 4
    stride_on_3x3: ClassVar[bool] = False

    def build_layers(self, in_channels: int, width: int, stride: int) -> None:
        """Create conv1 to conv3 and bn1 to bn3."""
        stride1, stride2 = (1, stride) if self.stride_on_3x3 else (stride, 1)
        self.conv1 = nn.Conv2d(in_channels, width, 1, stride=stride1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * self.expansion)

    def residual_function(self, x: Tensor, responses: Responses | None) -> Tensor:
        """F(x) of three layers."""
        out = record(responses, "bn1", self.bn1(self.conv1(x)))
        out = self.activate(out, responses)
        out = record(responses, "bn2", self.bn2(self.conv2(out)))
        out = self.activate(out, responses)
        return record(responses, "bn3", self.bn3(self.conv3(out)))


@register_block("bottleneck-v1.5")
class BottleneckBlockV15(BottleneckBlock):
    """The bottleneck with the stride on its 3×3, as torchvision has it ("ResNet v1.5")."""

    stride_on_3x3: ClassVar[bool] = True
