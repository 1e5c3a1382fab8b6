"""The deeper net constructed from a shallower one (He et al. 2016, §1, §3.1).

The paper argues that a deeper net need not be worse: copy the shallower one and let the added
layers be identities. These are those nets.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from reslab.errors import ConfigError
from reslab.networks.blocks import BasicBlock
from reslab.networks.resnet import ResNet


def deepen(network: ResNet, blocks_per_stage: tuple[int, ...], name: str) -> ResNet:
    """The same function from more blocks: each stage's own, then identities.

    In a plain net the added convolutions pass each channel on unchanged (a one in the kernel's
    centre) and their BN undoes itself: γ = √(σ² + ε), β = μ. In evaluation mode, with the running
    σ² + ε = 1 and μ = 0, the map is x ↦ x but for what a convolution rounds. On a batch BN divides
    by the batch's own σ, so `settle_identities` gives these layers the statistics of real data
    before one trains on. In a residual net the last BN of an added block is zero, so F(x) = 0 and
    the map is x ↦ x exactly. Both rest on x ≥ 0, which holds behind a ReLU.

    Args:
        network: of basic blocks; it is copied, not changed.
        blocks_per_stage: of the deeper net; in each stage at least as many as there are.
        name: of the deeper net.

    Raises:
        ConfigError: if a stage would lose blocks, or the blocks are not basic, or a residual net's
            shortcuts are not the identity where the shape stays.
    """
    config = network.config
    if config.block != "basic":
        raise ConfigError(f"only nets of basic blocks are deepened, {config.name} has others")
    pairs = list(zip(config.blocks_per_stage, blocks_per_stage, strict=False))
    if len(blocks_per_stage) != len(config.blocks_per_stage) or any(a > b for a, b in pairs):
        raise ConfigError(
            f"{config.name} has {config.blocks_per_stage} blocks in its stages, which cannot become"
            f" {blocks_per_stage}"
        )
    deeper = ResNet(replace(config, name=name, blocks_per_stage=blocks_per_stage))
    deeper.load_state_dict(network.state_dict(), strict=False)
    for _, block in find_added_blocks(network, deeper):
        if not isinstance(block.downsample, nn.Identity | None):
            raise ConfigError(
                f"{config.name} has the shortcut {config.shortcut!r}, which is not the identity in "
                "the blocks to be added: deepen a net with A or B, or a plain one"
            )
        make_identity(block)
    return deeper.to(next(network.parameters()).device).train(network.training)


def find_added_blocks(shallow: ResNet, deeper: ResNet) -> list[tuple[str, BasicBlock]]:
    """The blocks of the deeper net that the shallower has not, with their names."""
    there = {name for name, _ in shallow.named_blocks()}
    return [
        (name, block)
        for name, block in deeper.named_blocks()
        if name not in there and isinstance(block, BasicBlock)
    ]


@torch.no_grad()
def make_identity(block: BasicBlock) -> None:
    """Let a block that keeps its shape pass x ≥ 0 on unchanged, in evaluation mode."""
    if block.downsample is not None:
        nn.init.zeros_(block.bn2.weight)
        nn.init.zeros_(block.bn2.bias)
        return
    for convolution, norm in ((block.conv1, block.bn1), (block.conv2, block.bn2)):
        nn.init.dirac_(convolution.weight)
        # σ² + ε is one then, and nothing is rounded.
        _undo(norm, torch.full_like(norm.weight, 1 - norm.eps), torch.zeros_like(norm.bias))


@torch.no_grad()
def settle_identities(deeper: ResNet, added: list[str], inputs: Tensor) -> None:
    """Give the added blocks of a plain net the statistics of real data, and stay the identity.

    In training mode BN normalises by the batch: with γ and β set from one batch, another of the
    same data passes almost unchanged.

    Args:
        deeper: as `deepen` made it.
        added: names of the blocks it added.
        inputs: a batch [B, in_channels, H, W], preprocessed, large enough to stand for the data.
    """
    was_training = deeper.training
    x = deeper.eval().forward_stem(inputs)
    for name, block in deeper.named_blocks():
        if name in added and block.downsample is None and isinstance(block, BasicBlock):
            # An identity's every layer sees x itself.
            variance, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
            _undo(block.bn1, variance, mean)
            _undo(block.bn2, variance, mean)
        x = block(x)
    deeper.train(was_training)


def _undo(norm: nn.BatchNorm2d, variance: Tensor, mean: Tensor) -> None:
    """Let BN normalise by these statistics and scale it all back."""
    norm.load_state_dict(
        {
            **norm.state_dict(),
            "running_var": variance,
            "running_mean": mean,
            "weight": (variance + norm.eps).sqrt(),
            "bias": mean,
        }
    )
