"""Plans of runs: what follows from what, and published runs within the stated distance."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from reslab.analysis.accelerators import ACCELERATORS, find_accelerator
from reslab.analysis.planning import Cluster, Work, find_largest_batch, plan_run_on, steps_of
from reslab.analysis.step_cost import Rates, count_step_work
from reslab.analysis.step_measuring import measure_step_seconds, rates_of_run
from reslab.errors import ConfigError, RunError
from reslab.networks.catalogue import find_network
from reslab.training.loop import train
from tests.training.conftest import MakeConfig, make_config

__all__ = ["make_config"]
IMAGENET = 1_281_167


def make_work(batch_size: int = 256, **changes: object) -> Work:
    work = Work(
        network=find_network("resnet50"), data_size=IMAGENET, batch_size=batch_size, steps=1_000
    )
    return replace(work, **changes)  # type: ignore[arg-type]


def test_imagenet_in_one_hour_is_planned_within_a_third() -> None:
    """Goyal et al. 2017: 256 P100, 8 a machine, 50 Gbit/s, 8192 images: 90 epochs in 1 hour."""
    work = make_work(8_192, steps=steps_of(90, IMAGENET, 8_192))
    cluster = Cluster(gpu=ACCELERATORS["p100"], gpus=256, nodes=32, network_gbit=50)
    plan = plan_run_on(work, cluster)
    assert plan.hours == pytest.approx(1.0, rel=1 / 3)
    # "about 90 % scaling efficiency when moving from 8 to 256 GPUs".
    eight = plan_run_on(replace(work, batch_size=256), replace(cluster, gpus=8, nodes=1))
    assert 0.85 < plan.images_per_second / 32 / eight.images_per_second < 1.0


def test_time_steps_and_cost_follow_from_a_step() -> None:
    plan = plan_run_on(make_work(), Cluster(gpu=ACCELERATORS["a100"], gpus=8), price_per_gpu_hour=2)
    assert plan.hours == pytest.approx(1_000 * plan.step.total / 3600)
    assert plan.cost == pytest.approx(16 * plan.hours)
    assert plan.epochs == pytest.approx(256_000 / IMAGENET)
    assert plan.images_per_second == pytest.approx(256 / plan.step.total)


@pytest.mark.parametrize(
    ("work", "cluster", "bottleneck"),
    [
        (make_work(), {}, "compute"),
        (make_work(), {"images_per_core": 1.0}, "loading"),
        (make_work(), {"read_mb": 1.0}, "loading"),
        (make_work(8), {"nodes": 8, "network_gbit": 0.1}, "communication"),
        (make_work(8 * 4_096), {}, "memory"),
    ],
)
def test_the_bottleneck_is_named(work: Work, cluster: dict[str, float], bottleneck: str) -> None:
    machines = replace(Cluster(gpu=ACCELERATORS["a100"], gpus=8), **cluster)  # type: ignore[arg-type]
    assert plan_run_on(work, machines).bottleneck == bottleneck


def test_the_largest_batch_fits_and_one_more_does_not() -> None:
    cluster = Cluster(gpu=ACCELERATORS["v100"])
    largest = find_largest_batch(make_work(), cluster)
    for batch, fits in ((largest, True), (largest + 1, False)):
        plan = plan_run_on(make_work(batch), cluster)
        assert (plan.memory_bytes <= plan.available_bytes) is fits
    tiny = replace(cluster, gpu=replace(cluster.gpu, memory_bytes=1e9))
    assert find_largest_batch(make_work(), tiny) == 0


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match="does not divide over 3 GPUs"):
        plan_run_on(make_work(), Cluster(gpu=ACCELERATORS["a100"], gpus=3))
    with pytest.raises(ConfigError, match="over 3 machines"):
        Cluster(gpu=ACCELERATORS["a100"], gpus=8, nodes=3)
    with pytest.raises(ConfigError, match="does not multiply in bfloat16"):
        plan_run_on(make_work(precision="bfloat16"), Cluster(gpu=ACCELERATORS["v100"]))
    with pytest.raises(ConfigError, match="choose of p100"):
        find_accelerator("b1000")
    with pytest.raises(ConfigError, match="takes --memory-gb"):
        find_accelerator("own", memory_gb=16)
    with pytest.raises(ConfigError, match="positive"):
        find_accelerator("a100", tflops=-1)


def test_own_numbers_take_the_place_of_the_tables() -> None:
    own = find_accelerator("own", memory_gb=10, tflops=20, bandwidth_gb=500, link_gb=50)
    assert (own.memory_bytes, own.bandwidth, own.link) == (10e9, 500e9, 50e9)
    assert find_accelerator("h100", memory_gb=40).memory_bytes == 40e9
    assert find_accelerator("h100", memory_gb=40).flops == ACCELERATORS["h100"].flops


def test_rates_of_a_run_give_back_its_speed(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(steps=4)
    result = train(config, tmp_path)
    assumed = Rates(macs_per_second=1e9, bytes_per_second=1e9)
    rates = rates_of_run(tmp_path, assumed)
    seconds = rates.seconds(count_step_work(config.network), config.recipe.batch_size)
    assert config.recipe.batch_size / seconds == pytest.approx(result.images_per_second)
    with pytest.raises(RunError, match="holds no run"):
        rates_of_run(tmp_path / "none", assumed)


def test_measured_steps_grow_with_the_batch() -> None:
    network, device = find_network("resnet8", width=8), torch.device("cpu")
    few, many = (measure_step_seconds(network, batch, device, steps=3) for batch in (2, 32))
    assert 0 < few < many
