from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reslab.data.images import Pixels, decode_image
from reslab.data.views import centre_crop, resize_shorter_side, ten_crop

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def _numbered(height: int, width: int) -> Pixels:
    # Every pixel says where it is.
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, 0 * rows], axis=2).astype(np.uint8)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_resizing_and_cropping_agree_with_pillow_on_photographs(
    shared: Path, interpolation: Literal["bilinear", "bicubic"]
) -> None:
    for path in sorted((shared / "data/imagenet-sample").rglob("*.JPEG"))[::3]:
        ours = centre_crop(resize_shorter_side(decode_image(path, 3), 256, interpolation), 224)
        with Image.open(path) as image:
            width, height = image.size
            size = (
                (256, int(256 * height / width))
                if width <= height
                else (int(256 * width / height), 256)
            )
            resized = image.convert("RGB").resize(size, FILTERS[interpolation])
            left, top = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
            expected = resized.crop((left, top, left + 224, top + 224))
        np.testing.assert_array_equal(ours, np.asarray(expected))


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    length=st.integers(1, 40),
    channels=st.sampled_from([1, 3]),
)
def test_the_shorter_side_gets_the_length_and_the_shape_is_kept(
    height: int, width: int, length: int, channels: int
) -> None:
    resized = resize_shorter_side(np.full((height, width, channels), 9, np.uint8), length)
    shorter, longer = sorted((height, width))
    assert min(resized.shape[:2]) == length
    assert max(resized.shape[:2]) == length * min(longer, 32 * shorter) // shorter
    assert resized.shape[2] == channels
    assert (resized == 9).all()


@pytest.mark.parametrize("upright", [False, True])
def test_an_extremely_long_image_is_cut_to_its_centre_first(upright: bool) -> None:
    strip = np.arange(10_000).clip(4950, 5050)[None, :, None] - 4900
    pixels = strip.astype(np.uint8).transpose(1, 0, 2) if upright else strip.astype(np.uint8)
    resized = resize_shorter_side(pixels, 3)
    assert sorted(resized.shape) == [1, 3, 96]
    # 32 pixels remain, around the value 100 in the middle.
    assert (resized.min(), resized.max()) == (84, 115)


def test_the_centre_is_the_centre() -> None:
    crop = centre_crop(_numbered(10, 13), 4)
    assert crop[0, 0].tolist() == [3, 4, 0]  # (13 - 4) / 2 rounds to the even 4
    assert crop.shape == (4, 4, 3)


def test_a_small_image_is_padded_evenly_with_black() -> None:
    crop = centre_crop(np.full((3, 8, 1), 7, np.uint8), 6)
    assert crop[:, :, 0].tolist() == [[0] * 6, *[[7] * 6] * 3, [0] * 6, [0] * 6]


def test_ten_crops_lie_at_corners_and_centre_and_are_mirrored() -> None:
    crops = ten_crop(_numbered(10, 12), 4)
    corners = [crop[0, 0, :2].tolist() for crop in crops]
    assert corners[:5] == [[0, 0], [0, 8], [6, 0], [6, 8], [3, 4]]
    for crop, mirrored in zip(crops[:5], crops[5:], strict=True):
        np.testing.assert_array_equal(mirrored, np.flip(crop, axis=1))


def test_ten_crops_of_an_image_of_that_size_are_itself_and_its_mirror_image() -> None:
    image = _numbered(5, 5)
    for i, crop in enumerate(ten_crop(image, 5)):
        np.testing.assert_array_equal(crop, image if i < 5 else image[:, ::-1])
