"""Colour augmentation and normalisation of whole batches (Krizhevsky et al. 2012, §4.1)."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from reslab.errors import DataError


@dataclass(frozen=True, kw_only=True, eq=False)
class ChannelStatistics:
    """How the channels of a data set's pixels are distributed, in units of [0, 1]."""

    mean: Tensor
    """[C], float64."""
    covariance: Tensor
    """[C, C], float64, over all pixels."""

    @property
    def std(self) -> Tensor:
        """[C], float64."""
        return self.covariance.diagonal().sqrt()

    def components(self) -> tuple[Tensor, Tensor]:
        """Variances [C] along the principal components of the colours, and these: [C, C].

        Component `i` is column `i`; its sign is arbitrary and without effect.
        """
        variances, vectors = torch.linalg.eigh(self.covariance)
        return variances.clamp(min=0), vectors


def measure_channels(batches: Iterable[Tensor]) -> ChannelStatistics:
    """Statistics over all pixels of batches [B, C, H, W], uint8, exact up to the last division.

    Raises:
        DataError: if there is no pixel.
    """
    count, total, products = 0, torch.zeros(()), torch.zeros(())
    for images in batches:
        pixels = images.movedim(1, -1).reshape(-1, images.shape[1]).double()
        # Whole numbers below 2⁵³ add up exactly in any order.
        total = total + pixels.sum(0)
        products = products + pixels.T @ pixels
        count += len(pixels)
    if not count:
        raise DataError("there is no image to measure the colours of: give at least one")
    mean = total / count
    covariance = products / count - torch.outer(mean, mean)
    return ChannelStatistics(mean=mean / 255, covariance=covariance / 255**2)


def draw_lighting(
    count: int, generator: Generator, strength: float = 0.1, channels: int = 3
) -> Tensor:
    """How far each image is shifted along each component, in units of its variance: [count, C].

    Args:
        count: images.
        generator: on the CPU.
        strength: standard deviation; AlexNet's 0.1.
        channels: components.
    """
    return strength * torch.randn(count, channels, generator=generator)


def shift_colours(images: Tensor, draws: Tensor, statistics: ChannelStatistics) -> Tensor:
    """Add to each image one colour: Σᵢ draws[i] · variance[i] · component[i].

    AlexNet's formula depends on the unit of the pixels, which it does not give; in [0, 1] it is the
    mild change of colour that is meant.

    Args:
        images: [B, C, H, W], float, in units of [0, 1].
        draws: [B, C], as of `draw_lighting`.
        statistics: of the training images.

    Returns:
        [B, C, H, W]; may leave [0, 1].
    """
    variances, vectors = statistics.components()
    shifts = (draws.double() * variances) @ vectors.T
    return images + shifts.to(images)[:, :, None, None]


def normalise_channels(images: Tensor, statistics: ChannelStatistics, *, scale: bool) -> Tensor:
    """Bytes to floats: [0, 1], less the mean of each channel, divided by its deviation if `scale`.

    The paper subtracts the mean alone (§3.4).

    Args:
        images: [B, C, H, W], uint8.
        statistics: of the training images.
        scale: whether to divide by the standard deviation.

    Returns:
        [B, C, H, W], float32, in the memory order of the images.
    """
    divisor = statistics.std if scale else torch.ones_like(statistics.mean)
    slope = (1 / (255 * divisor)).float().to(images.device)
    offset = (-statistics.mean / divisor).float().to(images.device)
    return torch.addcmul(offset[:, None, None], images.float(), slope[:, None, None])
