import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from reslab.data.images import decode_image
from reslab.errors import DataError


def _encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    content = BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def _pattern(height: int = 5, width: int = 7) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
def test_colour_pixels_come_back_as_they_were_saved(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = decode_image(_encode(Image.fromarray(_pattern()), kind, **options), 3)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, _pattern())


def test_grey_is_the_luma_of_colour_and_colour_of_grey_repeats_it() -> None:
    grey = decode_image(_encode(Image.fromarray(_pattern())), 1)
    luma = _pattern() @ np.array([0.299, 0.587, 0.114])
    assert grey.shape == (5, 7, 1)
    assert np.abs(grey[:, :, 0] - luma).max() <= 1
    colour = decode_image(_encode(Image.fromarray(grey[:, :, 0])), 3)
    np.testing.assert_array_equal(colour, grey.repeat(3, axis=2))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_grey_is_scaled_to_eight(kind: str) -> None:
    values = np.array([[0, 128, 129, 257, 32768, 65406, 65407, 65535]], dtype=np.uint16)
    pixels = decode_image(_encode(Image.fromarray(values), kind), 1)
    np.testing.assert_array_equal(pixels[:, :, 0], np.round(values / 257).astype(np.uint8))


def test_pixels_without_a_defined_range_are_refused() -> None:
    for values in (np.full((2, 2), 0.5, np.float32), np.full((2, 2), 70_000, np.int32)):
        with pytest.raises(DataError, match="no defined range"):
            decode_image(_encode(Image.fromarray(values), "TIFF"), 3)


def test_cmyk_becomes_rgb_also_in_adobes_inverted_jpeg() -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    for kind in ("JPEG", "TIFF"):  # Pillow writes CMYK JPEG with Adobe's marker, inverted.
        pixels = decode_image(_encode(red, kind), 3)
        assert np.abs(pixels[8, 8].astype(int) - [255, 0, 0]).max() <= 8


def test_a_palette_is_looked_up() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putdata([1, 0])
    pixels = decode_image(_encode(palette), 3)
    assert pixels.tolist() == [[[40, 50, 60], [10, 20, 30]]]


def test_transparency_is_laid_over_white() -> None:
    half = Image.new("RGBA", (1, 1), (0, 100, 200, 128))
    expected = [round((colour * 128 + 255 * 127) / 255) for colour in (0, 100, 200)]
    assert np.abs(decode_image(_encode(half), 3)[0, 0].astype(int) - expected).max() <= 1

    grey = Image.new("LA", (1, 1), (50, 0))
    assert decode_image(_encode(grey), 1).item() == 255

    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putdata([1, 0])
    pixels = decode_image(_encode(palette, transparency=1), 3)
    assert pixels.tolist() == [[[255, 255, 255], [10, 20, 30]]]

    keyed = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], dtype=np.uint8))
    pixels = decode_image(_encode(keyed, transparency=(1, 2, 3)), 3)
    assert pixels.tolist() == [[[255, 255, 255], [4, 5, 6]]]


Turn = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

STORED_AS: dict[int, Turn] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("orientation", STORED_AS)
def test_images_are_turned_upright_as_their_exif_says(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED_AS[orientation](_pattern()))
    content = _encode(Image.fromarray(stored), exif=exif)
    np.testing.assert_array_equal(decode_image(content, 3), _pattern())


def test_damaged_exif_does_not_spoil_the_pixels() -> None:
    content = _encode(Image.fromarray(_pattern()), exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    np.testing.assert_array_equal(decode_image(content, 3), _pattern())


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1)])
def test_extreme_shapes(size: tuple[int, int]) -> None:
    pixels = decode_image(_encode(Image.new("RGB", size, (1, 2, 3))), 3)
    assert pixels.shape == (size[1], size[0], 3)
    assert (pixels == [1, 2, 3]).all()


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG"])
def test_the_first_of_many_frames_counts(kind: str) -> None:
    frames = [Image.new("RGB", (2, 2), (i, i, i)) for i in range(0, 250, 50)]
    content = _encode(frames[0], kind, save_all=True, append_images=frames[1:])
    assert (decode_image(content, 3) == 0).all()


def _png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content).to_bytes(4)
        return len(content).to_bytes(4) + name + content + checksum

    size = width.to_bytes(4) + height.to_bytes(4)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + b"\x08\x02\0\0\0")
    return start + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [10_001, 15_000, 100_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_from_its_header(side: int) -> None:
    with pytest.raises(DataError, match="more pixels than the limit of 100,000,000"):
        decode_image(_png_header(side, side), 3)


def test_the_limit_is_on_pixels_and_can_be_set() -> None:
    content = _encode(Image.new("L", (10, 10)))
    assert decode_image(content, 1, max_pixels=100).shape == (10, 10, 1)
    with pytest.raises(DataError, match="more pixels than the limit of 99"):
        decode_image(content, 1, max_pixels=99)


def test_text_that_unpacks_without_end_is_refused() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "x" * 20_000_000, zip=True)
    with pytest.raises(DataError, match="cannot decode"):
        decode_image(_encode(Image.new("L", (1, 1)), pnginfo=info), 1)


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("not an image")
    with pytest.raises(DataError, match=r"notes\.jpg is not an image of a known kind"):
        decode_image(path, 3)


def test_a_truncated_image_is_named(shared: Path, tmp_path: Path) -> None:
    whole = next((shared / "data/imagenet-sample").rglob("*.JPEG")).read_bytes()
    path = tmp_path / "cut.jpg"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cannot decode .*cut\.jpg: .*truncated"):
        decode_image(path, 3)


def test_postscript_is_not_run(tmp_path: Path) -> None:
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    with pytest.raises(DataError, match="not an image of a known kind"):
        decode_image(content, 3)


def test_real_photographs_decode_as_pillow_decodes_them(shared: Path) -> None:
    for path in sorted((shared / "data/imagenet-sample").rglob("*.JPEG"))[::4]:
        with Image.open(path) as image:
            np.testing.assert_array_equal(decode_image(path, 3), np.asarray(image.convert("RGB")))


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "WEBP"]))
    content = bytearray(_encode(Image.fromarray(_pattern(9, 8)), kind))
    for _ in range(draw(st.integers(1, 6))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)))])


@settings(max_examples=300, deadline=None)
@given(content=_damaged(), channels=st.sampled_from([1, 3]))
def test_damage_gives_an_image_or_an_error_of_ours(content: bytes, channels: Literal[1, 3]) -> None:
    try:
        pixels = decode_image(content, channels, max_pixels=1_000_000)
    except DataError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == channels
