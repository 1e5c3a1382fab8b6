"""Each format of each network answers as the network, in every engine that runs it."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reslab.evaluation.classifier_runtime import ClassifierRuntime
from reslab.evaluation.runtime import Runtime
from reslab.export.describe import describe_classifier
from reslab.export.description import Precision
from reslab.export.engines import is_installed
from reslab.export.parity import compare
from reslab.export.quantise import quantise_onnx
from reslab.export.run_onnx import OnnxRuntime
from reslab.export.run_openvino import OpenVinoRuntime
from reslab.export.run_torch import ProgramRuntime
from reslab.export.write_onnx import attach_description, build_onnx
from reslab.export.write_program import write_program
from reslab.networks.classifier import Classifier
from tests.export.making import NETWORKS, build_classifier, draw_images, skip_unless_installed

skip_unless_installed("onnxscript", "onnxruntime")


needs_openvino = pytest.mark.skipif(
    not is_installed("openvino"), reason="OpenVINO is not installed"
)
LIMIT = 1e-4
INT8 = 3  # of onnx.TensorProto


@cache
def _build(name: str) -> tuple[Classifier, Any]:
    classifier = build_classifier(name)
    return classifier, build_onnx(classifier, preprocessing_inside=True)


def _write(
    model: Any, classifier: Classifier, path: Path, precision: Precision, *, inside: bool = True
) -> Path:
    description = describe_classifier(classifier, precision, preprocessing_inside=inside)
    attach_description(model, description)
    path.write_bytes(model.SerializeToString())
    return path


def _assert_equal_answers(classifier: Classifier, runtime: Runtime) -> None:
    side = classifier.preprocessing.geometry.crop
    for count, height in ((1, side), (5, side), (3, 2 * side)):
        images = draw_images(classifier, count, height)
        agreement = compare(ClassifierRuntime(classifier), runtime, images)
        assert agreement.largest_relative_difference < LIMIT
    assert runtime.class_names == classifier.class_names
    assert runtime.geometry == classifier.preprocessing.geometry


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx(name: str, tmp_path: Path) -> None:
    classifier, model = _build(name)
    path = _write(model, classifier, tmp_path / "a.onnx", "fp32")
    runtime = OnnxRuntime(path, threads=1)
    _assert_equal_answers(classifier, runtime)
    assert runtime.description.provenance["details"] == {"seed": 1}
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    assert str(Path(torch.__file__).parent).encode() not in path.read_bytes()


@needs_openvino
@pytest.mark.parametrize("name", ["resnet20 A-split", "resnet50", "resnet8 grey"])
def test_onnx_in_openvino(name: str, tmp_path: Path) -> None:
    classifier, model = _build(name)
    path = _write(model, classifier, tmp_path / "a.onnx", "fp32")
    _assert_equal_answers(classifier, OpenVinoRuntime(path, threads=1))


@pytest.mark.parametrize("name", NETWORKS)
def test_int8(name: str, tmp_path: Path) -> None:
    classifier, model = _build(name)
    images = draw_images(classifier, 48)
    description = describe_classifier(classifier, "fp32", preprocessing_inside=True)
    quantised = quantise_onnx(model, description, images)
    path = _write(quantised, classifier, tmp_path / "a.onnx", "int8")
    expected = ClassifierRuntime(classifier).logits(images)
    found = OnnxRuntime(path, threads=1).logits(images)
    assert _correlate(expected, found) > 0.85
    weights = [t for t in quantised.graph.initializer if t.name.endswith("weight_quantized")]
    layers = [node for node in model.graph.node if node.op_type in ("Conv", "Gemm")]
    assert [tensor.data_type for tensor in weights] == [INT8] * len(layers)
    # Seven bits, and a scale for each output channel.
    values = [np.frombuffer(tensor.raw_data, np.int8) for tensor in weights]
    assert max(int(np.abs(v.astype(int)).max()) for v in values) <= 64
    scales = {
        t.name: t.dims for t in quantised.graph.initializer if t.name.endswith("weight_scale")
    }
    assert all(len(dims) == 1 for dims in scales.values())


@needs_openvino
def test_int8_in_openvino(tmp_path: Path) -> None:
    classifier, model = _build("resnet20 A-split")
    images = draw_images(classifier, 48)
    description = describe_classifier(classifier, "fp32", preprocessing_inside=True)
    quantised = quantise_onnx(model, description, images)
    path = _write(quantised, classifier, tmp_path / "a.onnx", "int8")
    logits = OpenVinoRuntime(path, threads=1).logits(images)
    assert _correlate(OnnxRuntime(path, threads=1).logits(images), logits) > 0.99


@pytest.mark.parametrize("name", ["resnet20 A-split", "resnet50-v1.5", "resnet8 grey"])
def test_program(name: str, tmp_path: Path) -> None:
    classifier = build_classifier(name)
    path = tmp_path / "a.pt2"
    write_program(classifier, path, preprocessing_inside=True)
    _assert_equal_answers(classifier, ProgramRuntime(path))
    assert str(Path(torch.__file__).parent).encode() not in path.read_bytes()


def test_a_mean_per_pixel_inside_the_graph(tmp_path: Path) -> None:
    classifier = build_classifier("resnet8 grey", per_pixel_mean=True)
    model = build_onnx(classifier, preprocessing_inside=True)
    runtime = OnnxRuntime(_write(model, classifier, tmp_path / "a.onnx", "fp32"))
    agreement = compare(ClassifierRuntime(classifier), runtime, draw_images(classifier, 3))
    assert agreement.largest_relative_difference < LIMIT


@pytest.mark.parametrize("per_pixel_mean", [False, True])
def test_preprocessing_outside_the_graph(tmp_path: Path, per_pixel_mean: bool) -> None:
    classifier = build_classifier("resnet8 grey", per_pixel_mean=per_pixel_mean)
    model = build_onnx(classifier, preprocessing_inside=False)
    path = _write(model, classifier, tmp_path / "a.onnx", "fp32", inside=False)
    program = tmp_path / "a.pt2"
    write_program(classifier, program, preprocessing_inside=False)
    images = draw_images(classifier, 3)
    for runtime in (OnnxRuntime(path), ProgramRuntime(program)):
        agreement = compare(ClassifierRuntime(classifier), runtime, images)
        assert agreement.largest_relative_difference < LIMIT
    assert model.graph.input[0].type.tensor_type.elem_type == 1  # float32


def _correlate(expected: Any, found: Any) -> float:
    """Correlation of the logits about their means: does what tells images apart survive?"""
    centred = [(logits - logits.mean(axis=0)).ravel() for logits in (expected, found)]
    return float(np.corrcoef(*centred)[0, 1])
