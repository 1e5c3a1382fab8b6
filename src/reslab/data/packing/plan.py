"""Which image goes into which shard: decided before the first is written."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from reslab.data.image_set import TRAIN, ImageCollection
from reslab.data.seeds import derive_seed
from reslab.errors import ConfigError
from reslab.files.documents import digest_document


@dataclass(frozen=True, kw_only=True)
class PackSettings:
    """How images are packed.

    Raises:
        ConfigError: if a value is out of range.
    """

    shorter_side: int | None = None
    """Images with a longer one are resized to it; others are packed byte for byte."""
    quality: int = 90
    """JPEG quality of what is resized, from 1 to 95."""
    images_per_shard: int = 2000

    def __post_init__(self) -> None:
        if self.shorter_side is not None and self.shorter_side < 1:
            raise ConfigError(f"the shorter side is {self.shorter_side}: give 1 or more pixels")
        if not 1 <= self.quality <= 95:
            raise ConfigError(f"the JPEG quality is {self.quality}: give one from 1 to 95")
        if self.images_per_shard < 1:
            raise ConfigError(f"{self.images_per_shard} images in a shard: give 1 or more")


@dataclass(frozen=True, kw_only=True, eq=False)
class ShardPlan:
    """One shard to write."""

    file: str
    part: str
    indices: NDArray[np.int64]
    """Images of the part, in the order in which they are written."""
    digest: str
    """Of all that determines the shard."""


def digest_plan(collection: ImageCollection, settings: PackSettings) -> str:
    """Digest of source and settings: equal ones give equal shards."""
    return digest_document({"source": collection.digest(), "settings": asdict(settings)})


def plan_shards(
    collection: ImageCollection, settings: PackSettings, digest: str
) -> list[ShardPlan]:
    """Divide every part into shards; images to train on are shuffled, always the same way.

    Other libraries read a shard as a stream and shuffle only what is near, so the classes must
    not lie one after another.
    """
    plans = []
    for part, images in collection.parts.items():
        order = np.arange(len(images))
        if part == TRAIN:
            np.random.default_rng(derive_seed(0, "pack")).shuffle(order)
        for number, start in enumerate(range(0, len(order), settings.images_per_shard)):
            file = f"{part}-{number:05d}.tar"
            indices = order[start : start + settings.images_per_shard]
            of_shard = digest_document({"plan": digest, "file": file})
            plans.append(ShardPlan(file=file, part=part, indices=indices, digest=of_shard))
    return plans
