import re
from pathlib import Path

import numpy as np
import pytest

from reslab.data.sources.cifar import CIFAR10, load_cifar
from reslab.errors import ConfigError, ExportError
from reslab.export.export import ExportFormat, ExportOptions, export_classifier
from reslab.export.runtimes import open_runtime
from reslab.export.samples import Samples, take_dataset
from reslab.networks.conversion.convert import convert_weights
from tests.export.making import build_classifier, draw_images, skip_unless_installed

skip_unless_installed("onnxscript", "onnxruntime")


CLASSIFIER = build_classifier("resnet8 grey")
IMAGES = draw_images(CLASSIFIER, 32)
SAMPLES = Samples(IMAGES, IMAGES)
FORMATS: tuple[ExportFormat, ...] = ("onnx", "onnx-int8", "torch-export")


@pytest.mark.parametrize("format_", FORMATS)
def test_the_report_tells_what_is_on_disk(format_: ExportFormat, tmp_path: Path) -> None:
    path = tmp_path / "out"
    options = ExportOptions(format=format_, speed_seconds=0.01)
    document = export_classifier(CLASSIFIER, path, SAMPLES, options).to_document()
    assert document["bytes"] == path.stat().st_size
    assert document["images"] == len(IMAGES)
    assert document["agreement_pct"] >= (90 if format_ == "onnx-int8" else 100)
    assert set(document["images_per_second"]) == {"1", "64"}
    assert list(tmp_path.iterdir()) == [path]


def test_a_disagreeing_export_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(b"precious")
    # Calibrated on black alone, every brighter pixel is cut off.
    samples = Samples(np.zeros_like(IMAGES), IMAGES)
    with pytest.raises(ExportError, match="Nothing was written"):
        export_classifier(CLASSIFIER, path, samples, ExportOptions(format="onnx-int8"))
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_a_network_that_answers_with_nan_is_not_exported(tmp_path: Path) -> None:
    broken = build_classifier("resnet8 grey")
    broken.network.fc.bias.data[0] = float("nan")
    with pytest.raises(ExportError, match="not finite"):
        export_classifier(broken, tmp_path / "a.onnx", SAMPLES, ExportOptions())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format_", ["onnx", "onnx-int8"])
def test_no_images(format_: ExportFormat, tmp_path: Path) -> None:
    nothing = Samples(IMAGES[:0], IMAGES[:0])
    with pytest.raises(ExportError, match="image"):
        export_classifier(CLASSIFIER, tmp_path / "a", nothing, ExportOptions(format=format_))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        export_classifier(CLASSIFIER, tmp_path / "no" / "a", SAMPLES, ExportOptions())


def test_a_published_network_loses_little_in_int8(shared: Path, tmp_path: Path) -> None:
    published = re.search(r"exactly: (\d\.\d\d) %", (shared / "README.md").read_text())
    assert published is not None
    classifier = convert_weights(shared / "reference" / "akamaster" / "resnet20-12fca82f.th")
    samples = take_dataset("cifar10", shared / "data", classifier.preprocessing.geometry, 256)
    options = ExportOptions(format="onnx-int8", speed_seconds=0.01)
    export_classifier(classifier, tmp_path / "a.onnx", samples, options)
    runtime = open_runtime(tmp_path / "a.onnx", "onnx")
    test = load_cifar(CIFAR10, shared / "data").test
    batches = np.split(test.images.numpy(), 20)
    predictions = np.concatenate([runtime.logits(batch).argmax(axis=1) for batch in batches])
    error_pct = 100 * float((predictions != test.labels.numpy()).mean())
    assert error_pct <= float(published[1]) + 0.3
