"""Processes of one machine that share a run: each computes some parts of every batch.

All ranks hold the same network and take the same steps; sums over them make them agree. The first
rank is the process that was asked to train: it starts the others, alone writes the run directory
and hears signals. A rank that dies takes the whole run with it, which then goes on from its last
checkpoint: no rank ever waits for one that is gone.
"""

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from reslab.errors import RunError
from reslab.runs.orphans import end_with_parent

# A rank that is gone is noticed at once; this bounds the wait for one that hangs, and must leave
# time to compile a deep network.
TIMEOUT = timedelta(minutes=20)
END_SECONDS = 30.0
LAST_WORDS_SECONDS = 2.0
# They reach the whole group of processes; the first rank alone decides what they mean.
IGNORED = (signal.SIGINT, signal.SIGTERM)


class RankLostError(RunError):
    """A process that shares the run has ended or hangs."""


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """One process's place among those that share a run."""

    rank: int = 0
    """From 0, which is the process that writes."""
    size: int = 1
    """Processes in all."""

    @property
    def leads(self) -> bool:
        """Whether this process writes the run."""
        return self.rank == 0

    def share(self, count: int) -> range:
        """Which of `count` pieces of work are this rank's: consecutive ones."""
        return range(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all ranks, in one exchange.

        Whole numbers beside single precision are exact up to 2²⁴.

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

    def agree(self, wish: bool) -> bool:
        """Whether any rank wishes it; all get the same answer."""
        votes = torch.tensor(float(wish))
        self.add_up([votes])
        return bool(votes)

    def _exchange(self, tensors: Sequence[Tensor], collective: Callable[[Tensor], Any]) -> None:
        if self.size == 1:
            return
        # One message for all: on small networks each message costs more than what it carries.
        flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
        try:
            collective(flat)
        except RuntimeError as error:
            raise RankLostError(
                f"a process of the run was lost ({str(error).splitlines()[0]}): the same command "
                "with --resume goes on from the last checkpoint"
            ) from error
        pieces = torch.split(flat, [tensor.numel() for tensor in tensors])
        with torch.no_grad():
            for tensor, piece in zip(tensors, pieces, strict=True):
                tensor.copy_(piece.view_as(tensor))


ALONE = Ranks()
"""A run of one process."""


@contextmanager
def lead_ranks(size: int, follow: Callable[..., None], *arguments: Any) -> Iterator[Ranks]:
    """Start the other ranks of a run, of which this process is the first.

    Args:
        size: ranks in all; with 1 nothing is started.
        follow: what the others do, called as `follow(ranks, *arguments)`; importable by name.
        arguments: can be pickled; tensors in shared memory are not copied.

    Raises:
        RunError: if a rank ends before it is ready, or is lost.
    """
    if size == 1:
        yield ALONE
        return
    with TemporaryDirectory(prefix="reslab-ranks-") as folder:
        store = Path(folder) / "store"
        followers = [
            _Follower(Ranks(rank=rank, size=size), store, follow, arguments)
            for rank in range(1, size)
        ]
        try:
            for follower in followers:
                follower.wait_until_ready()
            with _joined(Ranks(size=size), store) as ranks:
                yield ranks
            for follower in followers:
                follower.process.join(END_SECONDS)
        except RankLostError:
            # Time for the traceback that says why.
            wait([follower.process.sentinel for follower in followers], LAST_WORDS_SECONDS)
            raise
        finally:
            for follower in followers:
                follower.process.kill()
                follower.process.join()


class _Follower:
    """Another rank's process, seen from the first."""

    def __init__(
        self, ranks: Ranks, store: Path, follow: Callable[..., None], arguments: tuple[Any, ...]
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self.ready, ready = context.Pipe(duplex=False)
        self.process = context.Process(
            target=_run_follower, args=(ranks, store, ready, follow, arguments), daemon=True
        )
        with _signals_held():
            self.process.start()
        ready.close()

    def wait_until_ready(self) -> None:
        try:
            self.ready.recv()
        except EOFError as error:
            self.process.join()
            raise RunError(
                f"a process of the run ended as it started (exit code {self.process.exitcode}); "
                "a script that trains with several ranks must do so below "
                "`if __name__ == '__main__':`"
            ) from error


@contextmanager
def _signals_held() -> Iterator[None]:
    """Start a process that hears no signal even before it can say so itself."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, IGNORED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_follower(
    ranks: Ranks,
    store: Path,
    ready: Connection,
    follow: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()
    ready.send(True)
    with _joined(ranks, store):
        follow(ranks, *arguments)


@contextmanager
def _joined(ranks: Ranks, store: Path) -> Iterator[Ranks]:
    with _over_loopback():
        dist.init_process_group(
            "gloo",
            init_method=store.as_uri(),
            rank=ranks.rank,
            world_size=ranks.size,
            timeout=TIMEOUT,
        )
    try:
        yield ranks
    finally:
        dist.destroy_process_group()


@contextmanager
def _over_loopback() -> Iterator[None]:
    """Keep gloo, which listens on the first interface it finds, off the network."""
    key = "GLOO_SOCKET_IFNAME"
    before = os.environ.get(key)
    loopback = [name for _, name in socket.if_nameindex() if name in ("lo", "lo0")]
    if loopback:
        os.environ[key] = loopback[0]
    try:
        yield
    finally:
        os.environ.pop(key, None)
        if before is not None:
            os.environ[key] = before
