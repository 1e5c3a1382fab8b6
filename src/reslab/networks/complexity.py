"""The layer table of a network: sizes, parameters and multiply-adds (He et al. 2016, Table 1).

Sizes come from one pass of shapes without data (PyTorch's `meta` device), so a registered block or
shortcut is described like the paper's own; parameters and multiply-adds follow by formula.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from reslab.networks.config import NetworkConfig
from reslab.networks.resnet import ResNet
from reslab.networks.shortcuts import Projection, ZeroPadding


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One row of the layer table; sizes are [channels and] height × width of square maps."""

    name: str
    """Its path in the state dict."""
    type: str
    """`conv`, `batch_norm`, `zero_padding`, `max_pool`, `average_pool` or `linear`."""
    kernel: int | None
    """Kernel height and width, where it has a kernel."""
    stride: int | None
    """Stride, where it has one."""
    padding: int | None
    """Zero padding around the maps, where it has any."""
    in_channels: int
    """Channels in; features in for the linear layer."""
    out_channels: int
    """Channels out; classes for the linear layer."""
    output_size: int
    """Height and width of the output maps."""
    params: int
    """Trainable numbers."""
    macs: int
    """Multiply-adds for one image, of convolutions and the linear layer, which the paper counts."""


@dataclass(frozen=True, kw_only=True)
class NetworkDescription:
    """A network's layers and their totals."""

    name: str
    family: str
    weighted_layers: int
    """Convolutions outside the shortcuts, and the linear layer: the depth in the name."""
    depth_formula: str
    """How the depth comes about, in words."""
    params: int
    macs: int
    shortcuts: dict[str, int]
    """How many are `identity` (option A's zero padding among them) and how many `projection`."""
    zero_padded_shortcuts: int
    """How many of the identity shortcuts are option A's, subsampled and zero-padded."""
    other_shortcuts: int
    """How many are neither identity nor projection: gated, scaled, or of one's own."""
    layers: tuple[Layer, ...]

    def to_document(self) -> dict[str, Any]:
        """The description in plain JSON types."""
        return asdict(self)


def describe_network(config: NetworkConfig) -> NetworkDescription:
    """Compute the layer table of a network for one image of `config.input_size`.

    Raises:
        ConfigError: if the block or shortcut is unknown.
    """
    return _describe(config)


@lru_cache(maxsize=256)
def _describe(config: NetworkConfig) -> NetworkDescription:
    """A study of many seeds, or a list of what all studies cost, asks for the same nets again."""
    with torch.device("meta"):
        network = ResNet(config)
        image = torch.empty(1, config.in_channels, config.input_size, config.input_size)
    layers = trace_layers(network.eval(), image)
    shortcuts = _count_shortcuts(network)
    return NetworkDescription(
        name=config.name,
        family=config.family,
        weighted_layers=sum(_is_weighted(layer) for layer in layers),
        depth_formula=_explain_depth(config, layers),
        params=sum(layer.params for layer in layers),
        macs=sum(layer.macs for layer in layers),
        shortcuts={kind: shortcuts[kind] for kind in ("identity", "projection")},
        zero_padded_shortcuts=shortcuts["zero-padded"],
        other_shortcuts=shortcuts["other"],
        layers=layers,
    )


def trace_layers(module: nn.Module, inputs: Tensor) -> tuple[Layer, ...]:
    """Every layer of a network or a block with its sizes, found by a pass of `inputs` through it.

    Args:
        module: on the device of the inputs; the `meta` device computes nothing.
        inputs: [1, C, H, W].
    """
    layers: list[Layer] = []
    handles = []
    for name, layer in module.named_modules():
        if not any(layer.children()) and not isinstance(layer, nn.Identity):

            def note(
                layer: nn.Module, inputs: tuple[Tensor], output: Tensor, name: str = name
            ) -> None:
                layers.append(_describe_layer(name, layer, inputs[0], output))

            handles.append(layer.register_forward_hook(note))
    module(inputs)
    for handle in handles:
        handle.remove()
    return tuple(layers)


def _describe_layer(name: str, module: nn.Module, x: Tensor, y: Tensor) -> Layer:
    kernel, stride, padding = _window(module)
    output_size = y.shape[-1] if y.dim() == 4 else 1
    params = sum(parameter.numel() for parameter in module.parameters())
    return Layer(
        name=name,
        type=_layer_type(module),
        kernel=kernel,
        stride=stride,
        padding=padding,
        in_channels=x.shape[1],
        out_channels=y.shape[1],
        output_size=output_size,
        params=params,
        macs=_count_macs(module, y),
    )


def _layer_type(module: nn.Module) -> str:
    types: dict[type[nn.Module], str] = {
        nn.Conv2d: "conv",
        nn.BatchNorm2d: "batch_norm",
        nn.Linear: "linear",
        nn.MaxPool2d: "max_pool",
        nn.AdaptiveAvgPool2d: "average_pool",
        ZeroPadding: "zero_padding",
    }
    return types.get(type(module), type(module).__name__.lower())


def _window(module: nn.Module) -> tuple[int | None, int | None, int | None]:
    if isinstance(module, nn.Conv2d):
        return module.kernel_size[0], module.stride[0], int(module.padding[0])
    if isinstance(module, nn.MaxPool2d):
        return int(module.kernel_size), int(module.stride), int(module.padding)  # type: ignore[arg-type]
    if isinstance(module, ZeroPadding):
        return None, module.stride, None
    return None, None, None


def _count_macs(module: nn.Module, output: Tensor) -> int:
    if isinstance(module, nn.Conv2d):
        per_output = module.weight[0].numel()
        return per_output * output[0].numel()
    if isinstance(module, nn.Linear):
        return module.in_features * module.out_features
    return 0


def _is_weighted(layer: Layer) -> bool:
    return layer.type in ("conv", "linear") and ".downsample" not in layer.name


def _count_shortcuts(network: ResNet) -> Counter[str]:
    count: Counter[str] = Counter()
    for _, block in network.named_blocks():
        match block.downsample:
            case None:
                pass
            case nn.Identity():
                count["identity"] += 1
            case ZeroPadding():
                count.update(("identity", "zero-padded"))
            case Projection() | nn.Conv2d():
                count["projection"] += 1
            case _:
                count["other"] += 1
    return count


def _explain_depth(config: NetworkConfig, layers: tuple[Layer, ...]) -> str:
    weighted = sum(_is_weighted(layer) for layer in layers)
    per_block = (weighted - 2) // sum(config.blocks_per_stage)
    n = config.blocks_per_stage[0]
    if config.stem == "cifar" and config.blocks_per_stage == (n, n, n):
        return (
            f"{3 * per_block}n+2 = {3 * per_block}·{n}+2 = {weighted}: 1 convolution in the stem, "
            f"3 stages of n={n} blocks of {per_block} convolutions, 1 linear layer"
        )
    blocks = "+".join(map(str, config.blocks_per_stage))
    return (
        f"1+({blocks})·{per_block}+1 = {weighted}: 1 convolution in the stem, {blocks} blocks of "
        f"{per_block} convolutions, 1 linear layer"
    )
