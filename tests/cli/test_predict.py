import csv
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reslab.cli.predict import Predict
from reslab.errors import ConfigError, WeightsError
from reslab.networks.catalogue import find_network
from reslab.networks.classifier import Classifier, Provenance
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing
from reslab.networks.resnet import build_network
from reslab.networks.weights import save

NAMES = ("cat", 'dog, "the" one', "n01440764 tench")
HOSTILE_NAME = "two\nlines \x1b[31mred.png"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = find_network("resnet8", width=4, num_classes=3, input_size=16)
    preprocessing = Preprocessing((0.5,) * 3, (0.25,) * 3, ImageGeometry(resize=16, crop=16))
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    provenance = Provenance(source="a test")
    save(Classifier(build_network(config), preprocessing, NAMES, provenance), path)
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for name in ("a.png", "b.png", HOSTILE_NAME):
        pixels = generator.integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def _predict(weights: Path, *images: Path | str, **options: Any) -> int:
    return Predict(
        weights=weights, images=tuple(map(str, images)), runtime="torch", **options
    ).run()


def test_json_is_one_object(
    weights: Path, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = images / "missing.png"
    assert _predict(weights, images, missing, json=True, top=2, batch_size=2) == 1
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert (found["runtime"], found["protocol"]) == ("torch", "centre")
    assert [p["image"] for p in found["predictions"]] == [
        str(images / name) for name in ("a.png", "b.png", HOSTILE_NAME)
    ]
    for prediction in found["predictions"]:
        first, second = prediction["top"]
        assert first["probability"] >= second["probability"]
        assert first["class"] == NAMES[first["index"]]
    assert [failure["image"] for failure in found["failures"]] == [str(missing)]
    assert str(missing) in printed.err
    assert "runtime: torch" in printed.err


def test_csv_quotes_what_needs_it(
    weights: Path, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _predict(weights, images, csv=True) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["image"] for row in rows[::3]] == [
        str(images / name) for name in ("a.png", "b.png", HOSTILE_NAME)
    ]
    for start in range(0, 9, 3):
        of_image = rows[start : start + 3]
        assert [row["rank"] for row in of_image] == ["1", "2", "3"]
        assert {row["class"] for row in of_image} == set(NAMES)
        assert sum(float(row["probability"]) for row in of_image) == pytest.approx(1)


def test_text_cannot_drive_the_terminal(
    weights: Path, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (images / "bad\x1b[2J\n.png").touch()
    assert _predict(weights, images) == 1
    printed = capsys.readouterr()
    assert "\x1b" not in printed.out + printed.err
    assert "two\\nlines" in printed.out
    assert len(printed.err.splitlines()) == 2


def test_without_images_there_is_an_empty_list_and_a_failure(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _predict(weights, tmp_path, json=True) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["predictions"] == []
    assert "holds no image" in found["failures"][0]["error"]


@pytest.mark.parametrize("null", [False, True])
def test_paths_come_from_standard_input(
    weights: Path, images: Path, capfd: pytest.CaptureFixture[str], null: bool
) -> None:
    names = ["b.png", HOSTILE_NAME if null else "a.png"]
    separator = "\0" if null else "\n"
    source, sink = os.pipe()
    os.write(sink, separator.join(str(images / name) for name in names).encode())
    os.close(sink)
    saved = os.dup(0)
    try:
        os.dup2(source, 0)
        with open(0, closefd=False) as stdin, pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", stdin)
            assert _predict(weights, "-", json=True, null=null) == 0
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(source)
    found = json.loads(capfd.readouterr().out)
    assert [p["image"] for p in found["predictions"]] == [str(images / name) for name in names]


def test_explanations_are_saved(
    weights: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("captum", reason="the extra `explain` is not installed")
    folder = tmp_path / "deep/explained"
    assert _predict(weights, images, json=True, explain=folder) == 0
    found = json.loads(capsys.readouterr().out)
    pictures = [Path(p["explanation"]) for p in found["predictions"]]
    assert sorted(pictures) == sorted(folder.iterdir())
    assert len(pictures) == 3


def test_every_protocol_answers(
    weights: Path, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for protocol in ("centre", "ten-crop", "fully-convolutional"):
        assert _predict(weights, images / "a.png", json=True, protocol=protocol) == 0
        (prediction,) = json.loads(capsys.readouterr().out)["predictions"]
        assert sum(c["probability"] for c in prediction["top"]) == pytest.approx(1)


def test_contradictions_are_refused(weights: Path, images: Path) -> None:
    with pytest.raises(ConfigError, match="--json and --csv exclude each other"):
        _predict(weights, images, json=True, csv=True)
    with pytest.raises(ConfigError, match="need the weights file itself"):
        Predict(
            weights=weights, images=("x",), runtime="onnx", protocol="fully-convolutional"
        ).run()
    with pytest.raises(ConfigError, match="at least 1"):
        _predict(weights, images, top=0)
    with pytest.raises(ConfigError, match="no images"):
        _predict(weights)
    with pytest.raises(WeightsError, match="there is no file"):
        _predict(images / "missing", images, protocol="fully-convolutional")


def test_results_arrive_while_the_list_is_still_open(weights: Path, images: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from reslab.cli.predict import Predict; "
        "raise SystemExit(Predict(weights=Path(sys.argv[1]), images=('-',), csv=True, top=1, "
        "batch_size=1, runtime='torch').run())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(weights)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stop = threading.Timer(60, process.kill)
    stop.start()
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        assert process.stdout.readline().startswith("image,rank")
        for name in ("a.png", "b.png"):
            process.stdin.write(f"{images / name}\n")
            process.stdin.flush()
            assert process.stdout.readline().startswith(str(images / name))
        process.stdin.close()
        assert process.wait() == 0
    stop.cancel()
