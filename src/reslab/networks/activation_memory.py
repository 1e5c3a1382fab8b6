"""Memory that training needs for a network's maps, by formula."""

from itertools import accumulate

from reslab.networks.checkpointing import split_into_segments
from reslab.networks.complexity import Layer, describe_network
from reslab.networks.config import NetworkConfig


def count_activation_bytes(
    config: NetworkConfig,
    batch_size: int,
    bytes_per_number: int = 4,
    *,
    checkpoint_activations: bool = False,
) -> int:
    """Bytes that a training step keeps from its forward pass for its backward pass, by formula.

    The images; each convolution's output, which its BN differentiates; the output of each ReLU, of
    which there is one for each BN outside the shortcuts; BN's mean and deviation of each channel;
    max pooling's output and the places of its maxima (8 bytes each); the linear layer's input.
    Additions and option A keep nothing. Holds for the paper's blocks, plain or residual, with the
    shortcuts A, B and C, and for pre-activation blocks, in which the sum is kept in place of the
    last convolution's output.

    With checkpointed activations, the most that is kept at once: what the stem keeps, the segments'
    inputs, and what lies within the one segment that the backward pass has come to. There a
    pre-activation segment counts one map too many, the sum that the next segment keeps.

    Args:
        config: the network, at its `input_size`.
        batch_size: images in the step.
        bytes_per_number: 4 in single precision.
        checkpoint_activations: whether the network computes its blocks anew.
    """
    layers = describe_network(config).layers
    images = batch_size * bytes_per_number * config.in_channels * config.input_size**2
    pooled = batch_size * bytes_per_number * layers[-1].in_channels

    def kept(prefixes: tuple[str, ...] = ("",)) -> int:
        chosen = [layer for layer in layers if layer.name.startswith(prefixes)]
        return sum(count_kept(layer, batch_size, bytes_per_number) for layer in chosen)

    if not checkpoint_activations:
        return images + kept() + pooled
    stem = images + kept(("conv1", "bn1", "maxpool"))
    segments = _list_segments(config)
    # The first segment's input is the stem's output, counted there.
    inputs = [0, *(_count_output(layers, segment, batch_size) for segment in segments[:-1])]
    before = accumulate(bytes_per_number * numbers for numbers in inputs)
    return stem + max(b + kept(segment) for b, segment in zip(before, segments, strict=True))


def _list_segments(config: NetworkConfig) -> list[tuple[str, ...]]:
    """Prefixes of the blocks' layers, segment by segment."""
    return [
        tuple(f"layer{stage}.{position}." for position in positions)
        for stage, blocks in enumerate(config.blocks_per_stage, start=1)
        for positions in split_into_segments(blocks)
    ]


def _count_output(layers: tuple[Layer, ...], segment: tuple[str, ...], batch_size: int) -> int:
    """Numbers in the output of a segment, which is that of its last layer outside a shortcut."""
    last = [x for x in layers if x.name.startswith(segment) and ".downsample" not in x.name][-1]
    return batch_size * _count_outputs(last)


def count_kept(layer: Layer, batch_size: int, bytes_per_number: int) -> int:
    """Bytes kept of a layer's output, of the ReLU's behind it, and of BN's statistics."""
    total = batch_size * bytes_per_number * _count_outputs(layer) * _is_kept(layer)
    if layer.type == "batch_norm":
        total += 2 * bytes_per_number * layer.out_channels
    if layer.type == "max_pool":
        total += 8 * batch_size * _count_outputs(layer)
    return total


def _is_kept(layer: Layer) -> bool:
    """Whether the layer's output, or that of the ReLU behind it, is kept once more."""
    if layer.type == "batch_norm":
        return "downsample" not in layer.name
    # A convolution that is the whole shortcut has no BN behind it.
    return layer.type in ("conv", "max_pool") and not layer.name.endswith("downsample")


def _count_outputs(layer: Layer) -> int:
    return layer.out_channels * layer.output_size**2
