from pathlib import Path

import pytest
import torch
from PIL import Image

from reslab.data.dataset import LabelledImages
from reslab.data.sources.folder import load_folder
from reslab.errors import ConfigError, DataError
from reslab.evaluation.accuracy import compute_accuracy
from reslab.evaluation.classifier_runtime import ClassifierRuntime
from reslab.evaluation.evaluate import evaluate, views_of_files, views_of_images
from reslab.evaluation.protocols import build_protocol
from reslab.networks.classifier import Classifier


def _data(n: int = 50) -> LabelledImages:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (n, 3, 16, 16), generator=generator, dtype=torch.uint8)
    return LabelledImages(images, torch.randint(0, 3, (n,), generator=generator))


def test_whole_images_give_the_accuracy_that_training_reports(classifier: Classifier) -> None:
    found = evaluate(ClassifierRuntime(classifier), views_of_images(_data()), batch_size=7)
    expected = compute_accuracy(classifier, _data())
    assert (found.n, found.wrong) == (expected.n, expected.wrong)
    assert found.loss == pytest.approx(expected.loss, rel=1e-5)


def test_files_and_tensors_of_the_same_pixels_agree(classifier: Classifier, tmp_path: Path) -> None:
    data, runtime = _data(12), ClassifierRuntime(classifier)
    for i, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        folder = tmp_path / classifier.class_names[label].split()[0]
        folder.mkdir(exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / f"{i}.png")
    files = load_folder(tmp_path, classifier.class_names)
    for protocol in ("centre", "ten-crop", "fully-convolutional"):
        make_views = build_protocol(protocol, runtime.geometry)
        from_files = evaluate(runtime, views_of_files(files, runtime, make_views))
        from_tensors = evaluate(runtime, views_of_images(data, make_views))
        assert from_files.confusion == from_tensors.confusion
        assert from_files.loss == pytest.approx(from_tensors.loss)


def test_a_broken_file_is_an_error_that_names_it(classifier: Classifier, tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat/broken.png").write_bytes(b"broken")
    runtime = ClassifierRuntime(classifier)
    files = load_folder(tmp_path, classifier.class_names)
    samples = views_of_files(files, runtime, build_protocol("centre", runtime.geometry))
    with pytest.raises(DataError, match=r"broken\.png"):
        evaluate(runtime, samples)


def test_nothing_to_evaluate_on_is_an_error(classifier: Classifier) -> None:
    runtime = ClassifierRuntime(classifier)
    with pytest.raises(DataError, match="no images"):
        evaluate(runtime, [])
    with pytest.raises(ConfigError, match="at least 1"):
        evaluate(runtime, [], batch_size=0)
