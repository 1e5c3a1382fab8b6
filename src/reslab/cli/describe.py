"""`reslab describe`: the layer table of a network."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from reslab.cli.options import Flag
from reslab.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from reslab.networks.complexity import Layer, NetworkDescription
    from reslab.networks.config import NetworkConfig


@dataclass(frozen=True, kw_only=True)
class Describe:
    """Print the layer table of a network: sizes, parameters, multiply-adds, shortcuts.

    Examples: `reslab describe resnet20`, `reslab describe resnet50 --json`,
    `reslab describe resnet32 --shortcut B`, `reslab describe plain20 --input-size 8`,
    `reslab describe resnet34 --diagram resnet34.svg`.
    """

    name: Positional[str]
    """A network: `resnet20`, `plain56`, any other 6n+2; `resnet50` (the paper's stride),
    `resnet50-v1.5` (torchvision's). Or a reslab weights file, which says all the rest itself."""
    shortcut: str | None = None
    """A (zero padding), A-split, B (projection where dimensions change) or C (projections)."""
    width: int | None = None
    """Channels of the first stage: 16 for CIFAR, 64 for ImageNet by default."""
    num_classes: int | None = None
    """Outputs: 10 for CIFAR, 1000 for ImageNet by default."""
    in_channels: int = 3
    """3 for colour images, 1 for grey."""
    input_size: int | None = None
    """Height and width of the images: 32 for CIFAR, 224 for ImageNet by default."""
    diagram: Path | None = None
    """Draw the network as the paper's Figure 3 does, into this SVG file."""
    json: Flag = False
    """Print one JSON object instead of the table."""

    def run(self) -> int:
        """Describe and print."""
        from reslab.networks.complexity import describe_network  # noqa: PLC0415

        config = self._find()
        description = describe_network(config)
        if self.diagram is not None:
            from reslab.report.diagram import save_diagram  # noqa: PLC0415

            save_diagram(config, self.diagram)
        if self.json:
            print_json(description.to_document())
        else:
            _print_description(description)
        return 0

    def _find(self) -> "NetworkConfig":
        from reslab.networks.catalogue import find_network  # noqa: PLC0415
        from reslab.networks.weights import load  # noqa: PLC0415

        if Path(self.name).is_file():
            return load(self.name).network.config
        return find_network(
            self.name,
            shortcut=self.shortcut,
            width=self.width,
            num_classes=self.num_classes,
            in_channels=self.in_channels,
            input_size=self.input_size,
        )


def _print_description(description: "NetworkDescription") -> None:
    columns = ["name", "type", "kernel", "stride", "padding"]
    columns += ["in", "out", "output", "params", "macs"]
    rows = [_row(layer) for layer in description.layers]
    print_table(f"{description.name} ({description.family})", columns, rows)
    identity, projection = description.shortcuts["identity"], description.shortcuts["projection"]
    print_line(f"\nparameters       {description.params:,}")
    print_line(f"multiply-adds    {description.macs:,} for one image")
    print_line(f"weighted layers  {description.depth_formula}")
    print_line(
        f"shortcuts        {identity} identity ({description.zero_padded_shortcuts} of them "
        f"zero-padded), {projection} projection"
        + (f", {description.other_shortcuts} other" if description.other_shortcuts else "")
    )


def _row(layer: "Layer") -> list[str | int | None]:
    window = [layer.kernel, layer.stride, layer.padding]
    channels = [layer.in_channels, layer.out_channels]
    output = f"{layer.output_size}×{layer.output_size}"
    return [layer.name, layer.type, *window, *channels, output, layer.params, layer.macs]
