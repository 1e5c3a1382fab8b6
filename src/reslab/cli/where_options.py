"""Where runs are carried out, how many at a time, and what each takes: for every verb with many."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from reslab.cli.output import print_message
from reslab.errors import ConfigError

if TYPE_CHECKING:
    from reslab.runs.executor import Executor

RUNS_ON_A_GPU = 4
PLACES = ("processes", "here", "ray")


@dataclass(frozen=True, kw_only=True)
class Where:
    """What `WhereOptions.open` gives."""

    executor: "Executor"
    """Carries out the runs."""
    device: str
    """On which each run computes."""
    threads: int
    """CPU threads of each process."""
    pack: int
    """Runs that share a process."""


@dataclass(frozen=True, kw_only=True)
class WhereOptions:
    """Where runs are carried out, and how many at a time."""

    on: str = "processes"
    """`processes` of this machine; `here`, in this process; `ray`, the cluster that RAY_ADDRESS
    names, or one of this machine alone; `ray://HOST:PORT`, the cluster at that address."""
    workers: int | None = None
    """Processes at a time: by default as many as there are cores or GPUs for."""
    cpus_per_run: int = 1
    """CPU cores, and threads, of each process."""
    gpus_per_run: float | None = None
    """GPUs of each process, 0.5 for two that share one: by default 1 where there are any."""
    pack: int | None = None
    """Runs that share a process and train side by side: by default 4 on a GPU, 1 elsewhere."""
    retries: int = 3
    """How often a run is begun again whose node or process a cluster lost."""

    def _check(self) -> None:
        if self.on not in PLACES and not self.on.startswith("ray://"):
            raise ConfigError(
                f"--on is {self.on!r}: choose one of {', '.join(PLACES)}, or ray://HOST:PORT"
            )
        for name in ("workers", "cpus_per_run", "pack"):
            value = getattr(self, name)
            if value is not None and value < 1:
                option = name.replace("_", "-")
                raise ConfigError(f"--{option} is {value}, must be at least 1")
        if self.retries < 0:
            raise ConfigError(f"--retries is {self.retries}, must be 0 or more")
        if self.gpus_per_run is not None and not 0 <= self.gpus_per_run <= 1:
            raise ConfigError(f"--gpus-per-run is {self.gpus_per_run}: a run takes from 0 to 1")

    @contextmanager
    def open(self, device: str) -> Iterator[Where]:
        """What carries out runs, for as long as they are.

        Args:
            device: cpu, cuda, cuda:1, mps; auto takes a GPU where there is one.

        Raises:
            ConfigError: if an option is out of range, or the device is not there.
            RunError: if the cluster is not.
        """
        self._check()
        choose = self._on_ray if self.on.startswith("ray") else self._on_this_machine
        executor, device = choose(device)
        try:
            yield Where(
                executor=executor,
                device=device,
                threads=self.cpus_per_run,
                pack=self.pack or (RUNS_ON_A_GPU if device.startswith("cuda") else 1),
            )
        finally:
            executor.close()

    def _on_this_machine(self, device_name: str) -> "tuple[Executor, str]":
        from reslab.runs.executor import count_cores  # noqa: PLC0415
        from reslab.runs.executors.here import ThisProcess  # noqa: PLC0415
        from reslab.runs.executors.processes import LocalProcesses  # noqa: PLC0415
        from reslab.training.start import find_device  # noqa: PLC0415

        device = find_device(device_name)
        if self.on == "here":
            return ThisProcess(), str(device)
        gpus: list[str] = _list_gpus() if device.type == "cuda" and device.index is None else []
        room = count_cores() / self.cpus_per_run if device.type == "cpu" else 1.0
        if gpus:
            room = len(gpus) / (self.gpus_per_run or 1)
        workers = self.workers or max(1, math.floor(room + 1e-6))
        return LocalProcesses(workers, gpus), str(device)

    def _on_ray(self, device: str) -> "tuple[Executor, str]":
        from reslab.runs.executors.ray_executor import RayExecutor  # noqa: PLC0415

        # Whoever names a device takes a GPU if it is one; else the cluster says whether it has any.
        named = None if device == "auto" else float(device.startswith("cuda"))
        executor = RayExecutor(
            self.on if self.on.startswith("ray://") else None,
            cpus=self.cpus_per_run,
            gpus=named if self.gpus_per_run is None else self.gpus_per_run,
            workers=self.workers,
            retries=self.retries,
            on_message=print_message,
        )
        try:
            gpus = executor.settle_gpus()
        except BaseException:
            executor.close()
            raise
        if device != "auto":
            return executor, device
        return executor, "cuda" if gpus else "cpu"


def _list_gpus() -> list[str]:
    """The GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them."""
    import os  # noqa: PLC0415

    import torch  # noqa: PLC0415

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    return [str(index) for index in range(torch.cuda.device_count())]


WhereOptionsInPlace = Annotated[WhereOptions, tyro.conf.arg(name="")]
"""The options as a verb's own, without a prefix."""
