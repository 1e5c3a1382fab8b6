"""The command in processes of its own, which share one import of PyTorch, and disks that fill."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from reslab.cli.main import main
from reslab.files.tensors import read_tensors
from reslab.runs.directory import RunDirectory
from reslab.training.checkpoint import list_checkpoints

LIMIT_SECONDS = 120.0
TRAIN = (
    "train", "resnet8", "--width", "4", "--threads", "1", "--device", "cpu", "--batch-size", "8",
)  # fmt: skip

Prepare = Callable[[], None]
"""Called in the process before the command; importable by name."""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int | None
    out: str
    err: str

    @property
    def last_words(self) -> str:
        """The last line on stderr."""
        return (self.err.splitlines() or [""])[-1]


class Command:
    """`reslab` with some arguments, running."""

    def __init__(self, arguments: tuple[str, ...], folder: Path, prepare: Prepare) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._files = folder / "out", folder / "err"
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.faults.conftest", "reslab.training.loop"])
        arguments_of_process = (arguments, *self._files, prepare)
        self.process: BaseProcess = context.Process(target=_run, args=arguments_of_process)
        self.process.start()

    def end(self) -> Done:
        """Wait until it ends: within a limit, or the test has failed."""
        self.process.join(LIMIT_SECONDS)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            pytest.fail(f"the command hung; so far: {self._read(1)}")
        return Done(self.process.exitcode, self._read(0), self._read(1))

    def _read(self, i: int) -> str:
        return self._files[i].read_text(encoding="utf-8")


def _run(arguments: tuple[str, ...], out: Path, err: Path, prepare: Prepare) -> None:
    for descriptor, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    # Anew, as a terminal or a log gives them; the server's own are closed.
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    prepare()
    main(list(arguments))


def nothing() -> None:
    """Prepare nothing."""


class Reslab:
    """Starts commands."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def start(self, *arguments: str, prepare: Prepare = nothing) -> Command:
        """Start `reslab` with these arguments."""
        self._count += 1
        return Command(arguments, self._folder / str(self._count), prepare)

    def __call__(self, *arguments: str, prepare: Prepare = nothing) -> Done:
        """Carry out `reslab` with these arguments."""
        return self.start(*arguments, prepare=prepare).end()


@pytest.fixture
def reslab(tmp_path_factory: pytest.TempPathFactory) -> Reslab:
    """The command, in a process for each call."""
    return Reslab(tmp_path_factory.mktemp("commands"))


class Disk:
    """A file system in memory, of a size that can be changed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def mount(self, options: str) -> None:
        """Have it, or change it."""
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")

    def change(self, options: str) -> None:
        """Change its size, or make it read-only."""
        self.mount(f"remount,{options}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A place for a disk; skips where only an administrator may mount one."""
    if sys.platform != "linux":
        pytest.skip("disks are mounted on Linux alone")
    path = tmp_path / "disk"
    path.mkdir()
    disk = Disk(path)
    disk.mount("size=16m")
    yield disk
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def find_differences(folder: Path, whole: Path) -> list[str]:
    """In what a run differs from another, apart from the time it took."""
    ours, theirs = RunDirectory(folder), RunDirectory(whole)
    states = [read_tensors(list_checkpoints(run.checkpoints_path)[0])[0] for run in (ours, theirs)]
    equal = {
        "weights": ours.weights_path.read_bytes() == theirs.weights_path.read_bytes(),
        "measurements": _measurements(ours) == _measurements(theirs),
        "state": all(states[0][name].equal(states[1][name]) for name in states[1]),
    }
    return [name for name, is_equal in equal.items() if not is_equal]


def _measurements(run: RunDirectory) -> list[dict[str, object]]:
    timings = {"elapsed_seconds", "images_per_second"}
    return [{k: v for k, v in r.items() if k not in timings} for r in run.read_metrics()]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 20 steps that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    done = Reslab(tmp_path_factory.mktemp("whole-command"))(
        *TRAIN, "--steps", "20", "--out", str(folder)
    )
    assert done.code == 0, done.err
    return folder
