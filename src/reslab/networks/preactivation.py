"""Full pre-activation blocks (He et al. 2016b, "Identity Mappings in Deep Residual Networks", §4).

BN and ReLU come before each convolution instead of behind it, and nothing comes behind the sum:
y = F(x) + x, so that a signal passes unchanged through any number of blocks. As in the authors'
code, a block whose dimensions change activates x once for F and shortcut both; the others leave
the shortcut untouched. The stem activates for the first block, and the network ends with a BN and
ReLU of its own.
"""

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from reslab.networks.blocks import Block, Responses, record, register_block
from reslab.networks.shortcuts import keeps_dimensions


class PreActivationBlock(Block):
    """F(x) + shortcut(x) with the BN `bn1` and ReLU in front; subclasses define the rest of F."""

    pre_activated: ClassVar[bool] = True
    bn1: nn.Module

    def __init__(self, in_channels: int, width: int, stride: int, shortcut: str) -> None:
        super().__init__(in_channels, width, stride, shortcut)
        self.keeps_dimensions = keeps_dimensions(in_channels, width * self.expansion, stride)

    def follow_stem(self) -> None:
        """Leave out BN and ReLU: the stem's own activate before the two paths part."""
        self.bn1 = nn.Identity()

    def forward(self, x: Tensor, responses: Responses | None = None) -> Tensor:
        """Compute F(x) + shortcut(x)."""
        activated = self.pre_activate(x, responses)
        residual = self.convolve(activated, responses)
        return self.add_shortcut(residual, x if self.keeps_dimensions else activated, responses)

    def residual_function(self, x: Tensor, responses: Responses | None) -> Tensor:
        """F(x), activation included."""
        return self.convolve(self.pre_activate(x, responses), responses)

    def pre_activate(self, x: Tensor, responses: Responses | None) -> Tensor:
        """σ(BN(x)); x itself behind the stem."""
        if isinstance(self.bn1, nn.Identity):
            return x
        return self.activate(record(responses, "bn1", self.bn1(x)), responses)

    @abstractmethod
    def convolve(self, activated: Tensor, responses: Responses | None) -> Tensor:
        """F behind its first activation, from the first convolution to the last."""


@register_block("preactivation")
class PreActivationBasicBlock(PreActivationBlock):
    """BN–ReLU–3×3 twice, the stride on the first convolution."""

    def build_layers(self, in_channels: int, width: int, stride: int) -> None:
        """Create bn1, conv1, bn2, conv2."""
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def convolve(self, activated: Tensor, responses: Responses | None) -> Tensor:
        """conv1, BN, ReLU, conv2."""
        out = record(responses, "bn2", self.bn2(self.conv1(activated)))
        last: Tensor = self.conv2(self.activate(out, responses))
        return last


@register_block("preactivation-bottleneck")
class PreActivationBottleneckBlock(PreActivationBlock):
    """BN–ReLU–convolution three times: 1×1 reduce with the stride, 3×3, 1×1 restore."""

    expansion: ClassVar[int] = 4

    def build_layers(self, in_channels: int, width: int, stride: int) -> None:
        """Create bn1, conv1 to bn3, conv3."""
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, 1, stride=stride, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * self.expansion, 1, bias=False)

    def convolve(self, activated: Tensor, responses: Responses | None) -> Tensor:
        """conv1, BN, ReLU, conv2, BN, ReLU, conv3."""
        out = record(responses, "bn2", self.bn2(self.conv1(activated)))
        out = record(responses, "bn3", self.bn3(self.conv2(self.activate(out, responses))))
        last: Tensor = self.conv3(self.activate(out, responses))
        return last
