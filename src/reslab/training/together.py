"""Several runs in one process that take turns: on a GPU, side by side.

A small network leaves most of a GPU idle. Each run has a stream of its own and queues its steps
there, recorded ones at that, so the steps of all are computed at the same time. Processes that
share a GPU take turns instead, unless its driver's sharing service (MPS) is running.
"""

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from reslab.data.dataset import Dataset
from reslab.data.seeds import derive_seed
from reslab.errors import ConfigError
from reslab.runs.directory import RunDirectory
from reslab.training.loop import Loop, Observer
from reslab.training.memory import keep_freed_memory
from reslab.training.opening import load_named, open_session
from reslab.training.result import RunResult
from reslab.training.run_config import RunConfig
from reslab.training.start import find_device, open_run, own_threads
from reslab.training.stop import StopSignal, stop_on_signals


@dataclass(frozen=True)
class Place:
    """A run, and the folder where it is kept."""

    config: RunConfig
    folder: Path


def train_together(
    places: Sequence[Place], *, observer: Observer | None = None, dataset: Dataset | None = None
) -> list[RunResult]:
    """Carry out several runs, or the rest of them, in this process, one step each in turn.

    Each ends with the bits of itself alone, where the device computes the same bits twice; only its
    clock counts the others' time too. SIGINT and SIGTERM stop all of them, as they stop `train`.

    Args:
        places: the runs, each in a folder of its own. One that has begun goes on; one that has
            ended is not repeated.
        observer: told of the steps, records and messages of all.
        dataset: the data set of all, where it is loaded already.

    Returns:
        The results in the order of `places`.

    Raises:
        ConfigError: if the runs do not share device, threads and data, one of them wants several
            processes, or a folder holds another run.
        RunError: if another process writes one of the runs.
        DataError: if the data set is missing or wrong.
    """
    first = _check_common(places)
    device = find_device(first.execution.device)
    dataset = _move(dataset or load_named(first), device)
    with stop_on_signals() as stop, own_threads(first.execution.threads), keep_freed_memory():
        runs = [_Run(place, dataset, device, stop, observer or Observer()) for place in places]
        _take_turns(runs)
    return [run.result for run in runs if run.result is not None]


class _Run:
    """One run among several, with its own random numbers, and on a GPU its own stream."""

    def __init__(
        self,
        place: Place,
        dataset: Dataset,
        device: torch.device,
        stop: StopSignal,
        observer: Observer,
    ) -> None:
        self.device = device
        self.stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        self.steps = _carry_out(place, dataset, stop, observer)
        seed = derive_seed(place.config.seed, "torch")
        self.random_state = torch.Generator().manual_seed(seed).get_state()
        self.result: RunResult | None = None

    def take_turn(self) -> None:
        """Take the next step, or end."""
        with self._on_stream(), torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self.random_state)
            try:
                next(self.steps)
            except StopIteration as end:
                self.result = end.value
            self.random_state = torch.get_rng_state()

    def _on_stream(self) -> AbstractContextManager[object]:
        return nullcontext() if self.stream is None else torch.cuda.stream(self.stream)


def _carry_out(
    place: Place, dataset: Dataset, stop: StopSignal, observer: Observer
) -> Generator[None, None, RunResult]:
    run = RunDirectory(place.folder)
    with run.lock():
        config, ended = open_run(run, place.config, resume=True)
        if ended is not None:
            return ended
        with open_session(config, dataset) as session:
            loop = Loop(session, run, observer, stop)
            state = yield from loop.take_steps()
            return loop.conclude(state)


def _take_turns(runs: Sequence[_Run]) -> None:
    try:
        while going := [run for run in runs if run.result is None]:
            for run in going:
                run.take_turn()
    finally:
        # After an error in one, the others' locks are freed at once.
        for run in runs:
            run.steps.close()


def _check_common(places: Sequence[Place]) -> RunConfig:
    if not places:
        raise ConfigError("there is no run to carry out: give at least one")
    configs = [place.config for place in places]
    first = configs[0]
    for config in configs:
        theirs, ours = config.execution, first.execution
        if (config.data.name, theirs.data_root) != (first.data.name, ours.data_root):
            raise ConfigError("runs that train together must share one data set")
        if (theirs.device, theirs.threads) != (ours.device, ours.threads):
            raise ConfigError("runs that train together must share one device and its threads")
        if theirs.ranks > 1:
            raise ConfigError(
                f"{config.network.name} wants {theirs.ranks} ranks, but runs that train together "
                "have one process: take ranks 1"
            )
    return first


def _move(dataset: Dataset, device: torch.device) -> Dataset:
    """The data on the device, for all runs once, and there before any stream reads it."""
    moved = replace(dataset, train=dataset.train.to(device), test=dataset.test.to(device))
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
    return moved
