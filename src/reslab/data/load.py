"""From the name of a data set to its images."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from reslab.data.config import DATASET_NAMES, DataConfig
from reslab.data.dataset import Dataset, LabelledImages
from reslab.data.sources.cifar import CIFAR10, CIFAR100, load_cifar
from reslab.data.sources.digits import load_digits
from reslab.errors import DataError

CIFAR_LAYOUTS = {"cifar10": CIFAR10, "cifar100": CIFAR100}


def load_dataset(name: str, root: Path | None = None) -> Dataset:
    """Load a data set by name.

    Args:
        name: `digits` (embedded), `cifar10` or `cifar100`.
        root: the folder of CIFAR's `.bin` files, or the one around it.

    Raises:
        DataError: if the name is unknown, or the files are missing or wrong.
    """
    if name == "digits":
        return load_digits()
    if name not in CIFAR_LAYOUTS:
        raise DataError(f"unknown data set {name!r}: choose one of {', '.join(DATASET_NAMES)}")
    if root is None:
        raise DataError(
            f"{name} needs the folder of its official binary version: give --data-root DIR, or "
            "add --download to fetch it there"
        )
    return load_cifar(CIFAR_LAYOUTS[name], root)


@dataclass(frozen=True, kw_only=True)
class DataParts:
    """A data set as one run sees it."""

    name: str
    class_names: tuple[str, ...]
    train: LabelledImages
    """What is trained on; the mean is computed on this part only."""
    validation: LabelledImages | None
    """What was held out of the published training part, if anything."""
    test: LabelledImages

    def to(self, device: torch.device) -> "DataParts":
        """The same data on another device."""
        validation = None if self.validation is None else self.validation.to(device)
        return replace(
            self, train=self.train.to(device), validation=validation, test=self.test.to(device)
        )

    def limit(self, count: int | None) -> "DataParts":
        """At most `count` images of each part, the same ones at every call; None keeps all."""
        if count is None:
            return self
        return replace(
            self,
            train=_sample(self.train, count),
            validation=None if self.validation is None else _sample(self.validation, count),
            test=_sample(self.test, count),
        )


def _sample(part: LabelledImages, count: int) -> LabelledImages:
    if count >= len(part):
        return part
    order = torch.randperm(len(part), generator=torch.Generator().manual_seed(0))
    return part.select(order[:count].sort().values.to(part.images.device))


def divide(dataset: Dataset, config: DataConfig) -> DataParts:
    """Hold out `config.validation_count` training images, chosen by `config.split_seed`.

    Raises:
        DataError: if that leaves nothing to train on.
    """
    count = len(dataset.train)
    if config.validation_count >= count:
        raise DataError(
            f"cannot hold out {config.validation_count:,} of {dataset.name}'s {count:,} training "
            "images: nothing would be left to train on"
        )
    train, validation = dataset.train, None
    if config.validation_count:
        order = torch.randperm(count, generator=torch.Generator().manual_seed(config.split_seed))
        validation = dataset.train.select(order[: config.validation_count].sort().values)
        train = dataset.train.select(order[config.validation_count :].sort().values)
    return DataParts(
        name=dataset.name,
        class_names=dataset.class_names,
        train=train,
        validation=validation,
        test=dataset.test,
    )


def compute_per_pixel_mean(images: torch.Tensor) -> torch.Tensor:
    """Mean image [C, H, W] of uint8 images [N, C, H, W], of pixels in [0, 1] (§4.2)."""
    # Whole numbers add up exactly, whatever the order or the number of threads.
    total = torch.zeros(images.shape[1:], dtype=torch.int64, device=images.device)
    # In parts, as the sum first makes a copy of 8 bytes a pixel.
    starts = range(0, len(images), 1_000)
    sums = [images[i : i + 1_000].sum(dim=0, dtype=torch.int64) for i in starts]
    total = torch.stack(sums).sum(dim=0)
    return (total.double() / (255 * len(images))).float()
