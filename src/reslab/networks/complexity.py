"""The layer table of a network: sizes, parameters and multiply-adds (He et al. 2016, Table 1).

Sizes come from one pass of shapes without data (PyTorch's `meta` device), so a registered block or
shortcut is described like the paper's own; parameters and multiply-adds follow by formula.
"""

from dataclasses import asdict, dataclass
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
    layers: tuple[Layer, ...]

    def to_document(self) -> dict[str, Any]:
        """The description in plain JSON types."""
        return asdict(self)


def describe_network(config: NetworkConfig) -> NetworkDescription:
    """Compute the layer table of a network for one image of `config.input_size`.

    Raises:
        ConfigError: if the block or shortcut is unknown.
    """
    with torch.device("meta"):
        network = ResNet(config)
        image = torch.empty(1, config.in_channels, config.input_size, config.input_size)
    layers = _trace_layers(network.eval(), image)
    identity, zero_padded, projection = _count_shortcuts(network)
    return NetworkDescription(
        name=config.name,
        family=config.family,
        weighted_layers=sum(_is_weighted(layer) for layer in layers),
        depth_formula=_explain_depth(config, layers),
        params=sum(layer.params for layer in layers),
        macs=sum(layer.macs for layer in layers),
        shortcuts={"identity": identity, "projection": projection},
        zero_padded_shortcuts=zero_padded,
        layers=layers,
    )


def _trace_layers(network: ResNet, image: Tensor) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    handles = []
    for name, module in network.named_modules():
        if not any(module.children()) and not isinstance(module, nn.Identity):

            def note(
                module: nn.Module, inputs: tuple[Tensor], output: Tensor, name: str = name
            ) -> None:
                layers.append(_describe_layer(name, module, inputs[0], output))

            handles.append(module.register_forward_hook(note))
    network(image)
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


def _count_shortcuts(network: ResNet) -> tuple[int, int, int]:
    shortcuts = [block.downsample for _, block in network.named_blocks()]
    projections = sum(isinstance(s, Projection) for s in shortcuts)
    zero_padded = sum(isinstance(s, ZeroPadding) for s in shortcuts)
    present = sum(s is not None for s in shortcuts)
    return present - projections, zero_padded, projections


def _explain_depth(config: NetworkConfig, layers: tuple[Layer, ...]) -> str:
    weighted = sum(_is_weighted(layer) for layer in layers)
    per_block = (weighted - 2) // sum(config.blocks_per_stage)
    if config.stem == "cifar" and len(set(config.blocks_per_stage)) == 1 and per_block == 2:
        n = config.blocks_per_stage[0]
        return (
            f"6n+2 = 6·{n}+2 = {weighted}: 1 convolution in the stem, 3 stages of n={n} blocks of "
            "2 convolutions, 1 linear layer"
        )
    blocks = "+".join(map(str, config.blocks_per_stage))
    return (
        f"1+({blocks})·{per_block}+1 = {weighted}: 1 convolution in the stem, {blocks} blocks of "
        f"{per_block} convolutions, 1 linear layer"
    )


def count_activation_bytes(
    config: NetworkConfig, batch_size: int, bytes_per_number: int = 4
) -> int:
    """Bytes that a training step keeps from its forward pass for its backward pass, by formula.

    The images; each convolution's output, which its BN differentiates; the output of each ReLU, of
    which there is one for each BN outside the shortcuts; BN's mean and deviation of each channel;
    max pooling's output and the places of its maxima (8 bytes each); the linear layer's input.
    Additions and option A keep nothing. Holds for the paper's blocks, plain or residual.

    Args:
        config: the network, at its `input_size`.
        batch_size: images in the step.
        bytes_per_number: 4 in single precision.
    """
    layers = describe_network(config).layers
    statistics = sum(2 * layer.out_channels for layer in layers if layer.type == "batch_norm")
    numbers = config.in_channels * config.input_size**2 + layers[-1].in_channels
    numbers += sum(_count_outputs(layer) for layer in layers if _is_kept(layer))
    places = sum(_count_outputs(layer) for layer in layers if layer.type == "max_pool")
    return batch_size * (bytes_per_number * numbers + 8 * places) + bytes_per_number * statistics


def _is_kept(layer: Layer) -> bool:
    """Whether the layer's output, or that of the ReLU behind it, is kept once more."""
    if layer.type == "batch_norm":
        return ".downsample" not in layer.name
    return layer.type in ("conv", "max_pool")


def _count_outputs(layer: Layer) -> int:
    return layer.out_channels * layer.output_size**2
