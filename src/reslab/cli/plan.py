"""`reslab plan`: memory, time, bottleneck and cost of a run on GPUs one does not have yet."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from reslab.cli.options import Flag
from reslab.cli.output import print_json, print_line, print_message, print_table
from reslab.errors import ConfigError

if TYPE_CHECKING:
    from reslab.analysis.planning import Cluster, Plan, Work
    from reslab.analysis.step_cost import Rates
    from reslab.networks.config import NetworkConfig


@dataclass(frozen=True, kw_only=True)
class PlanRun:
    """Work out what a run takes, by formula: memory of each GPU, time of a step, bottleneck, cost.

    docs/scaling.md has the formulas and how far they are from what was measured.
    Examples: `reslab plan resnet50 --data-size 1281167 --gpus 8 --gpu a100`,
    `reslab plan resnet50 --data-size 1281167 --gpus 256 --nodes 32 --batch-size 8192 --epochs 90
    --gpu h100 --precision bfloat16 --price 2.5`.
    """

    name: Positional[str]
    """A network, as `reslab describe` takes it."""
    data_size: int
    """Training images: 1281167 in ImageNet, 50000 in CIFAR-10."""
    gpus: int = 1
    """GPUs in all machines."""
    nodes: int = 1
    """Machines."""
    batch_size: int | None = None
    """Images in each update on all GPUs together; by default the paper's: 256, or 128 for CIFAR."""
    epochs: float | None = None
    """Passes over the data; by default the paper's: 120, or 164 for CIFAR."""
    steps: int | None = None
    """Updates, instead of epochs."""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """In which numbers the step multiplies."""
    recompute: Flag = False
    """Compute blocks anew for the backward pass: less memory, more time."""
    num_classes: int | None = None
    """Classes; by default the family's."""
    image_size: int | None = None
    """Height and width of the images; by default the family's."""
    width: int | None = None
    """Filters of the first stage; by default the family's."""
    gpu: str = "a100"
    """p100, v100, t4, a10, l4, a100, a100-80gb, h100, h200; or own, with the four numbers below."""
    memory_gb: float | None = None
    """Memory of a GPU, 10⁹ bytes, instead of the table's."""
    tflops: float | None = None
    """Its arithmetic in that precision, 10¹² operations a second, instead of the table's."""
    bandwidth_gb: float | None = None
    """Its memory's bandwidth, 10⁹ bytes a second, instead of the table's."""
    link_gb: float | None = None
    """What it sends to the GPUs beside it, 10⁹ bytes a second, instead of the table's."""
    network_gbit: float = 100.0
    """Network between machines: gigabits a second of all adapters of one machine together."""
    latency_us: float = 10.0
    """Microseconds that a message takes between neighbours."""
    cores_per_gpu: float = 8.0
    """CPU cores that decode images for each GPU."""
    images_per_core: float | None = None
    """Images that a core decodes and crops in a second; by default 250 for the ImageNet family, an
    assumption to replace by your own. CIFAR's are held in memory."""
    read_mb: float | None = None
    """Megabytes that each machine reads in a second from where the images are; no limit if left
    out."""
    price: float | None = None
    """Of a GPU for an hour, in any currency."""
    calibrate: Flag = False
    """Measure first how fast this machine takes steps (seconds), and plan for GPUs as fast as it
    instead of the table's."""
    run_folder: Path | None = None
    """Plan for GPUs as fast as the device of this stored run, by its images a second."""
    json: Flag = False
    """Print one JSON object."""

    def run(self) -> int:
        """Plan and print; returns 1 if the run does not fit into the GPUs' memory."""
        from reslab.analysis.planning import find_largest_batch, plan_run_on  # noqa: PLC0415

        work, cluster = self._describe_work(), self._describe_cluster()
        plan = plan_run_on(
            work, cluster, rates=self._find_rates(cluster), price_per_gpu_hour=self.price
        )
        largest = find_largest_batch(work, cluster)
        if self.json:
            print_json({**plan.to_document(), "largest_batch_per_gpu": largest})
        else:
            _print_plan(plan, largest)
        return 1 if plan.bottleneck == "memory" else 0

    def _find_network(self) -> "NetworkConfig":
        from reslab.networks.catalogue import find_network  # noqa: PLC0415

        return find_network(
            self.name, width=self.width, num_classes=self.num_classes, input_size=self.image_size
        )

    def _describe_work(self) -> "Work":
        from reslab.analysis.planning import Work, steps_of  # noqa: PLC0415

        if self.steps is not None and self.epochs is not None:
            raise ConfigError("give --steps or --epochs, not both")
        network = self._find_network()
        is_cifar = network.stem == "cifar"
        batch = self.batch_size or (128 if is_cifar else 256)
        epochs = self.epochs or (164 if is_cifar else 120)
        return Work(
            network=network,
            data_size=self.data_size,
            batch_size=batch,
            steps=self.steps or steps_of(epochs, self.data_size, batch),
            precision=self.precision,
            recompute=self.recompute,
        )

    def _describe_cluster(self) -> "Cluster":
        from reslab.analysis.accelerators import find_accelerator  # noqa: PLC0415
        from reslab.analysis.planning import ASSUMED_IMAGES_PER_CORE, Cluster  # noqa: PLC0415

        images_per_core = self.images_per_core
        if images_per_core is None and self._find_network().stem != "cifar":
            images_per_core = ASSUMED_IMAGES_PER_CORE
        gpu = find_accelerator(
            self.gpu,
            memory_gb=self.memory_gb,
            tflops=self.tflops,
            bandwidth_gb=self.bandwidth_gb,
            link_gb=self.link_gb,
        )
        if self.calibrate or self.run_folder:
            gpu = replace(gpu, name=f"{gpu.name} of measured speed")
        return Cluster(
            gpu=gpu,
            gpus=self.gpus,
            nodes=self.nodes,
            network_gbit=self.network_gbit,
            latency_us=self.latency_us,
            cores_per_gpu=self.cores_per_gpu,
            images_per_core=images_per_core,
            read_mb=self.read_mb,
        )

    def _find_rates(self, cluster: "Cluster") -> "Rates | None":
        if self.run_folder is not None:
            from reslab.analysis.step_measuring import rates_of_run  # noqa: PLC0415

            return rates_of_run(self.run_folder, cluster.gpu.rates(self.precision))
        if not self.calibrate:
            return None
        from reslab.analysis.step_measuring import calibrate  # noqa: PLC0415
        from reslab.training.start import find_device  # noqa: PLC0415

        device = find_device("auto")
        rates = calibrate(device)
        print_message(
            f"measured on {device}: {rates.macs_per_second / 1e9:,.1f} G multiply-adds/s, "
            f"{rates.bytes_per_second / 1e9:,.1f} GB/s, "
            f"{1e6 * rates.seconds_per_layer:,.0f} µs a layer"
        )
        return rates


