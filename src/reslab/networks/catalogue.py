"""From a name, such as `plain56` or `resnet50`, to a network's description."""

import difflib
import re

from reslab.errors import ConfigError
from reslab.networks.config import NO_SHORTCUT, NetworkConfig

# Blocks per stage of Table 1: conv2_x to conv5_x.
IMAGENET_BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
IMAGENET_NETWORKS = (
    "plain18", "plain34", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
    "resnet50-v1.5", "resnet101-v1.5", "resnet152-v1.5",
)  # fmt: skip
CIFAR_DEPTHS = (20, 32, 44, 56, 110, 1202)
# He et al. 2016b, Tables 2 and 3; its ResNet-164 and ResNet-1001 have bottlenecks.
PREACTIVATION_NETWORKS = (
    "resnet164-bottleneck", "preresnet110", "preresnet164-bottleneck", "preresnet1001-bottleneck",
)  # fmt: skip
CIFAR_BLOCKS = {
    (False, False): "basic",
    (False, True): "bottleneck",
    (True, False): "preactivation",
    (True, True): "preactivation-bottleneck",
}
_NAME = re.compile(
    r"(?P<cifar>cifar-)?(?P<kind>plain|resnet|preresnet)(?P<depth>[1-9]\d{0,5})"
    r"(?P<variant>-v1\.5|-bottleneck)?"
)


def list_networks() -> list[str]:
    """The names of the paper and of He et al. 2016b; any other 6n+2 is understood too."""
    cifar = [f"{kind}{depth}" for kind in ("plain", "resnet") for depth in CIFAR_DEPTHS]
    return [*cifar, *PREACTIVATION_NETWORKS, *IMAGENET_NETWORKS]


