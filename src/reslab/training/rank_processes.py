"""Several processes on this machine's CPU that share a run, started by the first of them.

The first rank is the process that was asked to train: it starts the others and hears signals. A
rank that dies takes the whole run with it, which then goes on from its last checkpoint.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch.distributed as dist

from reslab.errors import ReslabError, RunError
from reslab.runs.orphans import end_with_parent
from reslab.training.group import over_loopback
from reslab.training.ranks import ALONE, TIMEOUT, RankLostError, Ranks, ToldError

# For the import of PyTorch on a machine that is busy.
START_SECONDS = 300.0
END_SECONDS = 30.0
LAST_WORDS_SECONDS = 2.0
# They reach the whole group of processes; the first rank alone decides what they mean.
IGNORED = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def lead_ranks(size: int, follow: Callable[..., object], *arguments: Any) -> Iterator[Ranks]:
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
            # Time for the words that say why.
            wait([follower.process.sentinel for follower in followers], LAST_WORDS_SECONDS)
            for follower in followers:
                follower.raise_last_words()
            raise
        finally:
            for follower in followers:
                follower.process.kill()
                follower.process.join()


class _Follower:
    """Another rank's process, seen from the first."""

    def __init__(
        self, ranks: Ranks, store: Path, follow: Callable[..., object], arguments: tuple[Any, ...]
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self.rank = ranks.rank
        self.words, words = context.Pipe(duplex=False)
        self.process = context.Process(
            target=_run_follower, args=(ranks, store, words, follow, arguments), daemon=True
        )
        with _signals_held():
            self.process.start()
        words.close()

    def wait_until_ready(self) -> None:
        if not self.words.poll(START_SECONDS):
            raise RunError(
                f"a process of the run did not start within {START_SECONDS:.0f} seconds: close "
                "other programs, or take fewer ranks"
            )
        try:
            self.words.recv()
        except EOFError as error:
            self.process.join()
            raise RunError(
                f"a process of the run ended as it started (exit code {self.process.exitcode}); "
                "a script that trains with several ranks must do so below "
                "`if __name__ == '__main__':`"
            ) from error

    def raise_last_words(self) -> None:
        """Raise what the process said before it ended, if anything."""
        try:
            words = self.words.recv() if self.words.poll() else None
        except (EOFError, OSError):
            return
        if words is not None:
            raise RunError(f"on process {self.rank} of the run: {words}")


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
    words: Connection,
    follow: Callable[..., object],
    arguments: tuple[Any, ...],
) -> None:
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()
    words.send(None)
    try:
        with _joined(ranks, store):
            follow(ranks, *arguments)
    except (ToldError, RankLostError):
        # The first rank knows.
        return
    except ReslabError as error:
        words.send(str(error))


@contextmanager
def _joined(ranks: Ranks, store: Path) -> Iterator[Ranks]:
    with over_loopback():
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
