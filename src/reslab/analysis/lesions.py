"""Deleting and swapping the blocks of a trained net (Veit, Wilber and Belongie, 2016)."""

import copy
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


class _Deleted(nn.Module):
    """What is left of a block without F: its shortcut, which in a plain net is x itself."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.shortcut = block.downsample or nn.Identity()
        self.pre_activated = block.pre_activated

    def forward(self, x: Tensor) -> Tensor:
        """σ(shortcut(x)), where x is not negative; shortcut(x) of a block that activates first."""
        shortcut: Tensor = self.shortcut(x)
        return shortcut if self.pre_activated else torch.relu(shortcut)


def measure_lesions(
    subject: Subject, *, images: int, repeats: int, most_deleted: float
) -> dict[str, Any]:
    """Test error of a trained net with blocks deleted one by one, several at once, and swapped.

    In a residual block F is dropped and its shortcut stays. In a plain net the block is dropped;
    one that changes the maps' shape cannot be, and is left out of the experiments in both families.

    Args:
        subject: the trained net.
        images: of the test set.
        repeats: random choices for each number of blocks deleted or swapped.
        most_deleted: share of the blocks that are deleted at most.

    Returns:
        `error_pct` of the whole net; `single`, the error without each of `blocks`; `several`, pairs
        of number deleted and error; `swapped`, pairs of Kendall's τ of the order and error;
        `family`, `depth`, `images`.
    """
    classifier = subject.classifier
    data = take_images(subject.dataset.test, images, subject.device)
    names = name_regular_blocks(classifier.network)
    chance = random.Random(0)  # noqa: S311
    most = max(1, int(most_deleted * len(names)))
    counts = sorted({max(1, round(most * i / 6)) for i in range(1, 7)})
    config = classifier.network.config
    return {
        "error_pct": _error_pct(classifier, data, classifier.network),
        "blocks": names,
        "single": [_without(classifier, data, [name]) for name in names],
        "several": [
            [count, _without(classifier, data, chance.sample(names, count))]
            for count in counts
            for _ in range(repeats)
        ],
        "swapped": [
            _reordered(classifier, data, names, swaps, chance)
            for swaps in range(1, len(names))
            for _ in range(max(1, repeats // 2))
        ],
        "family": config.family,
        "depth": describe_network(config).weighted_layers,
        "images": len(data),
    }


def name_regular_blocks(network: ResNet) -> list[str]:
    """The blocks that keep the shape of their maps: all but the first of each later stage.

    The first block that activates first is left out too, as it leaves that to the stem.
    """
    return [
        name
        for name, block in network.named_blocks()
        if block.downsample is None or isinstance(block.downsample, nn.Identity)
        if not (name.endswith(".0") and (block.pre_activated or not name.startswith("layer1")))
    ]


def delete_blocks(network: ResNet, names: Sequence[str]) -> nn.Module:
    """A copy of the net without these blocks."""
    damaged = copy.deepcopy(network)
    blocks = dict(damaged.named_blocks())
    return _Rearranged(
        damaged,
        [_Deleted(b) if name in names else b for name, b in blocks.items()],
    )


def permute_blocks(network: ResNet, names: Sequence[str], order: Sequence[str]) -> nn.Module:
    """A copy of the net in which the place of each of `names` is taken by that of `order`."""
    damaged = copy.deepcopy(network)
    blocks = dict(damaged.named_blocks())
    source = {**{name: name for name in blocks}, **dict(zip(names, order, strict=True))}
    return _Rearranged(damaged, [blocks[source[name]] for name in blocks])


class _Rearranged(nn.Module):
    """A net whose blocks are others, or in another order."""

    def __init__(self, network: ResNet, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.network = network
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        network = self.network
        x = network.forward_stem(x)
        for block in self.blocks:
            x = block(x)
        return network.forward_head(network.activate_last(x))


def _without(classifier: Classifier, data: LabelledImages, names: Sequence[str]) -> float:
    return _error_pct(classifier, data, delete_blocks(classifier.network, names))


def _reordered(
    classifier: Classifier,
    data: LabelledImages,
    names: Sequence[str],
    swaps: int,
    chance: random.Random,
) -> list[float]:
    """Kendall's τ between the blocks' order and that after some swaps in their stages; error."""
    order = list(names)
    pairs = [(a, b) for a in range(len(order)) for b in range(a) if _stage(order[a], order[b])]
    for _ in range(swaps):
        a, b = chance.choice(pairs)
        order[a], order[b] = order[b], order[a]
    places = [names.index(name) for name in order]
    tau = float(stats.kendalltau(range(len(places)), places).statistic)
    network = permute_blocks(classifier.network, names, order)
    return [tau, _error_pct(classifier, data, network)]


def _stage(a: str, b: str) -> bool:
    """Whether two blocks stand in the same stage, and so have the same shape."""
    return a.partition(".")[0] == b.partition(".")[0]


def _error_pct(classifier: Classifier, data: LabelledImages, network: nn.Module) -> float:
    network = network.eval()
    return compute_accuracy(lambda x: network(classifier.preprocessing(x)), data).error_pct
