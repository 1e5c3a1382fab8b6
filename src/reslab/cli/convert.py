"""`reslab convert`: weights from and to other libraries."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from tyro.conf import Positional

from reslab.cli.options import Flag, Floats
from reslab.cli.output import print_json, print_line, print_message
from reslab.errors import ConfigError, WeightsError

if TYPE_CHECKING:
    from torch import Tensor

    from reslab.networks.classifier import Classifier
    from reslab.networks.config import NetworkConfig

Origin = Literal["reslab", "akamaster", "torchvision", "timm", "hugging-face", "plain", "ordered"]
Target = Literal["reslab", "torchvision", "hugging-face"]


@dataclass(frozen=True, kw_only=True)
class Convert:
    """Turn another library's weights into one reslab file, or a reslab file into theirs.

    Strict: every tensor finds its place with its shape, or nothing is written and the likely cause
    is named. What tensors cannot show (strides, padding, preprocessing) is printed and recorded.

    Examples: `reslab convert resnet20-12fca82f.th resnet20.safetensors`,
    `reslab convert plain56.pt plain56.safetensors --from ordered --as plain56
    --mean 0.49,0.48,0.45 --std 0.25,0.24,0.26`,
    `reslab convert resnet50.safetensors resnet50-folder --to hugging-face`.
    """

    source: Annotated[Positional[Path], tyro.conf.arg(metavar="IN")]
    """A state dict (.pth, .pt, .th, .safetensors), a folder of Hugging Face or timm, or a file of
    reslab's."""
    out: Annotated[Positional[Path], tyro.conf.arg(metavar="OUT")]
    """The file to write; a folder for `--to hugging-face`."""
    origin: Annotated[Origin | None, tyro.conf.arg(name="from")] = None
    """Where IN comes from; recognised from IN by default. `ordered` matches any CIFAR checkpoint by
    the order and shape of its tensors; `plain` has torchvision's names. Both need `--as`."""
    network: Annotated[str | None, tyro.conf.arg(name="as")] = None
    """The architecture, such as `plain56`, where IN does not show it."""
    shortcut: str | None = None
    """With `--as`: A (zeros after), A-split, B or C; by default projections are seen in the
    tensors, and without any it is A."""
    num_classes: int | None = None
    """With `--as` and `--shortcut`: outputs, where they are not the usual 10 or 1000."""
    target: Annotated[Target, tyro.conf.arg(name="to")] = "reslab"
    """What to write."""
    mean: Floats | None = None
    """Mean of the pixels in [0, 1], one number a channel, in place of what IN implies."""
    std: Floats | None = None
    """Standard deviation, likewise."""
    class_names: str | None = None
    """`cat,dog,…`, or a text file with one name a line."""
    force: Flag = False
    """Overwrite OUT."""
    json: Flag = False
    """Print one JSON object instead of text."""

    def run(self) -> int:
        """Convert, write and say what was decided."""
        from reslab.networks.conversion.convert import convert_weights  # noqa: PLC0415

        self._require_free()
        classifier = convert_weights(
            self.source,
            origin=self.origin,
            network=self._describe_network(),
            mean=self.mean,
            std=self.std,
            class_names=None if self.class_names is None else _read_names(self.class_names),
            show_names=_print_names if self.origin == "ordered" else None,
        )
        digest = self._write(classifier)
        self._report(classifier, digest)
        return 0

    def _require_free(self) -> None:
        if self.out.exists() and not self.force:
            raise ConfigError(f"{self.out} exists already: choose another name or add --force")
        if self.out.is_dir() and self.target != "hugging-face":
            raise ConfigError(f"{self.out} is a folder, but --to {self.target} writes a file")
        if not self.out.absolute().parent.is_dir():
            raise ConfigError(f"the folder {self.out.parent} does not exist: make it first")

    def _describe_network(self) -> "NetworkConfig | str | None":
        from reslab.networks.catalogue import find_network  # noqa: PLC0415

        if self.shortcut is None and self.num_classes is None:
            return self.network
        if self.network is None:
            raise ConfigError("--shortcut and --num-classes describe a network: name it with --as")
        return find_network(self.network, shortcut=self.shortcut, num_classes=self.num_classes)

    def _write(self, classifier: "Classifier") -> str | None:
        from reslab.networks.conversion.write import (  # noqa: PLC0415
            write_hugging_face,
            write_torchvision,
        )
        from reslab.networks.weights import save  # noqa: PLC0415

        try:
            if self.target == "reslab":
                return save(classifier, self.out)
            if self.target == "torchvision":
                write_torchvision(classifier, self.out)
            else:
                write_hugging_face(classifier, self.out)
        except OSError as error:
            raise WeightsError(f"cannot write {self.out}: {error.strerror or error}") from error
        return None

    def _report(self, classifier: "Classifier", digest: str | None) -> None:
        config, geometry = classifier.network.config, classifier.preprocessing.geometry
        mean = _numbers(classifier.preprocessing.mean)
        std = _numbers(classifier.preprocessing.std)
        details = classifier.provenance.details
        if self.json:
            print_json(
                {
                    "out": str(self.out), "to": self.target, "digest": digest,
                    "network": config.name, "block": config.block, "shortcut": config.shortcut,
                    "blocks_per_stage": config.blocks_per_stage,
                    "num_classes": config.num_classes, "mean": mean, "std": std,
                    "resize": geometry.resize, "crop": geometry.crop,
                    "interpolation": geometry.interpolation,
                    "source": classifier.provenance.source, "provenance": details,
                }
            )  # fmt: skip
            return
        print_line(
            f"{self.out}: {config.name}, block {config.block}, shortcut {config.shortcut}, "
            f"{config.num_classes} classes; {classifier.provenance.source}"
        )
        resize = "no resizing" if geometry.resize is None else f"resize {geometry.resize}"
        print_line(
            f"  images: {resize}, crop {geometry.crop}, mean {_round(mean)}, std {_round(std)}"
        )
        for choice, reason in details.get("choices", {}).items():
            print_line(f"  {choice}: {reason}")
        if self.target == "torchvision":
            print_message(
                "This file has no room for preprocessing and class names: keep the above."
            )


def _print_names(names: Sequence[tuple[str, str, tuple[int, ...]]]) -> None:
    width = max(len(theirs) for theirs, _, _ in names)
    for theirs, ours, shape in names:
        place = "no place" if ours.removesuffix(" (left over)") == theirs else ours
        print_message(f"{theirs:<{width}}  →  {place}  {shape}")


def _numbers(values: "Tensor") -> list[float]:
    # float32 holds seven digits; the rest of its decimals is noise.
    return [float(f"{value:.7g}") for value in values.flatten().tolist()]


def _round(numbers: list[float]) -> str:
    return ", ".join(f"{number:.4g}" for number in numbers[:3])


def _read_names(names: str) -> tuple[str, ...]:
    path = Path(names)
    try:
        if "," not in names and path.is_file():
            return tuple(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the class names in {path}: {error}") from error
    return tuple(name.strip() for name in names.split(","))
