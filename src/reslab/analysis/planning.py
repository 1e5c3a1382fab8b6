"""A run on many GPUs before it is paid for: memory, time, bottleneck, cost."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from reslab.analysis.accelerators import CONTEXT_BYTES, Accelerator, Precision
from reslab.analysis.step_cost import (
    Rates,
    Ring,
    StepMemory,
    count_step_memory,
    count_step_work,
)
from reslab.errors import ConfigError
from reslab.networks.complexity import describe_network
from reslab.networks.config import NetworkConfig

ASSUMED_IMAGES_PER_CORE = 250.0
"""Assumed: photographs that a CPU core decodes and crops in a second."""

Bottleneck = Literal["memory", "loading", "compute", "communication"]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Machines, all alike."""

    gpu: Accelerator
    gpus: int = 1
    """In all machines."""
    nodes: int = 1
    network_gbit: float = 100.0
    """Between machines: gigabits a second of all adapters of one machine together."""
    latency_us: float = 10.0
    """Of a message between neighbours."""
    cores_per_gpu: float = 8.0
    """CPU cores that decode images for each GPU."""
    images_per_core: float | None = None
    """Images a second that a core decodes and crops; None where images lie in memory ready."""
    read_mb: float | None = None
    """Megabytes a second that each machine reads from its storage; None is no limit."""

    def __post_init__(self) -> None:
        if self.nodes < 1 or self.gpus < 1 or self.gpus % self.nodes:
            raise ConfigError(
                f"{self.gpus} GPUs do not divide over {self.nodes} machines: --gpus counts those "
                "of all machines"
            )
        positive = {
            "network_gbit": self.network_gbit,
            "cores_per_gpu": self.cores_per_gpu,
            "images_per_core": self.images_per_core,
            "read_mb": self.read_mb,
        }
        for name, value in positive.items():
            if value is not None and not value > 0:
                raise ConfigError(f"--{name.replace('_', '-')} is {value}, must be positive")

    @property
    def ring(self) -> Ring:
        """How gradients go round."""
        between = self.network_gbit * 1e9 / 8
        bandwidth = min(between, self.gpu.link) if self.nodes > 1 else self.gpu.link
        return Ring(gpus=self.gpus, bandwidth=bandwidth, latency_seconds=1e-6 * self.latency_us)


