"""How a network is tested: which views of an image it is shown (He et al. 2016, §3.4).

Whatever the protocol, an image's scores are the mean over its views of the softmax of their logits.

- `centre`: the central crop.
- `ten-crop`: four corners and centre, and their mirror images ("the standard 10-crop testing").
- `fully-convolutional`: the whole image, uncropped, at several scales of its shorter side. The
  classifier, as a 1×1 convolution, gives logits at every position of the last maps, which are
  averaged over positions; the softmax of that is averaged over scales. Since the classifier is
  linear, the average over positions is its output for the globally averaged maps: the network
  applied to the whole image as it stands. The paper leaves open where the softmax stands, and
  whether images are mirrored as well; here they are not.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from reslab.data.images import Pixels, decode_image
from reslab.data.views import centre_crop, resize_shorter_side, ten_crop
from reslab.errors import ConfigError
from reslab.networks.geometry import ImageGeometry

MakeViews = Callable[[Pixels], Sequence[Pixels]]
"""Pixels [H, W, C] to the views [h, w, C] that the network is shown."""

PROTOCOLS = ("centre", "ten-crop", "fully-convolutional")

PAPER_SCALES = (224, 256, 384, 480, 640)
PAPER_CROP = 224


def build_protocol(
    name: str, geometry: ImageGeometry, scales: Sequence[int] | None = None
) -> MakeViews:
    """The protocol `name` for a network of this geometry.

    Args:
        name: one of `PROTOCOLS`.
        geometry: how the network's images are resized and cropped.
        scales: of the fully-convolutional protocol; by default the paper's, which are for crops of
            224, in proportion to the network's crop.

    Raises:
        ConfigError: if the name is unknown, or scales are not positive or not for this protocol.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"unknown protocol {name!r}: choose one of {', '.join(PROTOCOLS)}")
    if scales is not None and (name != "fully-convolutional" or not scales or min(scales) < 1):
        raise ConfigError(
            f"scales {tuple(scales)} for the protocol {name}: they belong to fully-convolutional, "
            "and each must be at least 1"
        )
    if name == "centre":
        return partial(_centre_view, geometry)
    if name == "ten-crop":
        return partial(_ten_views, geometry)
    return partial(_whole_views, geometry, tuple(scales or scale_to_crop(geometry.crop)))


def scale_to_crop(crop: int) -> tuple[int, ...]:
    """The paper's five scales, in proportion for a network of another crop than 224."""
    return tuple(round(scale * crop / PAPER_CROP) for scale in PAPER_SCALES)


def read_views(path: Path, geometry: ImageGeometry, make_views: MakeViews) -> Sequence[Pixels]:
    """Decode an image file and make its views.

    Raises:
        DataError: naming the file, if it cannot be read or decoded.
    """
    return make_views(decode_image(path, geometry.channels))


def _centre_view(geometry: ImageGeometry, pixels: Pixels) -> list[Pixels]:
    return [centre_crop(_resize(geometry, pixels), geometry.crop)]


def _ten_views(geometry: ImageGeometry, pixels: Pixels) -> list[Pixels]:
    return ten_crop(_resize(geometry, pixels), geometry.crop)


def _whole_views(geometry: ImageGeometry, scales: tuple[int, ...], pixels: Pixels) -> list[Pixels]:
    return [resize_shorter_side(pixels, scale, geometry.interpolation) for scale in scales]


def _resize(geometry: ImageGeometry, pixels: Pixels) -> Pixels:
    if geometry.resize is None:
        return pixels
    return resize_shorter_side(pixels, geometry.resize, geometry.interpolation)
