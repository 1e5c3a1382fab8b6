"""What a trained network expects of its images; stored with its weights."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from reslab.errors import ConfigError
from reslab.networks.geometry import ImageGeometry


class Preprocessing(nn.Module):
    """Pixels of 0 to 255 to what the network was trained on: (pixels/255 − mean) / std.

    Args:
        mean: of pixels in [0, 1]; [C], or [C, H, W] per pixel as in He et al. 2016, §4.2.
        std: [C], of pixels in [0, 1]; ones where the images were only centred.
        geometry: how an image of another size is brought to the network's.

    Raises:
        ConfigError: if the shapes do not fit the geometry's channels, or a std is not positive.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, mean: Tensor | Sequence[float], std: Tensor | Sequence[float], geometry: ImageGeometry
    ) -> None:
        super().__init__()
        mean = torch.as_tensor(mean, dtype=torch.float32)
        std = torch.as_tensor(std, dtype=torch.float32)
        _check_statistics(mean, std, geometry)
        self.geometry = geometry
        self.register_buffer("mean", mean if mean.dim() == 3 else mean.reshape(-1, 1, 1))
        self.register_buffer("std", std.reshape(-1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Normalise images [B, C, H, W] of 0 to 255 (uint8 or float); returns float32."""
        return (images.to(self.mean.dtype) / 255 - self.mean) / self.std


def _check_statistics(mean: Tensor, std: Tensor, geometry: ImageGeometry) -> None:
    channels = geometry.channels
    per_channel = (torch.Size([channels]), torch.Size([channels, 1, 1]))
    per_pixel = torch.Size([channels, geometry.crop, geometry.crop])
    if mean.shape not in (*per_channel, per_pixel):
        raise ConfigError(
            f"a mean of shape {tuple(mean.shape)} does not fit images of {channels} channels and "
            f"{geometry.crop}×{geometry.crop} pixels: give {channels} numbers, or one per pixel"
        )
    if std.shape not in per_channel:
        raise ConfigError(
            f"a standard deviation of shape {tuple(std.shape)} does not fit {channels} channels: "
            f"give {channels} numbers"
        )
    if not (torch.isfinite(mean).all() and torch.isfinite(std).all() and (std > 0).all()):
        raise ConfigError("mean and standard deviation must be finite, the latter positive")
