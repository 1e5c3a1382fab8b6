"""What is subtracted from the pixels of a run, and what they are divided by."""

from typing import Literal

import torch
from torch import Tensor

from reslab.data.augment_colour import measure_channels
from reslab.data.load import compute_per_pixel_mean
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing

CHUNK = 1_000


def fit_preprocessing(
    images: Tensor, geometry: ImageGeometry, normalise: Literal["pixel", "channel"]
) -> Preprocessing:
    """Preprocessing that centres such images.

    Args:
        images: [N, C, H, W], uint8, as the network is shown them.
        geometry: how other images are brought to that size.
        normalise: as `Recipe.normalise`.

    Raises:
        ConfigError: if a channel of all images has one value only, and is to be divided by its
            standard deviation.
    """
    if normalise == "pixel":
        mean = compute_per_pixel_mean(images).cpu()
        return Preprocessing(mean, torch.ones(len(mean)), geometry)
    statistics = measure_channels(
        images[start : start + CHUNK].cpu() for start in range(0, len(images), CHUNK)
    )
    return Preprocessing(statistics.mean.float(), statistics.std.float(), geometry)
