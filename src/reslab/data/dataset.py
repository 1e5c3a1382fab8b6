"""A labelled set of images, whole, as tensors of bytes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from reslab.errors import DataError


@dataclass(frozen=True)
class LabelledImages:
    """Images and their labels.

    Raises:
        DataError: if shapes or dtypes are not as described.
    """

    images: Tensor
    """[N, C, H, W], uint8."""
    labels: Tensor
    """[N], int64, from 0."""

    def __post_init__(self) -> None:
        if self.images.dim() != 4 or self.images.dtype != torch.uint8:
            raise DataError(
                f"images must be uint8 of shape [N, C, H, W], got {self.images.dtype} of shape "
                f"{tuple(self.images.shape)}"
            )
        if self.labels.shape != self.images.shape[:1] or self.labels.dtype != torch.int64:
            raise DataError(
                f"labels must be int64 of shape [{len(self.images)}], got {self.labels.dtype} of "
                f"shape {tuple(self.labels.shape)}"
            )

    def __len__(self) -> int:
        return len(self.images)

    def select(self, indices: Tensor) -> "LabelledImages":
        """The images at `indices` ([n], int64), in that order."""
        return LabelledImages(self.images[indices], self.labels[indices])

    def to(self, device: torch.device | str) -> "LabelledImages":
        """The same images on another device."""
        return LabelledImages(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set as it is published: one part to train on, one to test on."""

    name: str
    class_names: tuple[str, ...]
    train: LabelledImages
    test: LabelledImages

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width
