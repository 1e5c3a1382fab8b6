"""Deleting and swapping the blocks of a trained net (Veit, Wilber and Belongie, 2016)."""

import copy
import math
import random
from collections.abc import Sequence
from typing import Any

import torch
from scipy import stats
from torch import Tensor, nn

from reslab.analysis.subject import Subject, take_images
from reslab.data.dataset import LabelledImages
from reslab.evaluation.accuracy import compute_accuracy
from reslab.networks.blocks import Block
from reslab.networks.classifier import Classifier
from reslab.networks.complexity import describe_network
from reslab.networks.resnet import ResNet
from reslab.networks.shortcuts import WeighingShortcut, keeps_dimensions, zero_padding_appended

COUNTS = 6
"""How many numbers of deleted blocks, and of swaps, are tried at most."""


class _ShortcutAlone(WeighingShortcut):
    """What is left of a block without F: its shortcut."""

    def __init__(self, shortcut: nn.Module) -> None:
        super().__init__()
        self.shortcut = shortcut

    def forward(self, x: Tensor, residual: Tensor) -> tuple[Tensor, Tensor]:
        """The shortcut's own term, and zeros for F(x)."""
        nothing = torch.zeros_like(residual)
        if isinstance(self.shortcut, WeighingShortcut):
            shortcut, nothing = self.shortcut(x, nothing)
            return shortcut, nothing
        return self.shortcut(x), nothing


def measure_lesions(
    subject: Subject, *, images: int, repeats: int, most_deleted: float
) -> dict[str, Any]:
    """Test error of a trained net with blocks deleted one by one, several at once, and swapped.

    One by one each block is deleted as `delete_blocks` does it; several at once and swaps are of
    regular blocks only, which keep the maps' shape, and swaps are of blocks of one stage.

    Args:
        subject: the trained net.
        images: of the test set.
        repeats: random choices for each number of blocks deleted, and for each number of swaps.
        most_deleted: share of the regular blocks that are deleted at most.

    Returns:
        `error_pct` of the whole net; `single`, the error without each of `blocks`; `regular`, those
        that keep the maps' shape; `several`, pairs of number deleted and error; `swapped`, pairs of
        Kendall's τ of the order and error; `family`, `depth`, `images`.
    """
    classifier = subject.classifier
    network = classifier.network
    data = take_images(subject.dataset.test, images, subject.device)
    names = [name for name, _ in network.named_blocks()]
    regular = name_regular_blocks(network)
    chance = random.Random(0)  # noqa: S311

    def error_pct(damaged: nn.Module) -> float:
        return _error_pct(classifier, data, damaged)

    return {
        "error_pct": error_pct(network),
        "blocks": names,
        "regular": regular,
        "single": [error_pct(delete_blocks(network, [name])) for name in names],
        "several": [
            [count, error_pct(delete_blocks(network, chance.sample(regular, count)))]
            for count in spread_counts(math.ceil(most_deleted * len(regular)))
            for _ in range(repeats)
        ],
        "swapped": [
            [measure_order(regular, order), error_pct(permute_blocks(network, regular, order))]
            for swaps in spread_counts(len(regular) - 1)
            for order in _draw_orders(regular, swaps, repeats, chance)
        ],
        "family": network.config.family,
        "depth": describe_network(network.config).weighted_layers,
        "images": len(data),
    }


def name_regular_blocks(network: ResNet) -> list[str]:
    """The blocks that keep the shape of their maps: all but the first of each later stage.

    The first block that activates first is left out too, as it leaves that to the stem.
    """
    first, block = network.named_blocks()[0]
    stem_activates = {first} if block.pre_activated else set()
    return [
        name
        for name, block in network.named_blocks()
        if name not in stem_activates and keeps_dimensions(*_dimensions(block))
    ]


def delete_blocks(network: ResNet, names: Sequence[str]) -> ResNet:
    """A copy of the net without these blocks.

    A residual block loses F and keeps its shortcut. A plain block is left out; where it changes the
    maps' shape, the parameter-free map of option A takes its place, as it would stand beside it in
    a residual net.
    """
    damaged = copy.deepcopy(network)
    for name, block in damaged.named_blocks():
        if name in names:
            shortcut = block.downsample
            if shortcut is None:
                shortcut = zero_padding_appended(*_dimensions(block))
            block.downsample = _ShortcutAlone(shortcut)
    return damaged.eval()


def permute_blocks(network: ResNet, names: Sequence[str], order: Sequence[str]) -> ResNet:
    """A copy of the net in which the place of each of `names` is taken by that of `order`."""
    damaged = copy.deepcopy(network)
    blocks = dict(damaged.named_blocks())
    for name, source in zip(names, order, strict=True):
        damaged.set_submodule(name, blocks[source])
    return damaged.eval()


def spread_counts(most: int) -> list[int]:
    """At most `COUNTS` whole numbers spread evenly from 1 to `most`; none if that is below 1."""
    counts = {max(1, round(most * i / COUNTS)) for i in range(1, COUNTS + 1)}
    return sorted(count for count in counts if count <= most)


def measure_order(names: Sequence[str], order: Sequence[str]) -> float:
    """Kendall's τ between the blocks' order and another: 1 is the same order, −1 the reverse."""
    places = [names.index(name) for name in order]
    return float(stats.kendalltau(range(len(places)), places).statistic)


def _draw_orders(
    names: Sequence[str], swaps: int, repeats: int, chance: random.Random
) -> list[list[str]]:
    """Orders after some swaps of two blocks of one stage; none where no stage has two."""
    pairs = [(a, b) for a in range(len(names)) for b in range(a) if _stage(names, a, b)]
    orders = [list(names) for _ in range(repeats if pairs else 0)]
    for order in orders:
        for _ in range(swaps):
            a, b = chance.choice(pairs)
            order[a], order[b] = order[b], order[a]
    return orders


def _stage(names: Sequence[str], a: int, b: int) -> bool:
    return names[a].partition(".")[0] == names[b].partition(".")[0]


def _dimensions(block: Block) -> tuple[int, int, int]:
    """Channels in, channels out and stride of F."""
    of_shortcut = set() if block.downsample is None else set(block.downsample.modules())
    convolutions = [
        module
        for module in block.modules()
        if isinstance(module, nn.Conv2d) and module not in of_shortcut
    ]
    stride = math.prod(convolution.stride[0] for convolution in convolutions)
    return convolutions[0].in_channels, convolutions[-1].out_channels, stride


def _error_pct(classifier: Classifier, data: LabelledImages, network: nn.Module) -> float:
    return compute_accuracy(lambda x: network(classifier.preprocessing(x)), data).error_pct
