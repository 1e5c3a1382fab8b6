import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from reslab.data.views import centre_crop, resize_shorter_side, ten_crop
from reslab.errors import ConfigError
from reslab.evaluation.classifier_runtime import ClassifierRuntime, require_any_size
from reslab.evaluation.protocols import build_protocol, scale_to_crop
from reslab.evaluation.scoring import compute_log_scores
from reslab.networks.classifier import Classifier, Provenance
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing

GEOMETRY = ImageGeometry(resize=20, crop=16)


def _image(height: int = 37, width: int = 50) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_centre_and_ten_crop_follow_the_geometry() -> None:
    resized = resize_shorter_side(_image(), 20)
    (centre,) = build_protocol("centre", GEOMETRY)(_image())
    np.testing.assert_array_equal(centre, centre_crop(resized, 16))
    ten = build_protocol("ten-crop", GEOMETRY)(_image())
    np.testing.assert_array_equal(np.stack(ten), np.stack(ten_crop(resized, 16)))


def test_without_resizing_the_image_is_cropped_as_it_is() -> None:
    (centre,) = build_protocol("centre", ImageGeometry(crop=16))(_image())
    np.testing.assert_array_equal(centre, centre_crop(_image(), 16))


def test_the_papers_scales_are_used_whole() -> None:
    geometry = ImageGeometry(resize=256, crop=224)
    views = build_protocol("fully-convolutional", geometry)(_image(50, 100))
    expected = [(224, 448), (256, 512), (384, 768), (480, 960), (640, 1280)]
    assert [view.shape[:2] for view in views] == expected


def test_another_crop_scales_them_in_proportion() -> None:
    assert scale_to_crop(224) == (224, 256, 384, 480, 640)
    assert scale_to_crop(112) == (112, 128, 192, 240, 320)


@pytest.mark.parametrize(
    ("name", "scales"), [("center", None), ("centre", (224,)), ("fully-convolutional", (0,))]
)
def test_what_is_no_protocol_is_refused(name: str, scales: tuple[int, ...] | None) -> None:
    with pytest.raises(ConfigError, match=r"choose one of centre|belong to fully-convolutional"):
        build_protocol(name, GEOMETRY, scales)


def test_fully_convolutional_is_the_classifier_as_a_convolution_averaged(
    classifier: Classifier,
) -> None:
    scales = (16, 24, 41)
    views = build_protocol("fully-convolutional", GEOMETRY, scales)(_image())
    (found,) = compute_log_scores(ClassifierRuntime(classifier), [views], batch_size=1)

    scores = []
    for scale in scales:
        pixels = torch.from_numpy(resize_shorter_side(_image(), scale).transpose(2, 0, 1).copy())
        with torch.no_grad():
            maps = classifier.network.forward_features(classifier.preprocessing(pixels[None]))
            fc = classifier.network.fc
            at_each_position = F.conv2d(maps, fc.weight[:, :, None, None], fc.bias)
        assert at_each_position.shape[-1] > 1
        scores.append(at_each_position.mean(dim=(0, 2, 3)).softmax(dim=0))
    expected = torch.stack(scores).mean(dim=0)
    np.testing.assert_allclose(np.exp(found), expected.numpy(), rtol=1e-5)


def test_a_mean_for_each_pixel_fits_one_size_only(classifier: Classifier) -> None:
    require_any_size(ClassifierRuntime(classifier))
    preprocessing = Preprocessing(torch.full((3, 16, 16), 0.5), (1.0,) * 3, GEOMETRY)
    names = classifier.class_names
    per_pixel = Classifier(classifier.network, preprocessing, names, Provenance(source="a test"))
    with pytest.raises(ConfigError, match="16×16 pixels"):
        require_any_size(ClassifierRuntime(per_pixel))
