"""Before the first step: whether a folder may be written, and on what the run computes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from reslab.data.seeds import derive_seed
from reslab.errors import ConfigError, RunError
from reslab.runs.directory import RunDirectory
from reslab.runs.executor import count_cores
from reslab.training.memory import keep_freed_memory
from reslab.training.ranks import Ranks
from reslab.training.result import RunResult, run_result_from
from reslab.training.run_config import RunConfig, run_config_from


def find_device(name: str, ranks: int = 1) -> torch.device:
    """The device called `name`; `auto` is the GPU where there is one, else the CPU.

    Raises:
        ConfigError: if this machine, or this build of PyTorch, has no such device, or several ranks
            are to share one that is not the CPU.
    """
    device = _find_accelerator() if name == "auto" else _find_named(name)
    if ranks > 1 and device.type != "cpu":
        raise ConfigError(
            f"{ranks} ranks share a CPU, not {device}: take --device cpu or --ranks 1, or --gpus "
            "for a process on each GPU"
        )
    return device


def find_rank_device(name: str, ranks: Ranks) -> torch.device:
    """The device of one of the processes that share a run: each launched one has its own GPU.

    Raises:
        ConfigError: if this machine has fewer GPUs than processes, or the device cannot be shared.
    """
    if ranks.local_rank is None:
        return find_device(name, ranks.size)
    if name in ("auto", "cuda") and torch.cuda.is_available():
        count_gpus(ranks.local_rank + 1)
        # Before anything is put on a GPU, or each process would take room on the first one.
        torch.cuda.set_device(ranks.local_rank)
        return torch.device("cuda", ranks.local_rank)
    device = find_device(name)
    if device.type != "cpu":
        raise ConfigError(
            f"{ranks.size} processes have a GPU each or share a CPU, but not {device}: take "
            "--device cuda or cpu"
        )
    return device


def count_gpus(wanted: int) -> int:
    """The CUDA GPUs of this machine.

    Raises:
        ConfigError: if there are fewer than `wanted`.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count < wanted:
        raise ConfigError(
            f"a GPU for each of {wanted} processes is wanted, but PyTorch sees {count} here: start "
            f"{'as many processes as there are GPUs' if count else 'with --device cpu'}"
        )
    return count


def _find_accelerator() -> torch.device:
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return accelerator or torch.device("cpu")


def _find_named(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"cannot compute on {name!r}: {reason}. Take --device cpu.") from error
    return device


def choose_ranks(batch_parts: int, device: str) -> int:
    """As many ranks as share the parts equally and find a core each; one on a GPU.

    Raises:
        ConfigError: if there is no such device.
    """
    if batch_parts == 1 or find_device(device).type != "cpu":
        return 1
    possible = range(1, min(batch_parts, count_cores()) + 1)
    return max((n for n in possible if batch_parts % n == 0), default=1)


def open_run(
    run: RunDirectory, config: RunConfig, *, resume: bool
) -> tuple[RunConfig, RunResult | None]:
    """Decide whether the run may go on in this folder, and how.

    Returns:
        The configuration with its execution resolved, as it was when the run began; and the result
        if the run has ended already.

    Raises:
        RunError: if the folder holds a run and `resume` is not set.
        ConfigError: if it holds a run of another configuration.
    """
    execution = config.execution
    if not run.exists():
        threads = execution.threads or (1 if execution.ranks > 1 else torch.get_num_threads())
        return replace(config, execution=replace(execution, threads=threads)), None
    if not resume:
        raise RunError(
            f"{run.path} holds a run already: add --resume to go on with it, or choose another "
            "folder with --out"
        )
    stored = run_config_from(run.read_config()["config"], str(run.config_path))
    if stored.digest != config.digest:
        raise ConfigError(
            f"{run.path} holds a run of another configuration ({_difference(stored, config)}): "
            "resume it with its own options, or choose another folder with --out"
        )
    # The number of threads decides the order of some sums, and with it the last bits.
    execution = replace(execution, threads=stored.execution.threads)
    result = run.read_result()
    ended = None if result is None else run_result_from(result, str(run.result_path))
    return replace(config, execution=execution), ended


@contextmanager
def own_state(config: RunConfig) -> Iterator[None]:
    """Let a run have its own random numbers, threads and memory, and the caller theirs again."""
    threads = own_threads(config.execution.threads)
    with own_random_state(config), threads, keep_freed_memory():
        yield


@contextmanager
def own_random_state(config: RunConfig) -> Iterator[None]:
    """Seed PyTorch's generators from the run's seed, and give the caller's back afterwards."""
    with torch.random.fork_rng():
        torch.manual_seed(derive_seed(config.seed, "torch"))
        yield


@contextmanager
def own_threads(count: int | None) -> Iterator[None]:
    """Compute with `count` CPU threads, and with the caller's number afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _difference(stored: RunConfig, given: RunConfig) -> str:
    before, after = _flatten(stored.to_document()), _flatten(given.to_document())
    keys = [k for k in before | after if not k.startswith("execution")]
    changed = [k for k in keys if before.get(k) != after.get(k)]
    return ", ".join(f"{k} {before.get(k)!r} there, {after.get(k)!r} here" for k in changed[:4])


def _flatten(document: object, prefix: str = "") -> dict[str, object]:
    if not isinstance(document, dict):
        return {prefix: document}
    flat: dict[str, object] = {}
    for key, value in document.items():
        flat |= _flatten(value, f"{prefix}.{key}" if prefix else str(key))
    return flat
