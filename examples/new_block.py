# %% [markdown]
# # A block of one's own
# A class says which layers F has and how it computes; the shortcut around it, the stages, counting,
# training and saving are there already. Here: a block of one layer, too short for the shortcut to
# help (He et al. 2016, §3.2).

# %%
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

import reslab
from reslab.networks.blocks import Block, Responses, record, register_block


@register_block("one-layer")
class OneLayerBlock(Block):
    """One 3×3 convolution: y = σ(W x + x)."""

    def build_layers(self, in_channels: int, width: int, stride: int) -> None:
        """Create conv1 and bn1."""
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)

    def residual_function(self, x: Tensor, responses: Responses | None) -> Tensor:
        """F(x) of one layer."""
        return record(responses, "bn1", self.bn1(self.conv1(x)))


# %%
if __name__ == "__main__":
    data = reslab.DataConfig(name="digits")
    basic = reslab.plan_network("resnet20", data, width=8)
    network = replace(basic, name="one-layer", block="one-layer")
    result = reslab.train(reslab.plan_run(network, data, steps=30), Path("out/one"), resume=True)
    print(f"test error of {result.depth} layers: {result.test_error_pct:.1f} %")
