"""The network: stem, stages, head (He et al. 2016, §3.3, Table 1 and §4.2).

The imports below also register the blocks and shortcuts of He et al. 2016b.
"""

from typing import Literal, overload

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reslab.networks import altered_shortcuts, preactivation  # noqa: F401
from reslab.networks.blocks import Block, Responses, find_block, record
from reslab.networks.checkpointing import run_checkpointed
from reslab.networks.config import NetworkConfig
from reslab.networks.initialisation import initialise_he


class ResNet(nn.Module):
    """A plain or residual network, built from its description.

    State-dict keys are torchvision's (`conv1`, `bn1`, `layer1.0.conv1`, …, `fc`), and `bn_last`
    behind blocks that activate first.
    """

    checkpoint_activations = False
    """Whether training keeps only a few of the maps and computes the others anew in the backward
    pass: the same numbers from far less memory, for a third more time. Set it on a network."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.conv1, self.maxpool = _build_stem(config)
        self.bn1 = nn.BatchNorm2d(config.stem_width)
        channels = config.stem_width
        self.stage_names = [f"layer{i + 1}" for i in range(len(config.stage_widths))]
        for i, name in enumerate(self.stage_names):
            stage, channels = _build_stage(config, i, channels)
            self.add_module(name, stage)
        block = self.named_blocks()[0][1]
        block.follow_stem()
        self.bn_last = nn.BatchNorm2d(channels) if block.pre_activated else None
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, config.num_classes)

    @overload
    def forward(self, images: Tensor, return_responses: Literal[False] = False) -> Tensor: ...

    @overload
    def forward(
        self, images: Tensor, return_responses: Literal[True]
    ) -> tuple[Tensor, Responses]: ...

    def forward(
        self, images: Tensor, return_responses: bool = False
    ) -> Tensor | tuple[Tensor, Responses]:
        """Classify a batch.

        Args:
            images: [B, in_channels, H, W], float, preprocessed.
            return_responses: also return each layer's response after BN and before the
                non-linearity, keyed by the name of its BN layer (`layer1.0.bn2`), and each
                shortcut's output (`layer1.0.downsample`).

        Returns:
            Logits [B, num_classes]; with `return_responses`, the pair of logits and responses.
        """
        responses: Responses | None = {} if return_responses else None
        logits = self.forward_head(self.forward_features(images, responses))
        return logits if responses is None else (logits, responses)

    def forward_features(self, images: Tensor, responses: Responses | None = None) -> Tensor:
        """Images [B, in_channels, H, W] to the last stage's maps [B, channels, h, w]."""
        x = self.forward_stem(images, responses)
        if self.checkpoint_activations and self.training and responses is None:
            for name in self.stage_names:
                x = run_checkpointed(list(self.get_submodule(name).children()), x)
        else:
            x = self._forward_blocks(x, responses)
        return self.activate_last(x, responses)

    def forward_stem(self, images: Tensor, responses: Responses | None = None) -> Tensor:
        """Images [B, in_channels, H, W] to the first block's input [B, stem_width, h, w]."""
        x: Tensor = self.maxpool(F.relu(record(responses, "bn1", self.bn1(self.conv1(images)))))
        return x

    def _forward_blocks(self, x: Tensor, responses: Responses | None) -> Tensor:
        for name, block in self.named_blocks():
            of_block: Responses | None = None if responses is None else {}
            x = block(x, of_block)
            if responses is not None and of_block is not None:
                responses.update({f"{name}.{key}": value for key, value in of_block.items()})
        return x

    def activate_last(self, x: Tensor, responses: Responses | None = None) -> Tensor:
        """σ(BN(x)) behind blocks that activate first; x itself behind the others."""
        if self.bn_last is None:
            return x
        return F.relu(record(responses, "bn_last", self.bn_last(x)))

    def forward_head(self, features: Tensor) -> Tensor:
        """Global average pooling and the linear layer: [B, channels, h, w] → [B, num_classes]."""
        logits: Tensor = self.fc(torch.flatten(self.avgpool(features), 1))
        return logits

    def named_blocks(self) -> list[tuple[str, Block]]:
        """Every block with its name, `layer1.0` first."""
        return [
            (f"{stage}.{index}", block)
            for stage in self.stage_names
            for index, block in self.get_submodule(stage).named_children()
            if isinstance(block, Block)
        ]


def build_network(config: NetworkConfig, seed: int = 0) -> ResNet:
    """Build a network with He-initialised weights that follow from `seed` alone.

    Raises:
        ConfigError: if the block or shortcut is unknown.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ResNet(config)
        initialise_he(network)
    return network


def _build_stem(config: NetworkConfig) -> tuple[nn.Conv2d, nn.Module]:
    channels = (config.in_channels, config.stem_width)
    if config.stem == "cifar":
        return nn.Conv2d(*channels, 3, padding=1, bias=False), nn.Identity()
    return (
        nn.Conv2d(*channels, 7, stride=2, padding=3, bias=False),
        nn.MaxPool2d(3, stride=2, padding=1),
    )


def _build_stage(config: NetworkConfig, index: int, in_channels: int) -> tuple[nn.Sequential, int]:
    block = find_block(config.block)
    width = config.stage_widths[index]
    out_channels = width * block.expansion
    blocks = []
    for position in range(config.blocks_per_stage[index]):
        stride = config.stage_strides[index] if position == 0 else 1
        blocks.append(block(in_channels, width, stride, config.shortcut))
        in_channels = out_channels
    return nn.Sequential(*blocks), out_channels
