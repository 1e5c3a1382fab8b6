"""Images that a browser sends: bounded, and nothing but images."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from reslab.errors import DataError
from reslab.networks.geometry import ImageGeometry
from reslab.web.classification import make_view
from reslab.web.uploads import MAX_IMAGE_BYTES, MAX_IMAGES, Upload, decode_uploads


def address(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def png(width: int, height: int) -> bytes:
    content = io.BytesIO()
    Image.new("L", (width, height), 128).save(content, format="PNG")
    return content.getvalue()


def test_files_come_as_they_were() -> None:
    (upload,) = decode_uploads(["a.png"], [address(b"\x00\xff")])
    assert (upload.name, upload.content) == ("a.png", b"\x00\xff")


@pytest.mark.parametrize(
    "text", ["", "x", "data:image/png,abc", "data:;base64,!!!!", "data:;base64,a"]
)
def test_what_is_no_file_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="did not arrive"):
        decode_uploads(["a.png"], [text])


def test_number_and_sizes_are_limited() -> None:
    with pytest.raises(DataError, match="too many"):
        decode_uploads(["a"] * (MAX_IMAGES + 1), [address(b"")] * (MAX_IMAGES + 1))
    with pytest.raises(DataError, match=r"a\.png is too large"):
        decode_uploads(["a.png"], [address(b"\0" * (MAX_IMAGE_BYTES + 3))])
    with pytest.raises(DataError, match="too large together"):
        decode_uploads(["a"] * 4, [address(b"\0" * (MAX_IMAGE_BYTES - 3))] * 4)


def test_pixels_are_limited_before_they_are_decoded() -> None:
    with pytest.raises(DataError, match=r"big\.png has more pixels"):
        make_view(
            Upload(name="big.png", content=png(10_000, 4_001)), ImageGeometry(crop=8, channels=1)
        )


def test_small_networks_see_the_whole_of_a_large_image() -> None:
    pixels = np.zeros((64, 64), dtype=np.uint8)
    pixels[:16] = 255
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format="PNG")
    upload = Upload(name="a", content=content.getvalue())
    view = make_view(upload, ImageGeometry(crop=8, channels=1))
    assert view.shape == (8, 8, 1)
    assert view[0].min() > 200
    assert view[4:].max() == 0
