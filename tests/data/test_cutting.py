"""What is cut is what resizing the whole image and cropping gives, within a stated tolerance."""

import math
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from reslab.data import jpeg
from reslab.data.cutting import cut_view, resize_window
from reslab.data.images import decode_image
from reslab.data.views import centre_crop, resize_shorter_side
from reslab.data.windows import CentreView, RandomResizedCrop, ScaleJitter, View, Window

WHOLE = (1.0, 4)
"""The tolerance on photographs decoded whole, in levels of 255: mean, and of 99 values of 100."""
REDUCED = (2.0, 16)
"""The tolerance where some are decoded at 1/2, 1/4 or 1/8 (docs/data.md)."""


def crop_reference(content: bytes, view: ScaleJitter, uniforms: Any) -> np.ndarray[Any, Any]:
    """§3.4 to the letter: resize the whole image with Pillow, cut at whole pixels, mirror."""
    pixels = decode_image(content, 3)
    length = view.shortest + int(uniforms[0] * (view.longest - view.shortest + 1))
    resized = resize_shorter_side(pixels, length)
    left = int(uniforms[1] * (resized.shape[1] - view.size + 1))
    top = int(uniforms[2] * (resized.shape[0] - view.size + 1))
    cut = resized[top : top + view.size, left : left + view.size]
    return np.array(cut[:, ::-1] if uniforms[3] < 0.5 else cut)


def measure_difference(ours: Tensor, reference: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    difference: np.ndarray[Any, Any] = np.abs(ours.permute(1, 2, 0).int().numpy() - reference)
    return difference


@pytest.fixture(scope="module")
def sample(shared: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((shared / "data/imagenet-sample").rglob("*.JPEG"))]


@pytest.mark.parametrize(("size", "tolerance"), [(224, WHOLE), (96, REDUCED)])
def test_training_crops_of_photographs_are_within_the_tolerance(
    sample: list[bytes], size: int, tolerance: tuple[float, int]
) -> None:
    generator = np.random.default_rng(0)
    view = ScaleJitter(size=size, shortest=256 * size // 224, longest=480 * size // 224)
    for content in sample:
        uniforms = generator.random(view.draws)
        reference = crop_reference(content, view, uniforms)
        difference = measure_difference(cut_view(content, view, uniforms), reference)
        assert difference.mean() <= tolerance[0]
        assert np.quantile(difference, 0.99) <= tolerance[1]


def test_central_crops_of_photographs_are_within_the_tolerance(sample: list[bytes]) -> None:
    view = CentreView()
    for content in sample:
        reference = centre_crop(resize_shorter_side(decode_image(content, 3), 256), 224)
        difference = measure_difference(cut_view(content, view, np.empty(0)), reference)
        assert difference.mean() <= REDUCED[0]
        assert np.quantile(difference, 0.99) <= REDUCED[1]


def encode(pixels: np.ndarray[Any, Any], kind: str = "JPEG", **options: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def make_ramp(width: int, height: int) -> np.ndarray[Any, Any]:
    """Red grows to the right and green downwards, so that a colour says where it was."""
    columns, rows = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([columns, rows, np.full_like(rows, 128)], axis=2).round().astype(np.uint8)


@pytest.mark.parametrize(
    "view",
    [
        ScaleJitter(size=48, shortest=50, longest=90),
        CentreView(size=48, shorter=50),
        RandomResizedCrop(size=48),
    ],
)
@pytest.mark.parametrize("extent", [(640, 480), (70, 90), (48, 400)])
def test_reduced_decoding_and_alignment_shift_nothing(view: View, extent: tuple[int, int]) -> None:
    """On a linear ramp each output pixel is the colour at the centre of what it covers."""
    content = encode(make_ramp(*extent), quality=98, subsampling=0)
    generator = np.random.default_rng(1)
    for _ in range(20):
        uniforms = generator.random(view.draws)
        window = view.choose(*extent, uniforms)
        places = window.left + (np.arange(48) + 0.5) * window.width / 48 - 0.5
        expected = places * 255 / (extent[0] - 1)
        ours = cut_view(content, view, uniforms)[0].float().mean(0).numpy()
        inner = slice(2, -2)
        expected = expected[::-1] if window.mirrored else expected
        assert np.abs(ours - expected)[inner].max() < 2.0 + 255 / extent[0]


def test_a_window_of_its_own_size_is_copied() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    cut = resize_window(pixels, Window(11, 7, 24, 24), 24)
    assert np.array_equal(cut.permute(1, 2, 0).numpy(), pixels[7:31, 11:35])
    mirrored = resize_window(pixels, Window(11, 7, 24, 24, mirrored=True), 24)
    assert torch.equal(mirrored, cut.flip(-1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_stand_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encode(make_ramp(200, 120), exif=exif, quality=98, subsampling=0)
    reference = centre_crop(resize_shorter_side(decode_image(content, 3), 50), 48)
    ours = cut_view(content, CentreView(size=48, shorter=50), np.empty(0))
    assert measure_difference(ours, reference).mean() < 2.0


def save_cmyk() -> bytes:
    file = BytesIO()
    Image.fromarray(make_ramp(80, 60)).convert("CMYK").save(file, "JPEG", quality=98)
    return file.getvalue()


@pytest.mark.parametrize(
    "make",
    [
        lambda: encode(make_ramp(80, 60), "PNG"),
        lambda: encode(make_ramp(80, 60), "WEBP", lossless=True),
        lambda: encode(make_ramp(80, 60)[:, :, 0], "JPEG", quality=98),
        lambda: encode(make_ramp(80, 60), "JPEG", progressive=True, quality=98),
        save_cmyk,
    ],
)
def test_other_kinds_of_images_are_cut_alike(make: Callable[[], bytes]) -> None:
    content = make()
    reference = centre_crop(resize_shorter_side(decode_image(content, 3), 50), 48)
    ours = cut_view(content, CentreView(size=48, shorter=50), np.empty(0))
    assert measure_difference(ours, reference).mean() < 1.0


@pytest.mark.parametrize("extent", [(333, 251), (1, 1), (16, 9)])
@pytest.mark.parametrize("reduction", [1, *jpeg.REDUCTIONS])
def test_both_decoders_give_the_same_sizes_and_nearly_the_same_pixels(
    extent: tuple[int, int], reduction: int
) -> None:
    content = encode(make_ramp(*extent), quality=95)
    assert jpeg._read_size_by_pillow(content) == jpeg.read_jpeg_size(content) == extent
    ours = jpeg.decode_jpeg(content, extent, reduction)
    theirs = jpeg._decode_by_pillow(content, extent, reduction)
    assert ours.shape == theirs.shape == (*(math.ceil(n / reduction) for n in extent[::-1]), 3)
    assert np.abs(ours.astype(int) - theirs).mean() < 1.0


@pytest.mark.parametrize(
    ("read", "decode"),
    [
        (jpeg.read_jpeg_size, jpeg.decode_jpeg),
        (jpeg._read_size_by_pillow, jpeg._decode_by_pillow),
    ],
)
def test_damaged_files_are_a_value_error_to_both(read: Any, decode: Any) -> None:
    content = encode(make_ramp(80, 60))
    with pytest.raises(ValueError, match=r"."):
        decode(content[:-300], (80, 60), 1)
    with pytest.raises(ValueError, match=r"."):
        read(content[:30])
