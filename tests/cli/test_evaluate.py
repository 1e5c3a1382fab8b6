import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from reslab.cli.evaluate import Evaluate
from reslab.data.sources.digits import load_digits
from reslab.errors import ConfigError, DataError
from reslab.evaluation.accuracy import compute_accuracy
from reslab.networks.catalogue import find_network
from reslab.networks.classifier import Classifier, Provenance
from reslab.networks.conversion.convert import convert_weights
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing
from reslab.networks.resnet import build_network
from reslab.networks.weights import load, save

DIGITS = tuple("0123456789")


def _save(path: Path, class_names: tuple[str, ...] = DIGITS, channels: Any = 1) -> Path:
    config = find_network(
        "resnet8", width=4, num_classes=len(class_names), in_channels=channels, input_size=8
    )
    geometry = ImageGeometry(crop=8, channels=channels)
    preprocessing = Preprocessing((0.3,) * channels, (0.4,) * channels, geometry)
    provenance = Provenance(source="a test")
    save(Classifier(build_network(config), preprocessing, class_names, provenance), path)
    return path


def _evaluate(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    assert Evaluate(device="cpu", json=True, **options).run() == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_digits_give_the_accuracy_that_training_reports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = _save(tmp_path / "w.safetensors")
    found = _evaluate(capsys, weights=weights, data="digits")
    expected = compute_accuracy(load(weights), load_digits().test)
    assert found["n"] == expected.n == sum(map(sum, found["confusion"]))
    assert found["wrong"] == expected.wrong
    assert found["top1_error_pct"] == pytest.approx(expected.error_pct)
    low, high = found["top1_error_interval_pct"]
    assert low < found["top1_error_pct"] < high
    assert found["top5_error_pct"] <= found["top1_error_pct"]
    assert [row["name"] for row in found["per_class"]] == list(DIGITS)
    assert len(found["calibration"]["bins"]) == 15


def test_a_folder_of_class_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = _save(tmp_path / "w.safetensors", ("n01 cat", "n02 dog"))
    for name in ("n01", "n02"):
        (tmp_path / "images" / name).mkdir(parents=True)
        Image.new("RGB", (20, 10)).save(tmp_path / "images" / name / "image.png")
    found = _evaluate(capsys, weights=weights, data=str(tmp_path / "images"), protocol="ten-crop")
    assert (found["n"], found["wrong"]) == (2, 1)
    (tmp_path / "images/n03").mkdir()
    with pytest.raises(DataError, match="not named after a class: 'n03'"):
        Evaluate(weights=weights, data=str(tmp_path / "images")).run()


def test_the_summary_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Evaluate(weights=_save(tmp_path / "w.safetensors"), data="digits").run() == 0
    printed = capsys.readouterr().out
    assert f"of {len(load_digits().test)} wrong; 95 % interval" in printed
    assert "top-5 error" in printed


def test_classes_that_do_not_fit_are_refused_or_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match="digits has 10 classes, but the network tells 2 apart"):
        Evaluate(weights=_save(tmp_path / "2", ("a", "b")), data="digits").run()
    with pytest.raises(DataError, match="in another order"):
        Evaluate(weights=_save(tmp_path / "r", DIGITS[::-1]), data="digits").run()
    with pytest.raises(DataError, match="1 channels, but the network takes 3"):
        Evaluate(weights=_save(tmp_path / "c", channels=3), data="digits").run()
    words = tuple("zero one two three four five six seven eight nine".split())  # noqa: SIM905
    assert Evaluate(weights=_save(tmp_path / "w", words), data="digits").run() == 0
    assert "have other names" in capsys.readouterr().err


def test_options_that_contradict_are_refused(tmp_path: Path) -> None:
    weights = _save(tmp_path / "w.safetensors")
    with pytest.raises(ConfigError, match="is a folder: leave --data-root"):
        Evaluate(weights=weights, data="cifar", data_root=tmp_path).run()
    with pytest.raises(ConfigError, match="belong to fully-convolutional"):
        Evaluate(weights=weights, data="digits", scales=(8,)).run()
    with pytest.raises(DataError, match="cannot list"):
        Evaluate(weights=weights, data=str(tmp_path / "missing")).run()


def test_published_weights_have_their_published_error(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (published,) = (shared / "reference/akamaster").glob("resnet32-*.th")
    weights = tmp_path / "w.safetensors"
    save(convert_weights(published), weights)
    found = _evaluate(capsys, weights=weights, data="cifar10", data_root=shared / "data")
    assert found["top1_error_pct"] == pytest.approx(7.37, abs=1e-9)
    assert found["n"] == 10_000
