"""One measurement of `benchmarks/training.py`, in a process of its own."""

import time
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from isolated import serve
from torch.utils.data import DataLoader, Subset
from training_baselines import (
    CommonLoop,
    NotOfferedError,
    TransformedImages,
    build_baseline,
    synchronise,
)

from reslab.data.config import DataConfig
from reslab.data.dataset import LabelledImages
from reslab.data.load import DataParts, load_dataset
from reslab.networks.catalogue import find_network
from reslab.networks.config import NetworkConfig
from reslab.runs.executors.processes import LocalProcesses
from reslab.runs.metrics import Record
from reslab.studies.carry_out import RunStore, carry_out
from reslab.studies.setting import PlannedRun
from reslab.training.capturing import settle_capture
from reslab.training.compiling import settle_compilation
from reslab.training.images import HeldImages
from reslab.training.loop import Observer, train
from reslab.training.plan import plan_run
from reslab.training.precision import float32_products
from reslab.training.recipe import Precision
from reslab.training.run_config import ExecutionConfig, RunConfig
from reslab.training.session import TrainingSession
from reslab.training.together import Place, train_together

# Of the paper's budget, evaluated 20 times on 50,000 + 10,000 images: images evaluated for each
# image trained on.
EVALUATED_PER_TRAINED = 20 * 60_000 / (64_000 * 128)

Task = dict[str, Any]


def plan(task: Task, seed: int = 0) -> RunConfig:
    """The run that a task measures, evaluated once at its end in the paper's proportion."""
    steps = task["warm_up_steps"] + task["steps"]
    evaluated = EVALUATED_PER_TRAINED * task["steps"] * task["batch"]
    changes = {
        "batch_size": task["batch"],
        "log_every_steps": task["warm_up_steps"],
        "test_every_steps": steps,
        "train_error_every_steps": steps,
        "checkpoint_every_steps": steps,
        "evaluation_images": max(1, round(evaluated / 2)),
    }
    execution = ExecutionConfig(
        device=task["device"], threads=task["threads"], data_root=task["data_root"]
    )
    names = {field.name for field in fields(ExecutionConfig)}
    for name, value in task["settings"].items():
        if name in names:
            execution = replace(execution, **{name: value})
        else:
            changes[name] = value
    return plan_run(
        find_network(task["network"]),
        DataConfig(name="cifar10"),
        steps=steps,
        seed=seed,
        execution=execution,
        recipe_changes=changes,
    )


def measure_ours(task: Task) -> dict[str, Any]:
    """A short run by `reslab.train`, timed between its own log records."""
    logged: list[tuple[Record, float]] = []

    def note(record: Record) -> None:
        if record["kind"] == "train":
            logged.append((record, time.perf_counter()))

    with TemporaryDirectory() as folder:
        started_at = time.perf_counter()
        result = train(plan(task), Path(folder) / "run", observer=Observer(on_record=note))
    (warm, warm_at), (last, last_at) = logged[0], logged[-1]
    steps = last["step"] - warm["step"]
    per_step = (last_at - warm_at) / steps
    return {
        "step_seconds": per_step,
        # The run's own clock: it does not count how long processes take to end.
        "end_to_end_seconds": (result.elapsed_seconds - warm["elapsed_seconds"]) / steps,
        "start_seconds": warm_at - started_at - warm["step"] * per_step,
        **read_gpu_memory(task),
    }


def measure_baseline(task: Task) -> dict[str, Any]:
    """The same by the common loop: as many images, evaluated as often, written to disk as often."""
    device = torch.device(task["device"])
    started_at = time.perf_counter()
    training, *evaluated = _load_all(task)
    loop = _build_loop(task, find_network(task["network"]), device)
    at: dict[int, float] = {}

    def note(step: int) -> None:
        at[step] = time.perf_counter()

    warm, steps = task["warm_up_steps"], task["steps"]
    loop.train(training, warm + steps, note)
    for loader in evaluated:
        loop.evaluate(loader)
    loop.save()
    ended_at = time.perf_counter()
    between = (at[warm + steps] - at[warm]) / steps
    images, labels = next(iter(training))
    return {
        "step_seconds": loop.time_steps(images.to(device), labels.to(device), steps) / steps,
        "end_to_end_seconds": (ended_at - at[warm]) / steps,
        "start_seconds": at[warm] - started_at - warm * between,
        **read_gpu_memory(task),
    }


