"""Processes that share a run, seen from one of them: its share of the work, and what all agree on.

All ranks hold the same network and take the same steps; sums over them make them agree. The first
rank alone writes the run directory and prints. Every wait for another rank has a limit, and one
that is gone ends the wait at once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from textwrap import shorten
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from reslab.errors import ReslabError, RunError

T = TypeVar("T")

# A rank that is gone is noticed at once; this bounds the wait for one that hangs, and must leave
# time to compile a deep network, and to evaluate or write what only the first rank does.
TIMEOUT = timedelta(minutes=20)
CAUSE_LENGTH = 160
# What the messages of lost connections have in common; PyTorch has no error class for all of them.
LOST = ("gloo", "nccl", "c10d", "connection", "process group", "socket")


class RankLostError(RunError):
    """A process that shares the run has ended or hangs."""


class ToldError(RunError):
    """Another process of the run has an error, and its first process says which."""


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """One process's place among those that share a run."""

    rank: int = 0
    """From 0, which is the process that writes."""
    size: int = 1
    """Processes in all."""
    local_rank: int | None = None
    """Among those of this machine, which have a GPU each if there are GPUs; None for processes that
    share a CPU."""
    part_group: dist.ProcessGroup | None = None
    """The ranks that share each part of the batch with this one; None for all ranks."""

    @property
    def leads(self) -> bool:
        """Whether this process writes the run."""
        return self.rank == 0

    def share(self, count: int) -> range:
        """Which of `count` pieces of work are this rank's: consecutive ones, none twice."""
        return range(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def count_pieces(self, parts: int) -> int:
        """Of a batch's `parts`, how many this rank computes: whole ones, or a share of one."""
        return max(1, parts // self.size)

    def count_sharers(self, parts: int) -> int:
        """How many ranks share each of a batch's `parts`: 1 where every rank has whole ones."""
        return max(1, self.size // parts)

    def join_sharers(self, parts: int) -> "Ranks":
        """The same place, with the group of those that share each of a batch's `parts` with it.

        To be called on every rank.

        Raises:
            RankLostError: if a rank is lost.
        """
        sharers = self.count_sharers(parts)
        if sharers in (1, self.size):
            return self
        with watched():
            group, _ = dist.new_subgroups(sharers)  # type: ignore[no-untyped-call]
        return replace(self, part_group=group)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all ranks; those of a kind go in one exchange.

        Raises:
            RankLostError: if a rank is lost.
        """
        self._exchange(tensors, dist.all_reduce)

    def copy_from_first(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by the first rank's, as `add_up` does.

        Raises:
            RankLostError: if a rank is lost.
        """
        self._exchange(tensors, lambda flat: dist.broadcast(flat, src=0))

    def together(self, work: Callable[[], T]) -> T:
        """Call `work` on every rank; if it fails on one, no rank goes on and waits for it.

        Raises:
            ReslabError: on the first rank, what went wrong there or on another.
            ToldError: on the other ranks.
            RankLostError: if a rank is lost.
        """
        try:
            value, error = work(), None
        except ReslabError as caught:
            value, error = None, caught
        if self.size > 1:
            self._compare(error)
        if error is not None:
            raise error
        return value  # type: ignore[return-value]

    def tell(self, decide: Callable[[], T]) -> T:
        """Call `decide` on the first rank alone; all return what it did.

        Raises:
            ReslabError: on the first rank, what it raised.
            ToldError: on the other ranks.
            RankLostError: if a rank is lost.
        """
        value = self.together(decide if self.leads else lambda: None)
        if self.size == 1:
            return value  # type: ignore[return-value]
        box = [value]
        with watched():
            dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]  # type: ignore[return-value]

    def _compare(self, error: ReslabError | None) -> None:
        """Raise on every rank where any has an error, but on the first if it is its own."""
        words: list[str | None] = [None] * self.size
        with watched():
            dist.all_gather_object(words, None if error is None else str(error))
        first = next((rank for rank, word in enumerate(words) if word is not None), None)
        if first is None or (self.leads and error is not None):
            return
        if self.leads:
            raise RunError(f"on process {first} of the run: {words[first]}")
        raise ToldError(f"process {first} of the run cannot go on: {words[first]}") from error

    def _exchange(self, tensors: Sequence[Tensor], collective: Callable[[Tensor], Any]) -> None:
        if self.size == 1:
            return
        for alike in _sort_by_kind(tensors):
            # One message for all: on small networks each costs more than what it carries.
            flat = torch.cat([tensor.detach().reshape(-1) for tensor in alike])
            with watched():
                collective(flat)
            pieces = torch.split(flat, [tensor.numel() for tensor in alike])
            with torch.no_grad():
                for tensor, piece in zip(alike, pieces, strict=True):
                    tensor.copy_(piece.view_as(tensor))


ALONE = Ranks()
"""A run of one process."""


@contextmanager
def watched() -> Iterator[None]:
    """Turn the error of an exchange with a rank that is gone or hangs into words.

    Raises:
        RankLostError: in the place of such an error; others stay as they are.
    """
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and not any(
            word in str(error).lower() for word in LOST
        ):
            raise
        raise RankLostError(
            f"a process of the run was lost ({shorten(str(error), CAUSE_LENGTH)}): the same "
            "command with --resume goes on from the last checkpoint"
        ) from error


def _sort_by_kind(tensors: Sequence[Tensor]) -> list[list[Tensor]]:
    """Those of one dtype and device together: whole numbers stay exact."""
    kinds: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}
    for tensor in tensors:
        kinds.setdefault((tensor.dtype, tensor.device), []).append(tensor)
    return list(kinds.values())
