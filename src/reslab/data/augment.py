"""The paper's augmentation, on whole batches of tensors (He et al. 2016, §4.2)."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


def random_crop(images: Tensor, padding: int, generator: Generator) -> Tensor:
    """Pad with zeros on each side, then cut out a window of the original size at random.

    Applied to centred images the padding is the mean image's grey, as in the paper, which subtracts
    the mean first.

    Args:
        images: [B, C, H, W], any dtype.
        padding: pixels added on each side; 4 on CIFAR-10.
        generator: on the CPU; source of the windows' places.

    Returns:
        [B, C, H, W], on the images' device.
    """
    places = draw_places(len(images), padding, generator)
    return crop_at(images, padding, places.to(images.device))


def draw_places(count: int, padding: int, generator: Generator) -> Tensor:
    """Where `random_crop` cuts: [2, count], int64, rows and columns of the windows' corners."""
    return torch.randint(0, 2 * padding + 1, (2, count), generator=generator)


def crop_at(images: Tensor, padding: int, places: Tensor) -> Tensor:
    """Pad with zeros on each side, then cut out the window at each image's place.

    Args:
        images: [B, C, H, W], any dtype.
        padding: pixels added on each side.
        places: [2, B], as of `draw_places`, on the images' device.

    Returns:
        [B, C, H, W].
    """
    batch, _, height, width = images.shape
    padded = F.pad(images, (padding, padding, padding, padding))
    # A view of all windows, of which the indexing copies one for each image.
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    return windows[torch.arange(batch, device=images.device), :, places[0], places[1]]


def random_flip(images: Tensor, generator: Generator) -> Tensor:
    """Mirror each image left to right with probability one half.

    Args:
        images: [B, C, H, W].
        generator: on the CPU.

    Returns:
        [B, C, H, W].
    """
    return flip_where(images, draw_flips(len(images), generator).to(images.device))


def draw_flips(count: int, generator: Generator) -> Tensor:
    """Which images `random_flip` mirrors: [count], bool."""
    return torch.rand(count, generator=generator) < 0.5


def flip_where(images: Tensor, flips: Tensor) -> Tensor:
    """Mirror the images [B, C, H, W] where `flips` ([B], bool) is set."""
    return torch.where(flips[:, None, None, None], images.flip(-1), images)