def find_network(
    name: str,
    *,
    shortcut: str | None = None,
    width: int | None = None,
    num_classes: int | None = None,
    in_channels: int = 3,
    input_size: int | None = None,
) -> NetworkConfig:
    """Describe the network called `name`.

    `resnet50` and `resnet152` are the ImageNet networks; `cifar-resnet50` is 6·8+2 on CIFAR-10.
    `preresnet` is the CIFAR net with full pre-activation blocks (He et al. 2016b).

    Args:
        name: `plain`, `resnet` or `preresnet` and the depth; `-v1.5` puts an ImageNet bottleneck's
            stride on its 3×3; `-bottleneck` takes bottlenecks in the CIFAR family, with 9n+2 layers
            (He et al. 2016b: `resnet164-bottleneck`, `preresnet1001-bottleneck`).
        shortcut: `A`, `A-split`, `B`, `C` or another registered name; by default A in the CIFAR
            family (§4.2), B in the ImageNet family (as in the public weights) and B-1x1 around
            pre-activation blocks (as in their authors' code).
        width: channels of the first stage; by default 16 (CIFAR) or 64 (ImageNet).
        num_classes: by default 10 (CIFAR) or 1000 (ImageNet).
        in_channels: 3 for colour, 1 for grey.
        input_size: height and width of the images; by default 32 (CIFAR) or 224 (ImageNet).

    Raises:
        ConfigError: if there is no such network, or a plain net is asked to have shortcuts.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ConfigError(_unknown_name(name))
    is_plain = match["kind"] == "plain"
    if is_plain and shortcut not in (None, NO_SHORTCUT):
        raise ConfigError(
            f"{name} is a plain net and has no shortcuts: leave the shortcut out, "
            f"or take resnet{match['depth']}"
        )
    if name in IMAGENET_NETWORKS:
        default_shortcut, describe = "B", imagenet_network
    elif match["variant"] == "-v1.5":
        raise ConfigError(_unknown_name(name))
    else:
        default_shortcut, describe = "A", cifar_network
    if match["kind"] == "preresnet":
        default_shortcut = "B-1x1"
    sizes = {"width": width, "num_classes": num_classes, "input_size": input_size}
    return describe(
        int(match["depth"]),
        name=name,
        shortcut=NO_SHORTCUT if is_plain else shortcut or default_shortcut,
        in_channels=in_channels,
        **{option: size for option, size in sizes.items() if size is not None},
    )


def cifar_name(kind: str, depth: int) -> str:
    """The name of the CIFAR net of a kind (`plain`, `resnet`, `preresnet`) and depth."""
    name = f"{kind}{depth}"
    return f"cifar-{name}" if name in IMAGENET_NETWORKS else name


def cifar_network(
    depth: int,
    *,
    name: str,
    shortcut: str,
    width: int = 16,
    num_classes: int = 10,
    in_channels: int = 3,
    input_size: int = 32,
) -> NetworkConfig:
    """A network of §4.2: three stages of n blocks, widths w, 2w, 4w.

    The name says which blocks: basic ones of two layers, 6n+2 in all, or bottlenecks of three,
    9n+2; activated last or first.

    Raises:
        ConfigError: if there is no n of at least 1 for `depth`.
    """
    is_bottleneck = name.endswith("-bottleneck")
    per_n = 9 if is_bottleneck else 6
    n, remainder = divmod(depth - 2, per_n)
    if remainder or n < 1:
        raise ConfigError(_wrong_depth(name, depth, per_n))
    return NetworkConfig(
        name=name,
        stem="cifar",
        block=CIFAR_BLOCKS["preresnet" in name, is_bottleneck],
        shortcut=shortcut,
        stem_width=width,
        blocks_per_stage=(n, n, n),
        stage_widths=(width, 2 * width, 4 * width),
        stage_strides=(1, 2, 2),
        num_classes=num_classes,
        in_channels=in_channels,
        input_size=input_size,
    )


def imagenet_network(
    depth: int,
    *,
    name: str,
    shortcut: str,
    width: int = 64,
    num_classes: int = 1000,
    in_channels: int = 3,
    input_size: int = 224,
) -> NetworkConfig:
    """A network of Table 1: four stages, widths w, 2w, 4w, 8w; bottlenecks from 50 layers on.

    Raises:
        ConfigError: if Table 1 has no such depth.
    """
    if depth not in IMAGENET_BLOCKS:
        raise ConfigError(f"{name}: Table 1 has the depths {', '.join(map(str, IMAGENET_BLOCKS))}")
    bottleneck = "bottleneck-v1.5" if name.endswith("-v1.5") else "bottleneck"
    return NetworkConfig(
        name=name,
        stem="imagenet",
        block=bottleneck if depth >= 50 else "basic",
        shortcut=shortcut,
        stem_width=width,
        blocks_per_stage=IMAGENET_BLOCKS[depth],
        stage_widths=(width, 2 * width, 4 * width, 8 * width),
        stage_strides=(1, 2, 2, 2),
        num_classes=num_classes,
        in_channels=in_channels,
        input_size=input_size,
    )


def _wrong_depth(name: str, depth: int, per_n: int) -> str:
    n = max((depth - 2) // per_n, 1)
    message = (
        f"{name}: {depth} is not {per_n}n+2, so there is no such network in the CIFAR family; "
        f"the nearest depths are {per_n * n + 2} and {per_n * (n + 1) + 2}"
    )
    if per_n == 6 and depth % 9 == 2:
        message += f"; {name}-bottleneck is 9·{depth // 9}+2"
    return message


def _unknown_name(name: str) -> str:
    close = difflib.get_close_matches(name, list_networks(), n=3)
    suggestion = (
        f"did you mean {', '.join(close)}?" if close else "try resnet20, plain56, resnet50."
    )
    return (
        f"there is no network called {name!r}: {suggestion} A name is `plain`, `resnet` or "
        "`preresnet` and a depth: 6n+2 for CIFAR (9n+2 with `-bottleneck`); 18, 34, 50, 101 or 152 "
        "for ImageNet."
    )
