from pathlib import Path

import pytest
import torch

from reslab.errors import ConfigError, WeightsError
from reslab.networks.catalogue import find_network
from reslab.networks.classifier import Classifier, Provenance
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing
from reslab.networks.resnet import build_network
from reslab.networks.weights import check_state_dict, load, save


def make_classifier(name: str = "resnet20", *, per_pixel: bool = False) -> Classifier:
    config = find_network(name, width=4, num_classes=3, input_size=8)
    mean = torch.rand(3, 8, 8) if per_pixel else torch.tensor([0.4, 0.5, 0.6])
    geometry = ImageGeometry(resize=8, crop=8)
    preprocessing = Preprocessing(mean, [0.2, 0.3, 0.4], geometry)
    provenance = Provenance(source="a test", details={"seed": 1})
    return Classifier(build_network(config), preprocessing, ("a", "b", "ü"), provenance).eval()


@pytest.mark.parametrize("name", ["plain20", "resnet20", "resnet50-v1.5"])
@pytest.mark.parametrize("per_pixel", [False, True])
def test_a_file_gives_back_the_same_classifier(tmp_path: Path, name: str, per_pixel: bool) -> None:
    classifier = make_classifier(name, per_pixel=per_pixel)
    path = tmp_path / "weights.safetensors"
    save(classifier, path)
    loaded = load(path)
    images = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)
    assert torch.equal(loaded(images), classifier(images))
    assert not loaded.training
    assert loaded.network.config == classifier.network.config
    assert loaded.class_names == ("a", "b", "ü")
    assert loaded.provenance == classifier.provenance
    assert loaded.preprocessing.geometry == classifier.preprocessing.geometry


def test_preprocessing_is_its_formula() -> None:
    classifier = make_classifier(per_pixel=True)
    images = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)
    mean, std = classifier.preprocessing.mean, torch.tensor([0.2, 0.3, 0.4])
    expected = (images / 255 - mean) / std[:, None, None]
    torch.testing.assert_close(classifier.preprocessing(images), expected)


def test_what_does_not_fit_is_listed() -> None:
    expected = make_classifier().network.state_dict()
    found = dict(expected)
    del found["bn1.weight"]
    found["linear.weight"] = torch.zeros(1)
    found["conv1.weight"] = torch.zeros(2, 2)
    with pytest.raises(WeightsError) as error:
        check_state_dict(expected, found, "file.pth")
    assert "1 missing: bn1.weight" in str(error.value)
    assert "1 unexpected: linear.weight" in str(error.value)
    assert "conv1.weight (2, 2) instead of (4, 3, 3, 3)" in str(error.value)


@pytest.mark.parametrize(
    ("mean", "std", "complaint"),
    [
        ([0.5], [0.2, 0.2, 0.2], "mean of shape"),
        ([0.5, 0.5, 0.5], [0.2], "standard deviation of shape"),
        ([0.5, 0.5, 0.5], [0.2, 0.2, 0.0], "positive"),
        ([0.5, 0.5, float("nan")], [0.2, 0.2, 0.2], "finite"),
    ],
)
def test_wrong_statistics_are_refused(mean: list[float], std: list[float], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        Preprocessing(mean, std, ImageGeometry(resize=8, crop=8))


def test_names_and_channels_must_fit_the_network() -> None:
    good = make_classifier()
    with pytest.raises(ConfigError, match="2 class names for a network of 3"):
        Classifier(good.network, good.preprocessing, ("a", "b"), good.provenance)
    grey = Preprocessing([0.5], [0.2], ImageGeometry(resize=8, crop=8, channels=1))
    with pytest.raises(ConfigError, match="preprocessing for 1 channels"):
        Classifier(good.network, grey, good.class_names, good.provenance)
