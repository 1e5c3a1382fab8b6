"""`reslab export`: a network to where it will run."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from reslab.cli.options import Flag
from reslab.cli.output import print_json, print_line, print_message, print_table
from reslab.errors import ConfigError

if TYPE_CHECKING:
    from reslab.export.export import ExportReport
    from reslab.export.samples import Samples
    from reslab.networks.geometry import ImageGeometry

DIGITS_SIZE = 8


@dataclass(frozen=True, kw_only=True)
class Export:
    """Write a network as ONNX, quantised ONNX or a torch.export program, and check the file.

    The written file is run on real images beside the original: an FP32 file whose logits differ by
    more than 1e-4 of the largest, or an INT8 file that predicts otherwise too often, is an error
    and is not kept. The file carries class names, preprocessing and origin.

    Examples: `reslab export resnet20.safetensors resnet20.onnx --data cifar10 --data-root DIR`,
    `reslab export resnet50.safetensors resnet50.onnx --format onnx-int8 --images photos`.
    """

    weights: Positional[Path]
    """A reslab weights file."""
    out: Positional[Path]
    """The file to write: `.onnx`, or `.pt2` for torch-export."""
    format: Literal["onnx", "onnx-int8", "torch-export"] = "onnx"
    """`onnx`: FP32. `onnx-int8`: static quantisation, weights per channel. `torch-export`: a
    program that torch.export.load opens."""
    preprocessing: Literal["inside", "outside"] = "inside"
    """`inside`: the graph takes pixels of 0 to 255, uint8, [batch, channels, height, width].
    `outside`: it takes normalised float32; mean and std stand in the metadata."""
    images: tuple[Path, ...] = ()
    """Image files and folders to check on, and to calibrate INT8 on unless `--calibration` is
    given. Networks for grey images of 8×8 are checked on the embedded digits by default."""
    calibration: tuple[Path, ...] = ()
    """Image files and folders to calibrate INT8 on."""
    data: Literal["digits", "cifar10", "cifar100"] | None = None
    """Instead of `--images`: check on this data set's test part, calibrate on its training part."""
    data_root: Path | None = None
    """Folder of CIFAR's official binary files."""
    count: int = 512
    """Images to check on at most; evenly spread over those given."""
    min_agreement: float = 90.0
    """Per cent of the images on which INT8 must predict what the original does."""
    force: Flag = False
    """Replace OUT if it exists."""
    json: Flag = False
    """Print one JSON object: differences, agreement, size, images per second."""

    def run(self) -> int:
        """Export, check and print."""
        self._check_options()
        from reslab.export.export import ExportOptions, export_classifier  # noqa: PLC0415
        from reslab.networks.weights import load  # noqa: PLC0415

        classifier = load(self.weights)
        samples = self._take_samples(classifier.preprocessing.geometry)
        print_message(f"exporting {self.weights} and checking on {len(samples.check)} images")
        options = ExportOptions(
            format=self.format,
            preprocessing_inside=self.preprocessing == "inside",
            min_int8_agreement_pct=self.min_agreement,
        )
        report = export_classifier(classifier, self.out, samples, options)
        if self.json:
            print_json(report.to_document())
        else:
            _print_report(report, self.weights)
        return 0

    def _check_options(self) -> None:
        if self.out.exists() and not self.force:
            raise ConfigError(f"{self.out} exists: choose another name, or add --force")
        suffix = ".pt2" if self.format == "torch-export" else ".onnx"
        if self.out.suffix != suffix:
            raise ConfigError(f"{self.out}: the name of a file in this format ends in {suffix}")
        if self.images and self.data:
            raise ConfigError("--images and --data exclude each other: choose one")
        if self.calibration and self.format != "onnx-int8":
            raise ConfigError("--calibration is for --format onnx-int8 only: leave it out")

    def _take_samples(self, geometry: "ImageGeometry") -> "Samples":
        from reslab.export.samples import (  # noqa: PLC0415
            CALIBRATION_COUNT,
            Samples,
            take_dataset,
            take_files,
        )

        if self.images:
            check = take_files(self.images, geometry, self.count)
        else:
            name = self.data or _embedded_data(geometry)
            samples = take_dataset(name, self.data_root, geometry, self.count)
            if not self.calibration:
                return samples
            check = samples.check
        if self.format != "onnx-int8":
            return Samples(check, check)
        paths = self.calibration or self.images
        return Samples(take_files(paths, geometry, CALIBRATION_COUNT), check)


def _embedded_data(geometry: "ImageGeometry") -> str:
    if (geometry.channels, geometry.crop) != (1, DIGITS_SIZE):
        raise ConfigError(
            "real images are needed to check the export on: give --images FOLDER, or "
            "--data cifar10 --data-root DIR"
        )
    return "digits"


def _print_report(report: "ExportReport", weights: Path) -> None:
    agreement = report.agreement
    print_line(f"{report.path}: {report.format}, {report.bytes:,} bytes")
    print_line(f"original                     {weights.stat().st_size:,} bytes")
    print_line(f"largest logit difference     {agreement.largest_absolute_difference:.2e}")
    print_line(f"relative to largest logit    {agreement.largest_relative_difference:.2e}")
    print_line(
        f"same prediction              {agreement.same_predictions:,} of {agreement.images:,} "
        f"images ({agreement.agreement_pct:.2f} %)\n"
    )
    rows = [
        [batch, *(round(speeds[name].median, 1) for name in ("original", "exported"))]
        for batch, speeds in report.speeds.items()
    ]
    columns = ["batch", "original (PyTorch)", f"exported ({report.engine})"]
    print_table("images per second", columns, rows)