@dataclass(frozen=True, kw_only=True)
class Work:
    """The run."""

    network: NetworkConfig
    data_size: int
    """Training images."""
    batch_size: int
    """Images in each update, on all GPUs together."""
    steps: int
    precision: Precision = "float32"
    recompute: bool = False
    """Whether blocks are computed anew for the backward pass."""
    image_bytes: float = 110e3
    """Of one stored image; ImageNet's have about 110 kB."""

    def __post_init__(self) -> None:
        for name in ("data_size", "batch_size", "steps"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, must be at least 1")


@dataclass(frozen=True, kw_only=True)
class StepTime:
    """Seconds of a step, and what they are spent on."""

    compute: float
    """Forward and backward pass."""
    communication: float
    """Summing gradients over the GPUs, if it overlapped with nothing."""
    exposed_communication: float
    """What of that the GPUs wait for."""
    loading: float
    """Reading and decoding the images, which overlaps with all the rest."""

    @property
    def total(self) -> float:
        """Of one step: the GPUs work while the next images are made ready."""
        return max(self.compute + self.exposed_communication, self.loading)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run will take, by formula."""

    network: str
    gpu: str
    gpus: int
    nodes: int
    batch_per_gpu: int
    memory: StepMemory
    memory_bytes: float
    """Of each GPU in use, its own needs included."""
    available_bytes: float
    step: StepTime
    bottleneck: Bottleneck
    images_per_second: float
    """Of all GPUs together."""
    scaling_efficiency_pct: float
    """Images a second of each GPU, as a share of those of one GPU alone with the same batch."""
    steps: int
    epochs: float
    hours: float
    """Of training; evaluations and checkpoints are not counted."""
    gpu_hours: float
    cost: float | None
    """In the currency of the price; None without one."""

    def to_document(self) -> dict[str, Any]:
        """The plan in plain JSON types."""
        return {
            **asdict(self),
            "memory": {**asdict(self.memory), "total": self.memory.total},
            "step": {**asdict(self.step), "total": self.step.total},
        }


def plan_run_on(
    work: Work,
    cluster: Cluster,
    *,
    rates: Rates | None = None,
    price_per_gpu_hour: float | None = None,
) -> Plan:
    """Work out what a run takes.

    Args:
        work: the run.
        cluster: on what.
        rates: of a GPU, measured; by default assumed shares of its data sheet.
        price_per_gpu_hour: in any currency.

    Raises:
        ConfigError: if the batch does not divide over the GPUs, or they have not the precision.
    """
    if work.batch_size % cluster.gpus:
        raise ConfigError(
            f"a batch of {work.batch_size} does not divide over {cluster.gpus} GPUs: take a "
            "multiple of them as --batch-size"
        )
    batch = work.batch_size // cluster.gpus
    half = work.precision == "bfloat16"
    memory = count_step_memory(work.network, batch, half=half, recompute=work.recompute)
    needed = memory.total + CONTEXT_BYTES
    step = _time_step(work, cluster, batch, rates or cluster.gpu.rates(work.precision))
    hours = work.steps * step.total / 3600
    gpu_hours = hours * cluster.gpus
    return Plan(
        network=work.network.name,
        gpu=cluster.gpu.name,
        gpus=cluster.gpus,
        nodes=cluster.nodes,
        batch_per_gpu=batch,
        memory=memory,
        memory_bytes=needed,
        available_bytes=cluster.gpu.memory_bytes,
        step=step,
        bottleneck=_find_bottleneck(step, fits=needed <= cluster.gpu.memory_bytes),
        images_per_second=work.batch_size / step.total,
        scaling_efficiency_pct=100 * step.compute / step.total,
        steps=work.steps,
        epochs=work.steps * work.batch_size / work.data_size,
        hours=hours,
        gpu_hours=gpu_hours,
        cost=None if price_per_gpu_hour is None else price_per_gpu_hour * gpu_hours,
    )


def find_largest_batch(work: Work, cluster: Cluster) -> int:
    """The most images that fit on a GPU at a time; 0 if not even one does."""

    def fits(batch: int) -> bool:
        half = work.precision == "bfloat16"
        memory = count_step_memory(work.network, batch, half=half, recompute=work.recompute)
        return memory.total + CONTEXT_BYTES <= cluster.gpu.memory_bytes

    low, high = 0, 1
    while fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _time_step(work: Work, cluster: Cluster, batch: int, rates: Rates) -> StepTime:
    half = work.precision == "bfloat16"
    costs = count_step_work(work.network, recompute=work.recompute)
    compute = rates.seconds(costs, batch, half=half)
    gradients = 4.0 * describe_network(work.network).params
    ring = cluster.ring
    return StepTime(
        compute=compute,
        communication=ring.seconds(gradients),
        exposed_communication=(
            ring.exposed_seconds(gradients, compute) if cluster.gpus > 1 else 0.0
        ),
        loading=_time_loading(work, cluster, batch),
    )


def _time_loading(work: Work, cluster: Cluster, batch: int) -> float:
    """Decoding by the cores of a GPU, or reading by its machine, whichever takes longer."""
    decoding = reading = 0.0
    if cluster.images_per_core is not None:
        decoding = batch / (cluster.cores_per_gpu * cluster.images_per_core)
    if cluster.read_mb is not None:
        on_machine = batch * cluster.gpus / cluster.nodes
        reading = on_machine * work.image_bytes / (1e6 * cluster.read_mb)
    return max(decoding, reading)


def _find_bottleneck(step: StepTime, *, fits: bool) -> Bottleneck:
    if not fits:
        return "memory"
    if step.loading >= step.compute + step.exposed_communication:
        return "loading"
    return "compute" if step.compute >= step.exposed_communication else "communication"


def steps_of(epochs: float, data_size: int, batch_size: int) -> int:
    """The number of updates that see each image `epochs` times, rounded up."""
    return math.ceil(epochs * data_size / batch_size)
