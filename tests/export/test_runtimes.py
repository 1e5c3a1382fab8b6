"""Opening files: the right engine, without PyTorch, and every wrong file refused in words."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reslab.errors import ConfigError, ExportError, ReslabError, WeightsError
from reslab.evaluation.classifier_runtime import ClassifierRuntime
from reslab.export.describe import describe_classifier
from reslab.export.description import METADATA_KEY
from reslab.export.engines import import_onnxruntime
from reslab.export.parity import compare
from reslab.export.quantise import quantise_onnx
from reslab.export.runtimes import open_runtime
from reslab.export.write_onnx import attach_description, build_onnx
from reslab.export.write_program import write_program
from reslab.networks.weights import save
from tests.export.making import build_classifier, draw_images, skip_unless_installed

skip_unless_installed("onnxscript", "onnxruntime", "openvino")

CLASSIFIER = build_classifier("resnet8 grey")
ENGINES = ("onnx", "openvino")

WITHOUT_TORCH = """
import sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(watch)
import numpy as np
from pathlib import Path
from reslab.export.runtimes import open_runtime
runtime = open_runtime(Path(sys.argv[1]), sys.argv[2])
assert runtime.logits(np.zeros((2, 1, 8, 8), np.uint8)).shape == (2, 10)
assert "torch" not in sys.modules
import os
assert os.environ.get("ORT_DISABLE_TELEMETRY", "1") == "1"
assert "openvino_telemetry" not in sys.modules
print(runtime.name)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artefacts")
    model = build_onnx(CLASSIFIER, preprocessing_inside=True)
    description = describe_classifier(CLASSIFIER, "fp32", preprocessing_inside=True)
    quantised = quantise_onnx(model, description, draw_images(CLASSIFIER, 32))
    (folder / "bare.onnx").write_bytes(model.SerializeToString())
    attach_description(model, description)
    (folder / "fp32.onnx").write_bytes(model.SerializeToString())
    attach_description(
        quantised, describe_classifier(CLASSIFIER, "int8", preprocessing_inside=True)
    )
    (folder / "int8.onnx").write_bytes(quantised.SerializeToString())
    save(CLASSIFIER, folder / "weights.safetensors")
    return folder


def test_weights_run_in_torch(folder: Path) -> None:
    runtime = open_runtime(folder / "weights.safetensors")
    assert runtime.name == "torch"
    agreement = compare(ClassifierRuntime(CLASSIFIER), runtime, draw_images(CLASSIFIER, 5))
    assert agreement.largest_relative_difference < 1e-4


@pytest.mark.parametrize(
    ("name", "runtime", "taken"),
    [
        ("fp32.onnx", "auto", "onnx"),
        ("int8.onnx", "auto", "openvino"),
        ("fp32.onnx", "openvino", "openvino"),
    ],
)
def test_onnx_files_run_without_torch_and_without_network(
    folder: Path, name: str, runtime: str, taken: str, tmp_path: Path
) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("CI", "ORT_DISABLE_TELEMETRY")}
    # Both engines would leave files of an identity behind in the home folder.
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / ".cache")}
    command = [sys.executable, "-c", WITHOUT_TORCH, str(folder / name), runtime]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == taken
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "runtime", "message"),
    [
        ("weights.safetensors", "onnx", "reslab export"),
        ("weights.safetensors", "openvino", "reslab export"),
        ("fp32.onnx", "torch", "onnx or openvino"),
        ("fp32.onnx", "tensorrt", "choose one of"),
    ],
)
def test_a_runtime_that_cannot_run_the_file(
    folder: Path, name: str, runtime: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        open_runtime(folder / name, runtime)


def test_a_program_is_not_opened(tmp_path: Path) -> None:
    write_program(CLASSIFIER, tmp_path / "a.pt2", preprocessing_inside=True)
    with pytest.raises(ConfigError, match="may run anything"):
        open_runtime(tmp_path / "a.pt2")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kept", [0, 1, 8, 100, 0.3, 0.9])
def test_truncated(folder: Path, tmp_path: Path, engine: str, kept: float) -> None:
    content = (folder / "fp32.onnx").read_bytes()
    length = int(kept * len(content)) if isinstance(kept, float) else kept
    (tmp_path / "cut.onnx").write_bytes(content[:length])
    with pytest.raises(ExportError, match=r"cut\.onnx"):
        open_runtime(tmp_path / "cut.onnx", engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_without_description(folder: Path, engine: str) -> None:
    with pytest.raises(ExportError, match="not made by `reslab export`"):
        open_runtime(folder / "bare.onnx", engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"format"', b'"former"'),
        (b'{"class_names":', b'["class_names":'),
        (b'"class 9,', b'"class 8","'),
    ],
)
def test_altered_description(
    folder: Path, tmp_path: Path, engine: str, before: bytes, after: bytes
) -> None:
    content = (folder / "fp32.onnx").read_bytes()
    assert content.count(before) == 1
    (tmp_path / "altered.onnx").write_bytes(_replace_same_length(content, before, after))
    with pytest.raises(ReslabError, match=r"altered\.onnx"):
        open_runtime(tmp_path / "altered.onnx", engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_fewer_class_names_than_outputs(folder: Path, tmp_path: Path, engine: str) -> None:
    onnx: Any = pytest.importorskip("onnx")
    model = onnx.load(folder / "fp32.onnx")
    (entry,) = model.metadata_props
    assert entry.key == METADATA_KEY
    document = json.loads(entry.value)
    document["class_names"].pop()
    entry.value = json.dumps(document)
    onnx.save(model, tmp_path / "few.onnx")
    with pytest.raises(ExportError, match="10 outputs, but 9 class names"):
        open_runtime(tmp_path / "few.onnx", engine)


def test_things_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    for path in (tmp_path, tmp_path / "missing.onnx", tmp_path / "pipe.onnx", Path("/dev/zero")):
        with pytest.raises(WeightsError, match="there is no file"):
            open_runtime(path)


def test_the_users_own_choice_of_telemetry_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    import_onnxruntime()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "0"


def _replace_same_length(content: bytes, before: bytes, after: bytes) -> bytes:
    # Protobuf notes lengths, so only the text itself may change.
    return content.replace(before, after.ljust(len(before)))
