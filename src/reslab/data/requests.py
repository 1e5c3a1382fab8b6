"""Which images are wanted in which batch, as a pure function of seed and step."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reslab.data.batches import BatchOrder
from reslab.data.seeds import derive_seed
from reslab.data.windows import Uniforms
from reslab.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Request:
    """One batch to load."""

    step: int
    source: str
    """Which of the loader's sources."""
    indices: NDArray[np.int64]
    """[B], images of that source."""
    uniforms: Uniforms
    """[B, draws], what each image's view is drawn from."""
    replaces: bool = True
    """Whether another image takes the place of one that cannot be read; it is labelled −1 else."""


@dataclass(frozen=True, kw_only=True)
class Shard:
    """One rank's share of every batch.

    Raises:
        ConfigError: if there is no such rank.
    """

    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.ranks:
            raise ConfigError(f"rank {self.rank} of {self.ranks}: ranks count from 0")


WHOLE = Shard()


def plan_training(
    source: str,
    order: BatchOrder,
    draws: int,
    steps: range,
    shard: Shard = WHOLE,
) -> Iterator[Request]:
    """The batches of some steps.

    Together the ranks see each batch once, whatever their number: each takes a piece of it, and
    of the random numbers drawn for all of it.

    Args:
        source: which of the loader's.
        order: of the whole batch.
        draws: random numbers for each image, `View.draws`.
        steps: from where a run starts or goes on to where it ends.
        shard: which piece.

    Raises:
        ConfigError: if the batch cannot be divided among the ranks.
    """
    if order.batch_size % shard.ranks:
        raise ConfigError(
            f"a batch of {order.batch_size} cannot be shared by {shard.ranks} ranks evenly: "
            f"choose a multiple of {shard.ranks}"
        )
    size = order.batch_size // shard.ranks
    piece = slice(shard.rank * size, (shard.rank + 1) * size)
    for step in steps:
        generator = np.random.default_rng(derive_seed(order.seed, "views", step))
        uniforms = generator.random((order.batch_size, draws))
        yield Request(step, source, order.indices(step).numpy()[piece], uniforms[piece])


def plan_evaluation(
    source: str, indices: NDArray[np.int64], batch_size: int, shard: Shard = WHOLE
) -> Iterator[Request]:
    """Each image once, in order, with a smaller last batch; ranks take turns, image by image.

    Images that cannot be read are not replaced.

    Args:
        source: which of the loader's.
        indices: of the images there.
        batch_size: of one rank.
        shard: which rank.
    """
    indices = indices[shard.rank :: shard.ranks]
    for step, start in enumerate(range(0, len(indices), batch_size)):
        chosen = indices[start : start + batch_size]
        yield Request(step, source, chosen, np.empty((len(chosen), 0)), replaces=False)
