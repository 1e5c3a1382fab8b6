"""An architecture read off a state dict with torchvision's names: what its tensors show of it.

Depth, widths, kind of block, projections, stem, channels and classes can be seen. The place of a
bottleneck's stride and of option A's zero channels cannot: the caller says those.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from reslab.errors import WeightsError
from reslab.networks.catalogue import (
    IMAGENET_BLOCKS,
    IMAGENET_NETWORKS,
    cifar_name,
    find_network,
)
from reslab.networks.config import NO_SHORTCUT, NetworkConfig
from reslab.networks.resnet import ResNet
from reslab.networks.weights import check_size

_BLOCK = re.compile(r"layer(\d{1,6})\.(\d{1,6})\.")


def infer_network(
    tensors: Mapping[str, Tensor], origin: str, *, bottleneck: str, zero_padding: str
) -> NetworkConfig:
    """Describe the residual network that a state dict belongs to.

    Args:
        tensors: under torchvision's names.
        origin: the file, for the error message.
        bottleneck: which block a bottleneck is: where its stride stands.
        zero_padding: which option A a CIFAR network without projections has.

    Raises:
        WeightsError: if the tensors that show the architecture are missing.
    """
    stem_width, in_channels, *kernel = require_shape(tensors, "conv1.weight", 4, origin)
    is_cifar = kernel == [3, 3]
    blocks_per_stage = count_blocks(tensors)
    if not blocks_per_stage:
        raise WeightsError(
            f"{origin}: no tensor is named `layer1.0.…`, so these are not torchvision's names"
        )
    stages = range(1, len(blocks_per_stage) + 1)
    block = bottleneck if "layer1.0.conv3.weight" in tensors else "basic"
    config = NetworkConfig(
        name="",
        stem="cifar" if is_cifar else "imagenet",
        block=block,
        shortcut=find_projections(tensors) or (zero_padding if is_cifar else "B"),
        stem_width=stem_width,
        blocks_per_stage=blocks_per_stage,
        stage_widths=tuple(
            require_shape(tensors, f"layer{stage}.0.conv2.weight", 4, origin)[0] for stage in stages
        ),
        stage_strides=(1, *(2 for _ in stages[1:])),
        num_classes=require_shape(tensors, "fc.bias", 1, origin)[0],
        in_channels=in_channels,
        input_size=32 if is_cifar else 224,
    )
    return replace(config, name=name_network(config))


def fit_network(
    network: NetworkConfig | str, tensors: Mapping[str, Tensor], *, zero_padding: str = "A"
) -> NetworkConfig:
    """The network asked for; what a name leaves open is read off the tensors.

    A description is taken as it is. A name says the kind and the depth; classes, image channels and
    projections are those of the tensors, where they show them.

    Raises:
        ConfigError: if there is no network of that name.
    """
    if isinstance(network, NetworkConfig):
        return network
    config = find_network(network)
    if config.family == "residual":
        default = zero_padding if config.shortcut == "A" else config.shortcut
        config = replace(config, shortcut=find_projections(tensors) or default)
    if "fc.bias" in tensors and tensors["fc.bias"].dim() == 1:
        config = replace(config, num_classes=max(len(tensors["fc.bias"]), 1))
    if "conv1.weight" in tensors and tensors["conv1.weight"].dim() == 4:
        config = replace(config, in_channels=max(tensors["conv1.weight"].shape[1], 1))
    return config


def count_blocks(names: Iterable[str]) -> tuple[int, ...]:
    """Blocks in each stage, by the names of the tensors."""
    found = {match.groups() for name in names if (match := _BLOCK.match(name))}
    stages = sorted({int(stage) for stage, _ in found})
    return tuple(sum(int(stage) == wanted for stage, _ in found) for wanted in stages)


def find_projections(tensors: Mapping[str, Tensor]) -> str | None:
    """`B` or `C` where the tensors hold projection shortcuts, else None."""
    with_projection = sum(name.endswith(".downsample.0.weight") for name in tensors)
    if not with_projection:
        return None
    return "C" if with_projection == sum(count_blocks(tensors)) else "B"


def name_network(config: NetworkConfig) -> str:
    """The catalogue's name of a network, or `resnet` and its blocks where it has none."""
    layers_per_block = 2 if config.block == "basic" else 3
    depth = 2 + layers_per_block * sum(config.blocks_per_stage)
    kind = "plain" if config.shortcut == NO_SHORTCUT else "resnet"
    blocks = config.blocks_per_stage
    if config.stem == "imagenet" and IMAGENET_BLOCKS.get(depth) == blocks:
        name = f"{kind}{depth}" + ("-v1.5" if config.block == "bottleneck-v1.5" else "")
        if name in IMAGENET_NETWORKS and (config.block == "basic") == (depth < 50):
            return name
    is_cifar = config.stem == "cifar" and config.block == "basic"
    if is_cifar and len(blocks) == 3 and len(set(blocks)) == 1:
        return cifar_name(kind, depth)
    return f"{kind}-{config.block}-{'-'.join(map(str, blocks))}"


def require_shape(
    tensors: Mapping[str, Tensor], name: str, dimensions: int, origin: str
) -> list[int]:
    """The shape of a tensor that must be there.

    Raises:
        WeightsError: if it is missing or has another number of dimensions, or none of a size.
    """
    if name not in tensors:
        prefixed = [n for n in tensors if n.endswith(f".{name}") and not n.startswith("layer")]
        raise WeightsError(
            f"{origin}: {name} is missing, without which the architecture cannot be seen"
            + "".join(f"; it is there as {n}: save the inner model's state dict" for n in prefixed)
        )
    shape = list(tensors[name].shape)
    if len(shape) != dimensions or 0 in shape:
        raise WeightsError(
            f"{origin}: {name} has the shape {tuple(shape)}, expected {dimensions} dimensions"
        )
    return shape


def expected_tensors(config: NetworkConfig, available: int, origin: str) -> dict[str, Tensor]:
    """The state dict of a network as shapes without data.

    Args:
        config: the network.
        available: how many tensors there are to fill it; a description that asks for far more is
            refused before anything is built.
        origin: the file, for the error message.

    Raises:
        WeightsError: if the description is larger than the file or than any real network.
        ConfigError: if the block or shortcut is unknown.
    """
    check_size(config, available, origin)
    with torch.device("meta"):
        return ResNet(config).state_dict()
