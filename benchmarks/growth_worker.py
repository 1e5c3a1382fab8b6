"""One point of `benchmarks/growth.py`, in a process of its own."""

import ctypes
import platform
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import torch
from isolated import serve

from reslab.data.config import DataConfig
from reslab.data.dataset import LabelledImages
from reslab.data.load import DataParts
from reslab.networks.catalogue import find_network
from reslab.training.images import HeldImages
from reslab.training.memory import M_MMAP_THRESHOLD
from reslab.training.plan import plan_run
from reslab.training.run_config import ExecutionConfig, RunConfig
from reslab.training.session import TrainingSession
from reslab.training.start import own_state

Task = dict[str, Any]


def plan(task: Task) -> RunConfig:
    """The run of which a step is measured."""
    network = find_network(
        f"resnet{task['depth']}",
        width=task["width"],
        num_classes=10,
        input_size=task["image_size"],
    )
    return plan_run(
        network,
        DataConfig(name="cifar10"),
        steps=1_000,
        execution=ExecutionConfig(device=task["device"], threads=task["threads"]),
        recipe_changes={"batch_size": task["batch"]},
    )


def measure(task: Task) -> dict[str, Any]:
    """Memory and time of one point."""
    config, device = plan(task), torch.device(task["device"])
    torch.set_num_threads(task["threads"])
    return_freed_memory()
    # What PyTorch allocates once, whatever the network.
    tiny = {**task, "depth": 8, "width": 4, "batch": 2, "image_size": 8}
    open_session(plan(tiny), device).advance()
    forget_peak()
    before = read_memory(device)
    session = open_session(config, device)
    for _ in range(2):
        session.advance()
    needed = read_memory(device) - before
    with own_state(config):
        seconds = time_steps(session, device, task)
    return {
        "step_seconds": median(seconds),
        "fastest_step_seconds": min(seconds),
        "memory_bytes": needed,
        "occupied_bytes": read_memory(device) - before,
    }


def return_freed_memory() -> None:
    """Let glibc take what is large from the system and give it back when freed, to measure need."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 64 * 1024)


def open_session(config: RunConfig, device: torch.device) -> TrainingSession:
    """A session on synthetic images of the network's size."""
    generator = torch.Generator().manual_seed(0)
    size, count = config.network.input_size, config.recipe.batch_size
    pixels = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=generator)
    part = LabelledImages(pixels, torch.randint(0, 10, (count,), generator=generator))
    names = tuple("0123456789")
    parts = DataParts(name="synthetic", class_names=names, train=part, validation=None, test=part)
    return TrainingSession(config, HeldImages(parts.to(device), config.recipe), device)


def time_steps(session: TrainingSession, device: torch.device, task: Task) -> list[float]:
    """Seconds of each step after the first, at least two, until time or steps run out."""
    seconds: list[float] = []
    session.advance()
    while len(seconds) < 2 or (sum(seconds) < task["seconds"] and len(seconds) < task["steps"]):
        wait_for(device)
        started_at = time.perf_counter()
        session.advance()
        wait_for(device)
        seconds.append(time.perf_counter() - started_at)
    return seconds


def wait_for(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def forget_peak() -> None:
    """Let the process's highest occupation be counted from now on, where the system can (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def read_memory(device: torch.device) -> int:
    """The most bytes that were ever allocated on the GPU, or that the process ever occupied."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    serve(measure)
