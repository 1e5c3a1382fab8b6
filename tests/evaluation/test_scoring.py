import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from reslab.data.images import Pixels
from reslab.errors import WeightsError
from reslab.evaluation.classifier_runtime import ClassifierRuntime
from reslab.evaluation.scoring import compute_log_scores
from reslab.networks.classifier import Classifier
from reslab.networks.geometry import ImageGeometry


class Brightness:
    """Two classes, of which the second is as likely as the image is bright."""

    name = "brightness"
    class_names = ("dark", "bright")
    geometry = ImageGeometry(crop=2)

    def __init__(self, factor: float = 0.01) -> None:
        self.factor = factor
        self.batch_shapes: list[tuple[int, ...]] = []

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.batch_shapes.append(images.shape)
        mean = images.mean(axis=(1, 2, 3))
        return np.stack([np.zeros_like(mean), self.factor * mean], axis=1).astype(np.float32)


def _grey(value: int, height: int = 2, width: int = 2) -> Pixels:
    return np.full((height, width, 3), value, np.uint8)


def test_scores_are_the_mean_of_the_views_softmax() -> None:
    views = [[_grey(0), _grey(200, 4, 8), _grey(100)], [_grey(50)]]
    found = np.exp(compute_log_scores(Brightness(), views, batch_size=8))
    bright = 1 / (1 + np.exp(-0.01 * np.array([0, 200, 100])))
    np.testing.assert_allclose(found[0], [1 - bright.mean(), bright.mean()], rtol=1e-6)
    np.testing.assert_allclose(found[1, 1], 1 / (1 + np.exp(-0.5)), rtol=1e-6)


def test_views_of_one_shape_are_computed_together_within_the_batch_size() -> None:
    runtime = Brightness()
    views = [[_grey(i), _grey(i, 2, 4)] for i in range(5)]
    compute_log_scores(runtime, views, batch_size=4)
    assert runtime.batch_shapes == [
        (4, 3, 2, 2), (1, 3, 2, 2), (2, 3, 2, 4), (2, 3, 2, 4), (1, 3, 2, 4),
    ]  # fmt: skip


def test_a_single_view_gives_the_logarithm_of_torchs_softmax(classifier: Classifier) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    found = compute_log_scores(ClassifierRuntime(classifier), [[image] for image in images], 4)
    with torch.no_grad():
        logits = classifier(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
    np.testing.assert_allclose(found, logits.double().log_softmax(dim=1), rtol=1e-5, atol=1e-6)
    assert len(set(found.argmax(axis=1))) > 1 or np.ptp(found[:, 0]) > 1e-3


def test_overwhelming_logits_stay_finite() -> None:
    (row,) = compute_log_scores(Brightness(factor=1e4), [[_grey(255), _grey(255)]], 1)
    np.testing.assert_allclose(row, [-2.55e6, 0], rtol=1e-6)


def test_an_answer_that_is_no_number_is_an_error() -> None:
    with pytest.raises(WeightsError, match="not a finite number"):
        compute_log_scores(Brightness(factor=float("nan")), [[_grey(1)]], 1)
