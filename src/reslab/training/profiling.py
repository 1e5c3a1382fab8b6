"""Where the time of a training step goes, measured on a few steps of a run."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.hooks import RemovableHandle

from reslab.errors import ConfigError, RunError
from reslab.files.documents import write_json
from reslab.networks.complexity import Layer, describe_network
from reslab.runs.environment import describe_environment
from reslab.training.opening import load_data, open_session
from reslab.training.profile_shares import (
    LAYER_RANGE,
    NETWORK,
    STEP_RANGE,
    TimeShare,
    add_up,
    divide_time,
)
from reslab.training.run_config import RunConfig
from reslab.training.session import TrainingSession
from reslab.training.start import own_state

WARM_UP_STEPS = 2
TABLE_FILE = "profile.json"
TRACE_FILE = "trace.json.gz"


@dataclass(frozen=True, kw_only=True)
class LayerShare(TimeShare):
    """The time of a layer, and how fast it computes."""

    gmacs_per_second: float | None
    """Multiply-adds of its three passes (output, gradient of input, gradient of weights; the first
    convolution needs no gradient of its input); None for layers that have none."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Where the time of a training step goes."""

    network: str
    batch_size: int
    steps: int
    """Steps measured."""
    step_ms: float
    """Milliseconds of one step without the profiler."""
    profiled_step_ms: float
    """With it: small operations cost more under observation."""
    by_kind: tuple[TimeShare, ...]
    """The largest first."""
    by_layer: tuple[LayerShare, ...]
    """In forward order; the row of a block, or of the `network`, is its own ReLU and addition."""
    trace: Path
    """Opens in ui.perfetto.dev or chrome://tracing."""
    environment: dict[str, Any]

    def to_document(self) -> dict[str, Any]:
        """The profile in plain JSON types."""
        return {**asdict(self), "trace": self.trace.name}


def profile_run(config: RunConfig, folder: Path, steps: int = 5) -> Profile:
    """Measure a few steps of a run and write `profile.json` and `trace.json.gz`.

    The steps are taken eagerly in one process, whatever `config.execution` says, as only then does
    each operation belong to a layer. Nothing of the run itself is touched.

    Args:
        config: the run.
        folder: where to write; made if need be.
        steps: how many to measure, after a few to warm up.

    Raises:
        ConfigError: if `steps` is less than 1.
        DataError: if the data set is missing or wrong.
        RunError: if the folder cannot be written.
    """
    if steps < 1:
        raise ConfigError(f"steps to profile: {steps}, must be at least 1")
    _make_folder(folder)
    with own_state(config), open_session(config, load_data(config)) as session:
        _take_steps(session, WARM_UP_STEPS)
        step_ms = _take_steps(session, steps)
        profiler, profiled_step_ms = _observe(session, steps)
        found = _conclude(session, profiler, steps, (step_ms, profiled_step_ms), folder)
    profiler.export_chrome_trace(str(found.trace))
    write_json(folder / TABLE_FILE, found.to_document())
    return found


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot write the profile to {folder}: {error.strerror}") from error


def _take_steps(session: TrainingSession, count: int) -> float:
    """Take steps; returns the milliseconds of one."""
    started_at = time.perf_counter()
    for _ in range(count):
        with record_function(STEP_RANGE):
            session.advance()
    _wait_for(session.device)
    return 1000 * (time.perf_counter() - started_at) / count


def _wait_for(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def _observe(session: TrainingSession, steps: int) -> tuple[profile, float]:
    # The profiler's own diary on stderr, of no use to a reader of tables.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    activities = [ProfilerActivity.CPU]
    if session.device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    # There is one cycle; without `acc_events` PyTorch 2.11 warns that others would be lost.
    profiling = profile(activities=activities, acc_events=True)
    with profiling as profiler, _mark_layers(session.classifier.network):
        step_ms = _take_steps(session, steps)
    return profiler, step_ms


@contextmanager
def _mark_layers(network: nn.Module) -> Iterator[None]:
    """Within it, each module's forward pass is a range that the profiler sees."""
    handles: list[RemovableHandle] = []
    for name, module in network.named_modules():
        handles += _mark_layer(name or NETWORK, module)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _mark_layer(name: str, module: nn.Module) -> list[RemovableHandle]:
    ranges = ExitStack()

    def enter(_module: nn.Module, _inputs: Any) -> None:
        ranges.enter_context(record_function(LAYER_RANGE + name))

    def leave(_module: nn.Module, _inputs: Any, _output: Any) -> None:
        ranges.close()

    return [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]


def _conclude(
    session: TrainingSession,
    profiler: profile,
    steps: int,
    step_ms: tuple[float, float],
    folder: Path,
) -> Profile:
    config = session.config
    layers = {layer.name: layer for layer in describe_network(config.network).layers}
    parts = divide_time(
        profiler.events(),  # type: ignore[no-untyped-call]
        {name: layer.type for name, layer in layers.items()},
        on_gpu=session.device.type == "cuda",
    )
    by_kind = add_up(parts, lambda part: part.kind, steps)
    return Profile(
        network=config.network.name,
        batch_size=config.recipe.batch_size,
        steps=steps,
        step_ms=step_ms[0],
        profiled_step_ms=step_ms[1],
        by_kind=tuple(sorted(by_kind, key=lambda share: -share.pct)),
        by_layer=tuple(
            _rate(share, layers.get(share.name), config.recipe.batch_size)
            for share in add_up(parts, lambda part: part.place, steps)
        ),
        trace=folder / TRACE_FILE,
        environment=describe_environment(session.device),
    )


def _rate(share: TimeShare, layer: Layer | None, batch_size: int) -> LayerShare:
    rate = None
    if layer is not None and layer.macs:
        passes = 2 if layer.name == "conv1" else 3
        seconds = (share.forward_ms + share.backward_ms) / 1000
        rate = passes * layer.macs * batch_size / seconds / 1e9
    return LayerShare(**asdict(share), gmacs_per_second=rate)
