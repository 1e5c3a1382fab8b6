"""A network as its diagram draws it: boxes in blocks, with what leads around each block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from reslab.networks.complexity import Layer, NetworkDescription
from reslab.networks.config import NO_SHORTCUT, NetworkConfig

DRAWN_LAYERS = ("conv", "max_pool", "average_pool", "linear")
DOWNSAMPLE = ".downsample"


@dataclass(frozen=True, kw_only=True)
class Shortcut:
    """What leads around a block."""

    changes_dimensions: bool
    """Dotted in the paper's figure; the others are solid."""
    text: str
    """What stands beside it; empty for the identity."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A layer of stem or head, or a block; or several blocks that are all alike and not drawn."""

    boxes: tuple[str, ...]
    """One text for each layer that is drawn."""
    size: int
    """Height and width of what comes out."""
    stage: int | None = None
    """From 0; None for stem and head."""
    shortcut: Shortcut | None = None
    left_out: int = 0
    """How many blocks this one stands for, none of them drawn."""


def list_parts(config: NetworkConfig, description: NetworkDescription) -> list[Part]:
    """Every block of a network, stem and head, in order."""
    parts = []
    for name, group in groupby(description.layers, key=lambda layer: _block_of(layer.name)):
        layers = list(group)
        if name is None:
            parts += [Part(boxes=_boxes([layer]), size=layer.output_size) for layer in layers]
        else:
            parts.append(_block(config, layers, int(name.partition(".")[0][5:]) - 1))
    # A batch normalisation alone, behind blocks that activate first, is not drawn.
    return [part for part in parts if part.boxes]


def fold(parts: Sequence[Part], shown: int = 3) -> list[Part]:
    """Leave out the middle of more than `shown` blocks that are alike."""
    folded: list[Part] = []
    for part, group in groupby(parts):
        count = len(list(group))
        if part.stage is None or count <= shown:
            folded += [part] * count
            continue
        left_out = count - shown + 1
        middle = Part(boxes=(), size=part.size, stage=part.stage, left_out=left_out)
        folded += [*[part] * (shown - 2), middle, part]
    return folded


def _block_of(name: str) -> str | None:
    words = name.split(".")
    return ".".join(words[:2]) if len(words) > 2 and words[0].startswith("layer") else None


def _block(config: NetworkConfig, layers: Sequence[Layer], stage: int) -> Part:
    around = [layer for layer in layers if DOWNSAMPLE in layer.name]
    inside = [layer for layer in layers if DOWNSAMPLE not in layer.name]
    shortcut = None if config.shortcut == NO_SHORTCUT else _shortcut(inside, around)
    size = inside[-1].output_size
    return Part(boxes=_boxes(inside) or (config.block,), size=size, stage=stage, shortcut=shortcut)


def _shortcut(inside: Sequence[Layer], around: Sequence[Layer]) -> Shortcut:
    widens = inside[0].in_channels != inside[-1].out_channels
    shrinks = any((layer.stride or 1) > 1 for layer in inside)
    texts = [_text(layer) for layer in around if layer.type != "batch_norm"]
    return Shortcut(changes_dimensions=widens or shrinks, text=" · ".join(texts))


def _boxes(layers: Sequence[Layer]) -> tuple[str, ...]:
    return tuple(_text(layer) for layer in layers if layer.type in DRAWN_LAYERS)


def _text(layer: Layer) -> str:
    return ", ".join(_words(layer))


def _words(layer: Layer) -> Iterator[str]:
    match layer.type:
        case "conv":
            yield f"{layer.kernel}×{layer.kernel} conv"
            yield str(layer.out_channels)
        case "linear":
            yield f"fc {layer.out_channels}"
        case "max_pool":
            yield "pool"
        case "average_pool":
            yield "avg pool"
        case "zero_padding":
            yield "zeros"
        case other:
            yield other
    if (layer.stride or 1) > 1:
        yield f"/{layer.stride}"
