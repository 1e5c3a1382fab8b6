"""How fast this machine takes training steps, measured, as rates for the formulas."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import nnls

from reslab.analysis.step_cost import Rates, count_step_work
from reslab.errors import RunError
from reslab.networks.catalogue import find_network
from reslab.networks.config import NetworkConfig
from reslab.networks.resnet import build_network
from reslab.runs.directory import RunDirectory
from reslab.training.recipe import Recipe
from reslab.training.result import run_result_from
from reslab.training.run_config import run_config_from
from reslab.training.start import own_threads
from reslab.training.step import build_optimizer, take_step


@dataclass(frozen=True)
class Probe:
    """A small network that is timed."""

    name: str
    width: int
    image_size: int
    batch_size: int

    @property
    def network(self) -> NetworkConfig:
        """The network."""
        return find_network(self.name, width=self.width, input_size=self.image_size)


# Arithmetic weighs most in the wide ones, traffic in the narrow ones, starting in the small ones.
PROBES = (
    Probe("resnet8", 4, 8, 4),
    Probe("resnet20", 4, 8, 4),
    Probe("resnet8", 16, 32, 16),
    Probe("resnet14", 16, 32, 32),
    Probe("resnet8", 64, 32, 8),
    Probe("resnet8", 128, 16, 16),
    Probe("resnet14", 8, 64, 8),
    Probe("resnet18", 32, 64, 4),
)


def measure_step_seconds(
    network: NetworkConfig, batch_size: int, device: torch.device, *, steps: int = 5
) -> float:
    """The fastest of a few training steps on synthetic images, after one to warm up.

    On a CPU the process's computing time on one thread is taken: other work on the machine then
    counts little.
    """
    recipe = Recipe(steps=1, batch_size=batch_size)
    model = build_network(network, 0).to(device).train()
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = build_optimizer(model, recipe)
    shape = (batch_size, network.in_channels, network.input_size, network.input_size)
    images = torch.randn(shape, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(batch_size, device=device) % network.num_classes
    seconds = []
    with own_threads(1 if device.type == "cpu" else None):
        for _ in range(steps + 1):
            started_at = _read_clock(device)
            take_step(model, optimizer, images, labels, recipe)
            seconds.append(_read_clock(device) - started_at)
    return min(seconds[1:])


def calibrate(device: torch.device) -> Rates:
    """The rates at which this device computes the probes, fitted to their relative errors."""
    rows, targets = [], []
    for probe in PROBES:
        measured = measure_step_seconds(probe.network, probe.batch_size, device)
        work = count_step_work(probe.network)
        batch = probe.batch_size
        features = [work.macs * batch, work.count_bytes(batch), work.layers]
        rows.append(np.array(features) / measured)
        targets.append(1.0)
    scales = np.max(rows, axis=0)
    costs, _ = nnls(np.array(rows) / scales, np.array(targets))
    per_mac, per_byte, per_layer = costs / scales
    return Rates(
        macs_per_second=float(1 / max(per_mac, 1e-30)),
        bytes_per_second=float(1 / max(per_byte, 1e-30)),
        seconds_per_layer=float(per_layer),
    )


def rates_of_run(folder: Path, assumed: Rates) -> Rates:
    """Rates of the device of a stored run: the assumed ones, all scaled to its images a second.

    Args:
        folder: of a run that has ended.
        assumed: whose proportions are kept.

    Raises:
        RunError: if there is no run, or it has no result.
        ConfigError: if one of its files is damaged.
    """
    run = RunDirectory(folder)
    config = run_config_from(run.read_config()["config"], str(run.config_path))
    stored = run.read_result()
    if stored is None:
        raise RunError(f"{folder} holds no finished run: finish it, or name another")
    result = run_result_from(stored, str(run.result_path))
    batch = config.recipe.batch_size
    half = config.recipe.precision == "bfloat16"
    measured = batch / result.images_per_second * config.execution.ranks
    factor = measured / assumed.seconds(count_step_work(config.network), batch, half=half)
    return Rates(
        macs_per_second=assumed.macs_per_second / factor,
        bytes_per_second=assumed.bytes_per_second / factor,
        seconds_per_layer=assumed.seconds_per_layer * factor,
    )


def _read_clock(device: torch.device) -> float:
    if device.type == "cpu":
        return time.process_time()
    torch.accelerator.synchronize(device)
    return time.perf_counter()
