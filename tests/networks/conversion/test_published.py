"""Published networks must make exactly the errors their authors' own code makes."""

from pathlib import Path

import pytest
import torch

from reslab.data.dataset import LabelledImages
from reslab.data.sources.cifar import CIFAR10, load_cifar
from reslab.errors import ConfigError
from reslab.networks.classifier import Classifier
from reslab.networks.conversion.convert import convert_weights
from reslab.networks.weights import load, save

MEAN = (0.4918687901200927, 0.49185976472299225, 0.4918583862227116)
STD = (0.24697121702736, 0.24696766978537033, 0.2469719877121087)


@pytest.fixture(scope="module")
def test_images(shared: Path) -> LabelledImages:
    return load_cifar(CIFAR10, shared / "data" / "cifar-10-batches-bin").test


@torch.inference_mode()
def count_wrong(classifier: Classifier, data: LabelledImages) -> int:
    return sum(
        int((classifier(data.images[i : i + 500]).argmax(1) != data.labels[i : i + 500]).sum())
        for i in range(0, len(data), 500)
    )


def test_akamaster_20_errs_8_27_percent(
    shared: Path, test_images: LabelledImages, tmp_path: Path
) -> None:
    classifier = convert_weights(shared / "reference" / "akamaster" / "resnet20-12fca82f.th")
    save(classifier, tmp_path / "resnet20.safetensors")
    classifier = load(tmp_path / "resnet20.safetensors")
    assert count_wrong(classifier, test_images) == 827
    assert classifier.network.config.shortcut == "A-split"
    assert classifier.class_names[3] == "cat"
    assert classifier.provenance.details["sha256"].startswith("12fca82f")


def test_a_martyn_plain_20_errs_on_969_images(shared: Path, test_images: LabelledImages) -> None:
    path = shared / "reference" / "a-martyn" / "plainnet20.pt"
    classifier = convert_weights(path, origin="ordered", network="plain20", mean=MEAN, std=STD)
    assert count_wrong(classifier, test_images) == 969


@pytest.mark.parametrize("depth", [20, 32, 56])
@pytest.mark.parametrize("kind", ["plain", "resnet"])
def test_every_a_martyn_file_finds_its_place(kind: str, depth: int, shared: Path) -> None:
    stem = "plainnet" if kind == "plain" else "resnet"
    path = shared / "reference" / "a-martyn" / f"{stem}{depth}.pt"
    classifier = convert_weights(
        path, origin="ordered", network=f"{kind}{depth}", mean=MEAN, std=STD
    )
    last = list(torch.load(path, weights_only=True, map_location="cpu").values())[-1]
    assert torch.equal(classifier.network.fc.bias, last)


def test_preprocessing_must_be_given_where_the_source_implies_none(shared: Path) -> None:
    path = shared / "reference" / "a-martyn" / "plainnet20.pt"
    with pytest.raises(ConfigError, match="give --mean"):
        convert_weights(path, origin="ordered", network="plain20")
    with pytest.raises(ConfigError, match="give --std"):
        convert_weights(path, origin="ordered", network="plain20", mean=MEAN)