def _build_loop(task: Task, network: NetworkConfig, device: torch.device) -> CommonLoop:
    torch.manual_seed(0)
    model = build_baseline(task["baseline"], network, task["akamaster"])
    return CommonLoop(model, device, autocast=task["autocast"])


def _load_all(task: Task) -> list[DataLoader[Any]]:
    """Loaders of what is trained on, and of the parts of both sets that are evaluated."""
    dataset = load_dataset("cifar10", Path(task["data_root"]))
    augmented = TransformedImages(dataset.train, augment=True)
    plain = [TransformedImages(part, augment=False) for part in (dataset.train, dataset.test)]
    count = plan(task).recipe.evaluation_images or 1
    sets = [augmented, *(Subset(images, range(min(count, len(images)))) for images in plain)]
    return [
        DataLoader(
            images,
            batch_size=task["batch"],
            shuffle=images is augmented,
            drop_last=images is augmented,
            num_workers=task["loaders"],
            pin_memory=task["device"].startswith("cuda"),
        )
        for images in sets
    ]


def measure_ours_in_memory(task: Task) -> dict[str, Any]:
    """Steps of `TrainingSession` on synthetic images of the network's size, on the device."""
    config, device = plan(task), torch.device(task["device"])
    part = _synthesise(config.network, 2 * task["batch"])
    names = tuple(map(str, range(config.network.num_classes)))
    parts = DataParts(name="synthetic", class_names=names, train=part, validation=None, test=part)
    session = TrainingSession(config, HeldImages(parts.to(device), config.recipe), device)
    settle_compilation(session, lambda _choice: None)
    settle_capture(session, lambda _message: None)
    return _time_calls(session.advance, task, device)


def measure_baseline_in_memory(task: Task) -> dict[str, Any]:
    """Steps of a baseline on one batch of synthetic images, on the device."""
    network, device = find_network(task["network"]), torch.device(task["device"])
    part = _synthesise(network, task["batch"])
    images = part.images.float().div(255).to(device)
    if task["baseline"] == "torchvision":
        images = images.contiguous(memory_format=torch.channels_last)
    labels, loop = part.labels.to(device), _build_loop(task, network, device)
    return _time_calls(lambda: loop.step(images, labels), task, device)


def _synthesise(network: NetworkConfig, count: int) -> LabelledImages:
    generator = torch.Generator().manual_seed(0)
    shape = (count, network.in_channels, network.input_size, network.input_size)
    return LabelledImages(
        torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator),
        torch.randint(0, network.num_classes, (count,), generator=generator),
    )


def _time_calls(step: Callable[[], object], task: Task, device: torch.device) -> dict[str, Any]:
    started_at = time.perf_counter()
    for _ in range(task["warm_up_steps"]):
        step()
    synchronise(device)
    warm_at = time.perf_counter()
    for _ in range(task["steps"]):
        step()
    synchronise(device)
    seconds = (time.perf_counter() - warm_at) / task["steps"]
    return {
        "step_seconds": seconds,
        "end_to_end_seconds": None,
        "start_seconds": warm_at - started_at - task["warm_up_steps"] * seconds,
        **read_gpu_memory(task),
    }


def read_gpu_memory(task: Task) -> dict[str, int]:
    """The most that this process ever had allocated on its GPU; nothing without one."""
    if not task["device"].startswith("cuda"):
        return {}
    return {"gpu_memory_bytes": torch.cuda.max_memory_allocated(task["device"])}


def measure_together(task: Task) -> dict[str, Any]:
    """Several runs in this process by `reslab.training.together`, one stream each on a GPU."""
    warm, last = task["warm_up_steps"], task["warm_up_steps"] + task["steps"]
    at: dict[int, float] = {}
    recorded_at = 0.0

    def note(record: Record) -> None:
        nonlocal recorded_at
        recorded_at = time.perf_counter()
        if record["kind"] == "train":
            # Of all runs, the last to come so far.
            at[record["step"]] = recorded_at

    with TemporaryDirectory() as folder:
        configs = [plan(task, seed) for seed in range(task["runs"])]
        places = [Place(c, Path(folder) / f"run{c.seed}") for c in configs]
        started_at = time.perf_counter()
        train_together(places, observer=Observer(on_record=note))
    steps = task["steps"] * task["runs"]
    per_step = (at[last] - at[warm]) / steps
    return {
        "step_seconds": per_step,
        "end_to_end_seconds": (recorded_at - at[warm]) / steps,
        "start_seconds": at[warm] - started_at - warm * task["runs"] * per_step,
        **read_gpu_memory(task),
    }


