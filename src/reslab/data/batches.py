"""The order in which a run sees its images: a pure function of seed and step."""

import torch
from torch import Tensor

from reslab.data.seeds import derive_seed


class BatchOrder:
    """Batches cut from one epoch's permutation after another, without repeats or gaps.

    A batch may straddle two epochs, so every batch is full and every image is seen equally often.

    Args:
        count: number of images.
        batch_size: images in each batch.
        seed: the run's seed.
    """

    def __init__(self, count: int, batch_size: int, seed: int) -> None:
        self.count = count
        self.batch_size = batch_size
        self.seed = seed
        self._epoch = -1
        self._permutation = torch.empty(0, dtype=torch.int64)

    def indices(self, step: int) -> Tensor:
        """The images of step `step` (from 0): [batch_size], int64, on the CPU."""
        position = step * self.batch_size
        parts = []
        missing = self.batch_size
        while missing:
            epoch, offset = divmod(position, self.count)
            part = self._permute(epoch)[offset : offset + missing]
            parts.append(part)
            position += len(part)
            missing -= len(part)
        return torch.cat(parts)

    def _permute(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(derive_seed(self.seed, "order", epoch))
            self._permutation = torch.randperm(self.count, generator=generator)
            self._epoch = epoch
        return self._permutation
