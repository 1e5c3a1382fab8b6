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
    batch, _, height, width = images.shape
    places = torch.randint(0, 2 * padding + 1, (2, batch), generator=generator).to(images.device)
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
    flips = torch.rand(len(images), generator=generator).to(images.device) < 0.5
    return torch.where(flips[:, None, None, None], images.flip(-1), images)
