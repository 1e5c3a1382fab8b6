"""A classifier to a file of another format, which is kept only if it answers as the classifier."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from reslab.errors import ConfigError, ExportError
from reslab.evaluation.classifier_runtime import ClassifierRuntime
from reslab.evaluation.runtime import Runtime
from reslab.export.describe import describe_classifier
from reslab.export.parity import Agreement, compare
from reslab.export.quantise import quantise_onnx
from reslab.export.run_onnx import OnnxRuntime
from reslab.export.run_torch import ProgramRuntime
from reslab.export.samples import Images, Samples
from reslab.export.speed import Speed, measure_speeds
from reslab.export.write_onnx import attach_description, build_onnx
from reslab.export.write_program import write_program
from reslab.files.atomic import write_atomically
from reslab.networks.classifier import Classifier

ExportFormat = Literal["onnx", "onnx-int8", "torch-export"]

MAX_RELATIVE_DIFFERENCE = 1e-4
"""Of FP32 logits; a few hundred times what the order of additions makes out."""

SPEED_BATCHES = (1, 64)


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What to make of a classifier."""

    format: ExportFormat = "onnx"
    """`onnx`; `onnx-int8`, quantised; `torch-export`, a program for PyTorch."""
    preprocessing_inside: bool = True
    """Whether the graph takes pixels or normalised images."""
    min_int8_agreement_pct: float = 90.0
    """Of INT8 predictions; where the network is torn between two classes, either may come out."""
    speed_seconds: float = 1.0
    """How long each batch size is timed; two calls may take longer."""


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """What was written, and how it compares with the original in eager PyTorch."""

    format: ExportFormat
    path: Path
    bytes: int
    engine: str
    """What ran the exported file."""
    agreement: Agreement
    speeds: dict[int, dict[str, Speed]]
    """By batch size, `original` and `exported`."""

    def to_document(self) -> dict[str, Any]:
        """The report in plain JSON types."""
        return {
            "format": self.format,
            "path": str(self.path),
            "bytes": self.bytes,
            "engine": self.engine,
            **asdict(self.agreement),
            "agreement_pct": self.agreement.agreement_pct,
            "images_per_second": {
                str(batch): {name: speed.median for name, speed in speeds.items()}
                for batch, speeds in self.speeds.items()
            },
        }


def export_classifier(
    classifier: Classifier, path: Path, samples: Samples, options: ExportOptions
) -> ExportReport:
    """Write a classifier in another format, run what was written, and compare.

    BN is folded into the convolutions in every format. An older file at `path` is replaced.

    Args:
        classifier: what to export, on the CPU.
        path: where to.
        samples: real images, to calibrate INT8 on and to compare the two on.
        options: which format, and when it is good enough.

    Raises:
        ExportError: if it cannot be exported, or disagrees with the classifier; `path` is then as
            it was.
        ConfigError: if the folder of `path` does not exist.
    """
    if not path.parent.is_dir():
        raise ConfigError(f"the folder {path.parent} does not exist: make it first")
    original = ClassifierRuntime(classifier)
    with TemporaryDirectory() as folder:
        draft = Path(folder) / f"draft{'.pt2' if options.format == 'torch-export' else '.onnx'}"
        exported = _write(classifier, draft, samples.calibration, options)
        agreement = compare(original, exported, samples.check)
        _require_agreement(agreement, options)
        speeds = _measure(original, exported, samples.check, options.speed_seconds)
        content = draft.read_bytes()
    try:
        write_atomically(path, content)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror}") from error
    return ExportReport(
        format=options.format,
        path=path,
        bytes=len(content),
        engine=exported.name,
        agreement=agreement,
        speeds=speeds,
    )


def _write(
    classifier: Classifier, path: Path, calibration: Images, options: ExportOptions
) -> Runtime:
    inside = options.preprocessing_inside
    if options.format == "torch-export":
        write_program(classifier, path, preprocessing_inside=inside)
        return ProgramRuntime(path)
    model = build_onnx(classifier, preprocessing_inside=inside)
    description = describe_classifier(classifier, "fp32", preprocessing_inside=inside)
    if options.format == "onnx-int8":
        model = quantise_onnx(model, description, calibration)
        description = replace(description, precision="int8")
    attach_description(model, description)
    path.write_bytes(model.SerializeToString())
    return OnnxRuntime(path)


def _require_agreement(agreement: Agreement, options: ExportOptions) -> None:
    if options.format == "onnx-int8":
        if agreement.agreement_pct < options.min_int8_agreement_pct:
            raise ExportError(
                f"the INT8 network agrees with the original on {agreement.agreement_pct:.1f} % of "
                f"{agreement.images} images, less than {options.min_int8_agreement_pct:g} %: "
                "calibrate on more images, and on such as the network was trained for. Nothing was "
                "written."
            )
    elif agreement.largest_relative_difference > MAX_RELATIVE_DIFFERENCE:
        raise ExportError(
            f"the exported network's logits differ from the original's by up to "
            f"{agreement.largest_relative_difference:.1e} of the largest, more than "
            f"{MAX_RELATIVE_DIFFERENCE:g}: this is a defect of the export. Nothing was written."
        )


def _measure(
    original: Runtime, exported: Runtime, images: Images, seconds: float
) -> dict[int, dict[str, Speed]]:
    runtimes = {"original": original, "exported": exported}
    batches = {size: np.resize(images, (size, *images.shape[1:])) for size in SPEED_BATCHES}
    return {
        size: measure_speeds(
            runtimes, batch, rounds=5, block_seconds=seconds / 10, max_seconds=seconds
        )
        for size, batch in batches.items()
    }