def measure_study(task: Task) -> dict[str, Any]:
    """Several runs by `reslab.studies.carry_out`, one thread each, as many at a time as workers."""
    planned = [
        PlannedRun(label=task["network"], config=plan(task, seed)) for seed in range(task["runs"])
    ]
    warm, steps = task["warm_up_steps"], task["steps"]
    with TemporaryDirectory() as folder:
        store = RunStore(Path(folder))
        started_at = time.perf_counter()
        carry_out(planned, store, LocalProcesses(task["workers"]))
        whole_seconds = time.perf_counter() - started_at
        runs = [store.locate(run.config).read_metrics() for run in planned]
    # From the end of the warm-up to the last record: what a long run consists of.
    lasting = [
        records[-1]["elapsed_seconds"]
        - next(r["elapsed_seconds"] for r in records if r["step"] == warm)
        for records in runs
    ]
    seconds = sum(lasting) / len(lasting) / task["workers"] / steps
    return {
        "step_seconds": None,
        "end_to_end_seconds": seconds,
        "start_seconds": whole_seconds - seconds * steps * len(runs),
    }


def measure_peak(task: Task) -> dict[str, Any]:
    """The machine's own fastest matrix product, in multiply-adds of float32 a second."""
    precision: Precision = "bfloat16" if task["autocast"] else "float32"
    return {"macs_per_second": _find_fastest_product(task, precision)}


def measure_peaks(task: Task) -> dict[str, Any]:
    """Fastest matrix products in each precision, and copies of large and of small tensors."""
    on_gpu = task["device"].startswith("cuda")
    precisions: tuple[Precision, ...] = ("float32", "tf32", "bfloat16")
    usable = [precision for precision in precisions if on_gpu or precision != "tf32"]
    return {
        "macs_per_second": {p: _find_fastest_product(task, p) for p in usable},
        "copied_bytes_per_second": {
            str(size): _find_fastest_copy(task, size) for size in (2**22, 2**28)
        },
        "memory_bytes": torch.cuda.get_device_properties(0).total_memory if on_gpu else None,
    }


def _find_fastest_product(task: Task, precision: Precision) -> float:
    device = torch.device(task["device"])
    size = 2048 if device.type == "cpu" else 8192
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    with float32_products(precision, device):
        return size**3 / _time_fastest(lambda: a @ b, task)


def _find_fastest_copy(task: Task, size: int) -> float:
    """Bytes read and written a second."""
    source = torch.zeros(size, dtype=torch.uint8, device=task["device"])
    target, repeats = torch.empty_like(source), max(1, 2**28 // size)

    def copy() -> None:
        for _ in range(repeats):
            target.copy_(source)

    return 2 * size * repeats / _time_fastest(copy, task)


def _time_fastest(work: Callable[[], object], task: Task) -> float:
    """Seconds of the fastest of several calls."""
    device = torch.device(task["device"])
    times = [time.perf_counter()]
    while len(times) < 5 or times[-1] - times[0] < task["peak_seconds"]:
        work()
        synchronise(device)
        times.append(time.perf_counter())
    return min(after - before for before, after in pairwise(times))


MEASURES: dict[str, Callable[[Task], dict[str, Any]]] = {
    "ours": measure_ours,
    "baseline": measure_baseline,
    "ours in memory": measure_ours_in_memory,
    "baseline in memory": measure_baseline_in_memory,
    "study": measure_study,
    "together": measure_together,
    "peak": measure_peak,
    "peaks": measure_peaks,
}


def measure(task: Task) -> dict[str, Any]:
    """Carry out one task; an architecture that is not offered is a result too."""
    torch.set_num_threads(task["threads"])
    torch.backends.cudnn.benchmark = task.get("cudnn_benchmark", False)
    try:
        return MEASURES[task["measure"]](task)
    except NotOfferedError as error:
        return {"not_offered": str(error)}


if __name__ == "__main__":
    serve(measure)
