"""preprocessor_config.json of Hugging Face, read and written."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reslab.errors import WeightsError
from reslab.networks.conversion.origins import IMAGENET_MEAN, IMAGENET_STD
from reslab.networks.conversion.source import Source
from reslab.networks.geometry import ImageGeometry

FILE_NAME = "preprocessor_config.json"
INTERPOLATIONS: dict[int, Literal["bilinear", "bicubic"]] = {2: "bilinear", 3: "bicubic"}
"""By Pillow's number, which the file holds as `resample`."""
_WARPED_FROM = 384
"""From this size on ConvNeXT's processor, which ResNets use, squeezes and does not crop."""


@dataclass(frozen=True, kw_only=True)
class ImageProcessor:
    """What a folder says of its images, in reslab's terms."""

    geometry: ImageGeometry
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    reason: str
    """How it was decided."""


def read_image_processor(source: Source, channels: int) -> ImageProcessor:
    """Read a folder's preprocessing, or assume that of the published ResNets where it has none.

    Args:
        source: the folder.
        channels: of the network's images, 1 or 3.

    Raises:
        WeightsError: if the file asks for something that reslab's preprocessing cannot do.
    """
    grey_or_colour: Literal[1, 3] = 1 if channels == 1 else 3
    if FILE_NAME not in source.documents:
        return ImageProcessor(
            geometry=ImageGeometry(
                resize=256, crop=224, channels=grey_or_colour, interpolation="bicubic"
            ),
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            reason=f"that of the published ResNets (resize to 256, bicubic, crop 224): there is no "
            f"{FILE_NAME}",
        )
    document = source.documents[FILE_NAME]
    try:
        geometry, note = _read_geometry(document, grey_or_colour)
        mean, std = _read_statistics(document, channels)
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise WeightsError(
            f"{source.path / FILE_NAME} describes no preprocessing that reslab has: {error!r}"
        ) from error
    return ImageProcessor(
        geometry=geometry, mean=mean, std=std, reason=f"as {FILE_NAME} says{note}"
    )


def describe_image_processor(
    geometry: ImageGeometry, mean: list[float], std: list[float]
) -> dict[str, Any]:
    """The content of `FILE_NAME`, for a processor that resizes and then crops at the centre."""
    resample = {name: number for number, name in INTERPOLATIONS.items()}[geometry.interpolation]
    return {
        "image_processor_type": "BitImageProcessor",
        "do_convert_rgb": geometry.channels == 3,
        "do_resize": geometry.resize is not None,
        "size": {"shortest_edge": geometry.resize or geometry.crop},
        "resample": resample,
        "do_center_crop": True,
        "crop_size": {"height": geometry.crop, "width": geometry.crop},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": mean,
        "image_std": std,
    }


def _read_geometry(
    document: Mapping[str, Any], channels: Literal[1, 3]
) -> tuple[ImageGeometry, str]:
    resample = document.get("resample", 3)
    if resample not in INTERPOLATIONS:
        raise ValueError(f"resample {resample!r} is neither bilinear (2) nor bicubic (3)")
    resize, crop, note = _read_resize(document)
    if document.get("do_center_crop") and "crop_size" in document:
        crop = _read_side(document["crop_size"])
    if resize < crop:
        raise ValueError(f"it crops {crop} pixels from {resize}")
    geometry = ImageGeometry(
        resize=resize if document.get("do_resize", True) else None,
        crop=crop,
        channels=channels,
        interpolation=INTERPOLATIONS[resample],
    )
    return geometry, note


def _read_resize(document: Mapping[str, Any]) -> tuple[int, int, str]:
    size = document.get("size", 224)
    side = _read_side(size)
    kind = str(document.get("image_processor_type", document.get("feature_extractor_type", "")))
    is_convnext = kind.startswith("ConvNext") or "crop_pct" in document
    if is_convnext and side < _WARPED_FROM:
        return math.floor(side / float(document.get("crop_pct", 224 / 256))), side, ""
    if is_convnext or (isinstance(size, dict) and "height" in size):
        note = "; there an image that is not square is squeezed, here its centre is cropped"
        return side, side, note
    return side, side, ""


def _read_side(size: Any) -> int:
    if isinstance(size, dict):
        sides = {size[key] for key in ("shortest_edge", "height", "width") if key in size}
        if len(sides) != 1:
            raise ValueError(f"{size} is not the side of a square")
        size = sides.pop()
    if type(size) is not int or not 1 <= size <= 1 << 14:
        raise ValueError(f"{size!r} is not a number of pixels")
    return size


def _read_statistics(
    document: Mapping[str, Any], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    mean, std = (0.0,) * channels, (1.0,) * channels
    if document.get("do_normalize", True):
        mean = _per_channel(document.get("image_mean", IMAGENET_MEAN), channels)
        std = _per_channel(document.get("image_std", IMAGENET_STD), channels)
    scale = (
        float(document.get("rescale_factor", 1 / 255)) if document.get("do_rescale", True) else 1
    )
    # (pixel·scale − mean) / std, said of pixel/255.
    factor = scale * 255
    return tuple(m / factor for m in mean), tuple(s / factor for s in std)


def _per_channel(values: Any, channels: int) -> tuple[float, ...]:
    numbers = [values] * channels if isinstance(values, int | float) else list(values)
    return tuple(map(float, numbers))
