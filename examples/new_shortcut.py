# %% [markdown]
# # A shortcut of one's own
# One function makes the shortcut, one line names it; describing, counting, training and saving then
# take the name. Here: average pooling where the maps shrink, instead of dropping pixels as option A
# does, and zeros for the channels that are new.

# %%
from pathlib import Path

from torch import nn

import reslab
from reslab.networks.shortcuts import ZeroPadding, register_shortcut


@register_shortcut("pooled")
def pooled_shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Average pooling, then zero channels behind the real ones."""
    padding = ZeroPadding(0, out_channels - in_channels, 1)
    return nn.Sequential(nn.AvgPool2d(stride, ceil_mode=True), padding)


# %%
if __name__ == "__main__":
    data = reslab.DataConfig(name="digits")
    network = reslab.plan_network("resnet20", data, shortcut="pooled", width=8)
    run = reslab.plan_run(network, data, steps=30)
    result = reslab.train(run, Path("out/pooled"), resume=True)
    print(f"test error with pooled shortcuts: {result.test_error_pct:.1f} %")
