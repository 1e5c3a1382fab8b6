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
_NAME = re.compile(
    r"(?P<cifar>cifar-)?(?P<kind>plain|resnet)(?P<depth>[1-9]\d{0,5})(?P<v15>-v1\.5)?"
)


def list_networks() -> list[str]:
    """The names that the paper uses; any other 6n+2 is understood too."""
    cifar = [f"{kind}{depth}" for kind in ("plain", "resnet") for depth in CIFAR_DEPTHS]
    return [*cifar, *IMAGENET_NETWORKS]


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

    Args:
        name: `plain` or `resnet` and the depth; `-v1.5` puts a bottleneck's stride on its 3×3.
        shortcut: `A`, `A-split`, `B` or `C`; by default A in the CIFAR family (§4.2) and B in the
            ImageNet family (as in the public weights).
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
    elif match["v15"]:
        raise ConfigError(_unknown_name(name))
    else:
        default_shortcut, describe = "A", cifar_network
    sizes = {"width": width, "num_classes": num_classes, "input_size": input_size}
    return describe(
        int(match["depth"]),
        name=name,
        shortcut=NO_SHORTCUT if is_plain else shortcut or default_shortcut,
        in_channels=in_channels,
        **{option: size for option, size in sizes.items() if size is not None},
    )


def cifar_name(kind: str, depth: int) -> str:
    """The name of the CIFAR net of a kind (`plain`, `resnet`) and depth."""
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
    """A network of §4.2: 6n+2 layers, three stages of n basic blocks, widths w, 2w, 4w.

    Raises:
        ConfigError: if `depth` is not 6n+2 for an n of at least 1.
    """
    n, remainder = divmod(depth - 2, 6)
    if remainder or n < 1:
        below = max(n, 1)
        raise ConfigError(
            f"{name}: {depth} is not 6n+2, so there is no such network in the CIFAR family; "
            f"the nearest depths are {6 * below + 2} and {6 * below + 8}"
        )
    return NetworkConfig(
        name=name,
        stem="cifar",
        block="basic",
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


def _unknown_name(name: str) -> str:
    close = difflib.get_close_matches(name, list_networks(), n=3)
    suggestion = (
        f"did you mean {', '.join(close)}?" if close else "try resnet20, plain56, resnet50."
    )
    return (
        f"there is no network called {name!r}: {suggestion} A name is `plain` or `resnet` and a "
        "depth: 6n+2 for CIFAR; 18, 34, 50, 101 or 152 for ImageNet."
    )