def _print_plan(plan: "Plan", largest: int) -> None:
    print_line(
        f"{plan.network} on {plan.gpus} × {plan.gpu} in {plan.nodes} "
        f"machine{'s' * (plan.nodes > 1)}, {plan.batch_per_gpu} images on each GPU\n"
    )
    memory = plan.memory
    parts = {
        "weights": memory.parameters,
        "gradients": memory.gradients,
        "momentum": memory.optimiser,
        "activations": memory.activations,
        "gradients of maps": memory.workspace,
        "with the GPU's own needs": plan.memory_bytes,
        "there is": plan.available_bytes,
    }
    rows = [[name, f"{size / 1e9:8.2f}"] for name, size in parts.items()]
    print_table("memory of each GPU", ["", "GB"], rows)
    step = plan.step
    times = {
        "compute": step.compute,
        "exchange of gradients": step.communication,
        "of it waited for": step.exposed_communication,
        "loading, at the same time": step.loading,
        "one step": step.total,
    }
    print_line("")
    print_table("time", ["", "ms"], [[name, f"{1e3 * t:9.2f}"] for name, t in times.items()])
    print_line(f"\nbottleneck       {plan.bottleneck}; at most {largest:,} images fit on a GPU")
    print_line(
        f"speed            {plan.images_per_second:,.0f} images/s, "
        f"{plan.scaling_efficiency_pct:.0f} % of {plan.gpus} GPUs that wait for nothing"
    )
    print_line(f"run              {plan.steps:,} steps, {plan.epochs:,.1f} epochs")
    print_line(f"time             {plan.hours:,.2f} h, {plan.gpu_hours:,.1f} GPU-hours")
    if plan.cost is not None:
        print_line(f"cost             {plan.cost:,.2f}")
    if plan.bottleneck == "memory":
        print_line(
            "it does not fit: a smaller --batch-size, more GPUs, --precision bfloat16 or "
            "--recompute"
        )
