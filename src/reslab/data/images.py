"""From an image file of any common kind to plain pixels, free of PyTorch."""

import warnings
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from reslab.data.reading import display_path, read_regular_file
from reslab.errors import DataError

SUFFIX_OF = {"JPEG": ".jpg", "MPO": ".jpg"}
"""Where it is not the kind's own name."""

Pixels = NDArray[np.uint8]
"""[H, W, C], C = 1 (grey) or 3 (RGB)."""

MAX_PIXELS = 100_000_000
"""Images with more pixels are refused before they are decoded."""

BACKGROUND = "white"
"""What transparent images are laid over."""

# Only decoders of plain images: others, such as EPS, start further programs.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
SUFFIXES = (
    ".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif",
    ".tiff", ".webp",
)  # fmt: skip


def decode_image(
    source: Path | bytes, channels: Literal[1, 3], max_pixels: int = MAX_PIXELS
) -> Pixels:
    """Decode an image to 8 bits a channel, upright as its EXIF says, the first frame if many.

    16-bit grey is scaled to 8 bits, palettes are looked up, CMYK and the like become RGB, and
    transparent images are laid over white. Grey from colour is ITU-R 601 luma.

    Args:
        source: a regular file, or a file's content.
        channels: 1 for grey, 3 for RGB.
        max_pixels: larger images are refused from their header alone; up to about 178 million,
            where Pillow itself refuses.

    Returns:
        Pixels [H, W, channels], uint8, writable.

    Raises:
        DataError: if the file cannot be read or decoded, or is too large.
    """
    content = read_regular_file(source) if isinstance(source, Path) else source
    name = display_path(source) if isinstance(source, Path) else "the image"
    try:
        with warnings.catch_warnings():
            # Pillow warns of oddities in metadata, which do not concern the pixels.
            warnings.simplefilter("ignore")
            return _decode(content, channels, max_pixels)
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{name} has more pixels than the limit of {max_pixels:,}: make it smaller"
        ) from error
    except UnidentifiedImageError as error:
        raise DataError(
            f"{name} is not an image of a known kind: give one of {', '.join(FORMATS)}"
        ) from error
    except Exception as error:  # Pillow's decoders raise anything at all on damaged input.
        raise DataError(
            f"cannot decode {name}: {str(error).rstrip('.') or type(error).__name__}. Restore it "
            "from a copy, or save it anew as PNG or JPEG."
        ) from error


def _decode(content: bytes, channels: Literal[1, 3], max_pixels: int) -> Pixels:
    with Image.open(BytesIO(content), formats=FORMATS) as image:
        if image.width * image.height > max_pixels:
            raise Image.DecompressionBombError
        image.load()
        flat = _flatten(_to_eight_bits(_turn_upright(image)))
        pixels = np.array(flat.convert("L" if channels == 1 else "RGB"))
    return pixels.reshape(*pixels.shape[:2], channels)


def _turn_upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - damaged EXIF says nothing against the pixels
        return image


def _to_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers of no defined range")
    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("its pixels are 32-bit numbers of no defined range")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


def _flatten(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, BACKGROUND), layer)


def find_suffix(content: bytes) -> str:
    """The usual suffix of an image's kind, told from its first bytes: `.jpg`.

    Raises:
        DataError: if it is of no known kind.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(content), formats=FORMATS) as image:
                return SUFFIX_OF.get(str(image.format), f".{str(image.format).lower()}")
    except Exception as error:
        raise DataError(
            f"not an image of a known kind: give one of {', '.join(FORMATS)}"
        ) from error
