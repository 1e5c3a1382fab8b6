from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from reslab.errors import ConfigError
from reslab.evaluation.prediction import Candidate
from reslab.networks.classifier import Classifier

pytest.importorskip("captum", reason="the extra `explain` is not installed")

from reslab.evaluation.explanation import (
    compute_activation_map,
    save_explanation,
)

DOG = Candidate(index=1, name="dog $1 犬\n", probability=0.5)


def test_the_map_is_the_class_activation_map(classifier: Classifier) -> None:
    view = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    found = [compute_activation_map(classifier, view, label) for label in range(3)]

    image = torch.from_numpy(view.transpose(2, 0, 1).copy())[None]
    with torch.no_grad():
        maps = classifier.network.forward_features(classifier.preprocessing(image))
        evidence = F.relu(F.conv2d(maps, classifier.network.fc.weight[:, :, None, None]))
        resized = F.interpolate(evidence, (16, 16), mode="bilinear", align_corners=False)[0]
    for heat, expected in zip(found, resized, strict=True):
        np.testing.assert_allclose(heat, expected / expected.max().clamp(min=1e-12), atol=1e-4)
    assert max(heat.max() for heat in found) == pytest.approx(1)
    assert all(parameter.grad is None for parameter in classifier.parameters())


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_picture_can_be_looked_at(classifier: Classifier, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "two\nlines \x1b$.png"
    Image.new(mode, (40, 30), 120 if mode == "L" else (200, 30, 30)).save(path)
    picture = save_explanation(classifier, path, DOG, tmp_path)
    assert picture.parent == tmp_path
    assert picture.name.startswith("two-lines-")
    assert picture.name.isprintable()
    with Image.open(picture) as image:
        assert image.width >= 600
        assert len(image.convert("RGB").getcolors(2**20) or ()) > 20


def test_images_of_one_name_in_two_folders_get_two_pictures(
    classifier: Classifier, tmp_path: Path
) -> None:
    pictures = set()
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        Image.new("RGB", (16, 16)).save(folder / "same.png")
        pictures.add(save_explanation(classifier, folder / "same.png", DOG, tmp_path))
    assert len(pictures) == 2


def test_a_folder_that_is_missing_is_named(classifier: Classifier, tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "image.png")
    with pytest.raises(ConfigError, match=r"cannot write .*missing"):
        save_explanation(classifier, tmp_path / "image.png", DOG, tmp_path / "missing")
