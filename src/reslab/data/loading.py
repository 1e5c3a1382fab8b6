"""Batches from a data set too large for memory, prepared by worker processes ahead of their use."""

import time
from collections import deque
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

import torch

# Registers how tensors in shared memory are sent to another process.
import torch.multiprocessing
from torch import Tensor

from reslab.data.broken_images import BrokenImage, BrokenImages
from reslab.data.filling import Filler, LoaderSource, Slot
from reslab.data.requests import Request
from reslab.data.workers import Worker
from reslab.errors import DataError

DEPTH = 3
"""Batches in memory: one in use, the others being made."""


_Piece = tuple[int, Request, int, int]
"""Slot, request, and the places to fill: from, up to."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Images and labels of one step."""

    step: int
    images: Tensor
    """[B, 3, size, size], uint8, in the memory order of `channels_last`."""
    labels: Tensor
    """[B], int64."""


class ImageLoader:
    """Loads requested batches in order; all worker processes share each of them.

    Batches lie in memory that is allocated once: pinned, where they go to a GPU. Use it as a
    context manager, so that the processes end.

    Args:
        sources: what to load from, by the names that requests have for it; all views have one size.
        batch_size: the largest batch that will be requested.
        workers: processes; 0 loads in this one, when asked.
        device: where the batches go.
        broken: counts images that cannot be read; without it, one such image is an error.
        depth: batches in memory.
    """

    def __init__(
        self,
        sources: Mapping[str, LoaderSource],
        batch_size: int,
        *,
        workers: int,
        device: torch.device | None = None,
        broken: BrokenImages | None = None,
        depth: int = DEPTH,
    ) -> None:
        self.broken = broken
        self.device = device or torch.device("cpu")
        self.waited_seconds = 0.0
        """How long batches were waited for: what a faster loader would save."""
        self._filler = Filler(sources)
        (size,) = {source.view.size for source in sources.values()}
        self._slots = [_make_slot(batch_size, size) for _ in range(max(depth, 1))]
        self._copied: dict[int, torch.cuda.Event] = {}
        self._stack = ExitStack()
        if self.device.type == "cuda":
            for slot in self._slots:
                _pin(slot.images, self._stack)
        fill = _Fill(self._filler, self._slots)
        self._workers: list[Worker[_Piece, list[BrokenImage]]] = []
        for _ in range(workers):
            self._workers.append(Worker(fill, _use_one_thread))
            self._stack.callback(self._workers[-1].stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes, in the middle of their work if need be."""
        self._stack.close()

    def load(self, requests: Iterable[Request]) -> Generator[Batch, None, None]:
        """Load batches, some ahead. On the CPU each is valid until the next one is asked for.

        Raises:
            DataError: if an image cannot be read and may not be replaced, too many cannot, or a
                worker process has ended or is stuck.
        """
        for worker in self._workers:
            # What an earlier call left under way would be written over these batches.
            worker.settle()
        waiting = iter(requests)
        under_way: deque[tuple[Request, int]] = deque()
        free = deque(range(len(self._slots)))
        try:
            while True:
                while free and (request := next(waiting, None)) is not None:
                    under_way.append((request, free[0]))
                    self._begin(request, free.popleft())
                if not under_way:
                    return
                request, slot = under_way[0]
                self._finish(request, slot)
                under_way.popleft()
                yield self._hand_over(request, slot)
                free.append(slot)
        finally:
            for worker in self._workers:
                worker.forget()

    def _begin(self, request: Request, slot: int) -> None:
        if slot in self._copied:
            self._copied.pop(slot).synchronize()
        for number, worker in enumerate(self._workers):
            worker.ask((slot, request, *_divide(len(request.indices), number, len(self._workers))))

    def _finish(self, request: Request, slot: int) -> None:
        started = time.perf_counter()
        if self._workers:
            broken = [image for worker in self._workers for image in worker.receive()]
        else:
            broken = self._filler.fill(self._slots[slot], request, 0, len(request.indices))
        self.waited_seconds += time.perf_counter() - started
        for image in broken:
            self._count(image)

    def _count(self, image: BrokenImage) -> None:
        if self.broken is None:
            raise DataError(image.problem)
        self.broken.add(image)

    def _hand_over(self, request: Request, slot: int) -> Batch:
        count = len(request.indices)
        images = self._slots[slot].images[:count].permute(0, 3, 1, 2)
        labels = self._slots[slot].labels[:count]
        if self.device.type == "cuda":
            images = images.to(self.device, non_blocking=True)
            # Waits, as it is not pinned, until it is copied; it is small.
            labels = labels.to(self.device)
            self._copied[slot] = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._copied[slot].record()
        return Batch(request.step, images, labels)


@dataclass(frozen=True, eq=False)
class _Fill:
    """What a worker does."""

    filler: Filler
    slots: list[Slot]

    def __call__(self, piece: _Piece) -> list[BrokenImage]:
        slot, request, start, end = piece
        return self.filler.fill(self.slots[slot], request, start, end)


def _use_one_thread() -> None:
    torch.set_num_threads(1)


def _divide(count: int, number: int, pieces: int) -> tuple[int, int]:
    return number * count // pieces, (number + 1) * count // pieces


def _make_slot(batch_size: int, size: int) -> Slot:
    images = torch.empty(batch_size, size, size, 3, dtype=torch.uint8)
    labels = torch.empty(batch_size, dtype=torch.int64)
    for tensor in (images, labels):
        tensor.share_memory_()  # type: ignore[no-untyped-call]
    return Slot(images, labels)


def _pin(tensor: Tensor, stack: ExitStack) -> None:
    runtime = torch.cuda.cudart()  # type: ignore[no-untyped-call]
    # Best effort: what cannot be pinned is copied more slowly, and right all the same.
    if int(runtime.cudaHostRegister(tensor.data_ptr(), tensor.nbytes, 0)) == 0:
        stack.callback(runtime.cudaHostUnregister, tensor.data_ptr())
