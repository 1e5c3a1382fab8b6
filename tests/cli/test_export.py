import json
from pathlib import Path

import pytest
import tyro

from reslab.cli.export import Export
from reslab.data.sources.digits import load_digits
from reslab.errors import ConfigError, DataError, ReslabError
from reslab.export.runtimes import open_runtime
from reslab.networks.weights import save
from tests.export.making import build_classifier, skip_unless_installed

skip_unless_installed("onnxscript", "onnxruntime")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    save(build_classifier("resnet8 grey"), folder / "grey.safetensors")
    save(build_classifier("resnet20"), folder / "colour.safetensors")
    return folder / "grey.safetensors"


def _run(*arguments: str | Path) -> int:
    options = [str(argument) for argument in arguments]
    return tyro.cli(Export, args=options, config=(tyro.conf.OmitArgPrefixes,)).run()


def test_the_embedded_digits_check_a_grey_network(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "grey.onnx"
    assert _run(weights, out, "--preprocessing", "outside", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["images"] == len(load_digits().test)
    assert document["agreement_pct"] == 100
    assert document["path"] == str(out)
    assert open_runtime(out, "onnx").class_names == build_classifier("resnet8 grey").class_names
    with pytest.raises(ConfigError, match="--force"):
        _run(weights, out)
    assert _run(weights, out, "--force", "--count", "20") == 0
    assert "same prediction              20 of 20 images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("network", "options", "error", "message"),
    [
        ("grey", ["out.pt2"], ConfigError, r"ends in \.onnx"),
        ("grey", ["out.onnx", "--format", "torch-export"], ConfigError, r"ends in \.pt2"),
        ("grey", ["out.onnx", "--data", "digits", "--images", "x"], ConfigError, "exclude"),
        ("grey", ["out.onnx", "--calibration", "x"], ConfigError, "onnx-int8 only"),
        ("grey", ["out.onnx", "--data", "cifar10"], DataError, "--data-root"),
        ("grey", ["out.onnx", "--images", "nowhere.png"], DataError, r"nowhere\.png"),
        ("colour", ["out.onnx"], ConfigError, "real images are needed"),
        ("colour", ["out.onnx", "--data", "digits"], DataError, "channels"),
        ("missing", ["out.onnx"], ReslabError, r"missing\.safetensors"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    network: str,
    options: list[str],
    error: type[ReslabError],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        _run(weights.with_name(f"{network}.safetensors"), *options)
    assert list(tmp_path.iterdir()) == []
