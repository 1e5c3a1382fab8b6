"""The description from which every network is built, plain and residual alike."""

from dataclasses import dataclass
from typing import Literal

from reslab.errors import ConfigError

NO_SHORTCUT = "none"
MAX_BLOCKS = 10_000
MAX_SIZE = 1 << 20
"""No width, number of classes or image size of a real network is larger: what a damaged or hostile
file describes beyond that is not built."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """One network of He et al. 2016, §3.3 or §4.2; a plain net is the same without shortcuts."""

    name: str
    """Name in the catalogue, such as `resnet20`."""
    stem: Literal["cifar", "imagenet"]
    """`cifar`: 3×3, stride 1. `imagenet`: 7×7, stride 2, then 3×3 max pooling, stride 2."""
    block: str
    """Kind of block, a key of `reslab.networks.blocks.BLOCKS`."""
    shortcut: str
    """Kind of shortcut, a key of `reslab.networks.shortcuts.SHORTCUTS`; `none` is a plain net."""
    stem_width: int
    """Channels after the stem."""
    blocks_per_stage: tuple[int, ...]
    """Number of blocks in each stage."""
    stage_widths: tuple[int, ...]
    """Channels of the 3×3 convolutions in each stage."""
    stage_strides: tuple[int, ...]
    """Stride of the first block of each stage."""
    num_classes: int
    """Outputs of the last linear layer."""
    in_channels: int = 3
    """Channels of the images: 3 for colour, 1 for grey."""
    input_size: int
    """Height and width of the images the network is meant for; it takes others too."""

    def __post_init__(self) -> None:
        lengths = {len(self.blocks_per_stage), len(self.stage_widths), len(self.stage_strides)}
        if len(lengths) != 1 or lengths == {0}:
            raise ConfigError(
                f"network {self.name}: blocks_per_stage, stage_widths and stage_strides must have "
                f"one entry per stage, got {self.blocks_per_stage}, {self.stage_widths} and "
                f"{self.stage_strides}"
            )
        sizes = (
            self.stem_width, self.num_classes, self.in_channels, self.input_size,
            *self.blocks_per_stage, *self.stage_widths, *self.stage_strides,
        )  # fmt: skip
        if min(sizes) < 1:
            raise ConfigError(f"network {self.name}: every size must be at least 1, got {sizes}")
        if sum(self.blocks_per_stage) > MAX_BLOCKS or max(sizes) > MAX_SIZE:
            raise ConfigError(
                f"network {self.name}: at most {MAX_BLOCKS:,} blocks and sizes of {MAX_SIZE:,} are "
                f"built, got {sum(self.blocks_per_stage):,} and {max(sizes):,}"
            )

    @property
    def family(self) -> Literal["plain", "residual"]:
        """`plain` without shortcuts, `residual` with them."""
        return "plain" if self.shortcut == NO_SHORTCUT else "residual"
