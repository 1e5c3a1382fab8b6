import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reslab.data.images import decode_image
from reslab.errors import ConfigError
from reslab.evaluation.classifier_runtime import ClassifierRuntime
from reslab.evaluation.prediction import Failure, Prediction, predict_files, rank
from reslab.evaluation.protocols import build_protocol
from reslab.evaluation.scoring import compute_log_scores
from reslab.networks.classifier import Classifier


@pytest.fixture
def runtime(classifier: Classifier) -> ClassifierRuntime:
    return ClassifierRuntime(classifier)


def _save_images(folder: Path, count: int) -> list[Path]:
    generator = np.random.default_rng(0)
    paths = [folder / f"{i}.png" for i in range(count)]
    for i, path in enumerate(paths):
        pixels = generator.integers(0, 256, (18 + i, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return paths


def test_predictions_come_in_order_and_broken_files_do_not_stop_them(
    runtime: ClassifierRuntime, tmp_path: Path
) -> None:
    paths = _save_images(tmp_path, 5)
    paths[1].write_bytes(b"broken")
    paths[4].unlink()
    make_views = build_protocol("centre", runtime.geometry)
    outcomes = list(predict_files(runtime, paths, make_views, batch_size=2))
    assert [outcome.path for outcome in outcomes] == paths
    assert [isinstance(outcome, Failure) for outcome in outcomes] == [
        False,
        True,
        False,
        False,
        True,
    ]
    assert isinstance(outcomes[1], Failure)
    assert str(paths[1]) in outcomes[1].reason


def test_a_prediction_is_the_classifiers_answer_ranked(
    runtime: ClassifierRuntime, tmp_path: Path
) -> None:
    (path,) = _save_images(tmp_path, 1)
    make_views = build_protocol("ten-crop", runtime.geometry)
    (found,) = predict_files(runtime, [path], make_views, top=2)
    views = [make_views(decode_image(path, 3))]
    scores = np.exp(compute_log_scores(runtime, views, 10)[0])
    assert isinstance(found, Prediction)
    assert [c.index for c in found.candidates] == list(np.argsort(scores)[::-1][:2])
    assert found.candidates[0].name == runtime.class_names[scores.argmax()]
    assert found.candidates[0].probability == pytest.approx(scores.max())


def test_more_classes_than_there_are_gives_all_of_them(runtime: ClassifierRuntime) -> None:
    candidates = rank(np.log(np.array([0.2, 0.6, 0.2])), runtime.class_names, top=9)
    assert [c.index for c in candidates] == [1, 0, 2]
    assert sum(c.probability for c in candidates) == pytest.approx(1)


def test_an_endless_list_is_read_a_batch_at_a_time(
    runtime: ClassifierRuntime, tmp_path: Path
) -> None:
    (path,) = _save_images(tmp_path, 1)
    taken = 0

    def endless() -> Iterator[Path]:
        nonlocal taken
        while True:
            taken += 1
            yield path

    outcomes = predict_files(
        runtime, endless(), build_protocol("centre", runtime.geometry), batch_size=3
    )
    for _ in range(4):
        next(outcomes)
    assert taken == 6


@pytest.mark.parametrize("numbers", [{"top": 0}, {"batch_size": 0}])
def test_numbers_must_be_positive(runtime: ClassifierRuntime, numbers: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        predict_files(runtime, [], build_protocol("centre", runtime.geometry), **numbers)


def test_predicting_does_not_load_torch() -> None:
    program = (
        "import sys; import reslab.evaluation.prediction, reslab.evaluation.protocols; "
        "import reslab.data.finding, reslab.cli.predict, reslab.cli.prediction_writers; "
        "raise SystemExit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
