"""Costs of a step by formula, against counts by hand and PyTorch's own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from reslab.analysis.step_cost import (
    BUCKET_BYTES,
    Rates,
    Ring,
    count_step_memory,
    count_step_work,
)
from reslab.networks.catalogue import find_network
from reslab.networks.complexity import describe_network
from reslab.networks.resnet import build_network


@pytest.mark.parametrize("name", ["resnet20", "plain20", "resnet29-bottleneck", "resnet18"])
def test_multiply_adds_of_a_step_are_pytorchs(name: str) -> None:
    config = find_network(name, input_size=32)
    network = build_network(config, 0)
    counter = FlopCounterMode(display=False)
    with counter:
        network(torch.zeros(2, 3, 32, 32)).sum().backward()
    assert 2 * 2 * count_step_work(config).macs == counter.get_total_flops()


def test_memory_counts_each_parameter_three_times_and_half_precision_adds_a_copy() -> None:
    config = find_network("resnet20")
    params = describe_network(config).params
    memory = count_step_memory(config, 8)
    assert memory.parameters == memory.gradients == memory.optimiser == 4 * params
    # The widest maps are the first stage's: 16 channels of 32 × 32.
    assert memory.workspace == 2 * 8 * 16 * 32 * 32 * 4
    parts = (memory.activations, memory.workspace, 3 * 4 * params)
    assert memory.total == sum(parts)
    assert count_step_memory(config, 8, half=True).parameters == 6 * params
    assert count_step_memory(config, 8, recompute=True).activations < memory.activations


def test_traffic_is_counted_by_hand_on_the_smallest_net() -> None:
    work = count_step_work(find_network("plain8", width=4, input_size=8, num_classes=10))
    first, second, third = 4 * 64, 8 * 16, 16 * 4
    convs = 3 * ((3 * 64 + first) + 2 * (first + first))
    convs += 3 * ((first + second) + (second + second) + (second + third) + (third + third))
    norms = 13 * (3 * first + 2 * second + 2 * third)
    additions = 3 * (first + second + third)
    # Average pooling reads 16 maps as its one output each, then comes the linear layer.
    head = 3 * (16 + 16) + 3 * (16 + 10)
    assert work.numbers == convs + norms + head
    residual = count_step_work(find_network("resnet8", width=4, input_size=8, num_classes=10))
    padding = 3 * ((first + second) + (second + third))
    assert residual.numbers == work.numbers + additions + padding


@given(gpus=st.integers(2, 4096), size=st.floats(1.0, 1e10), bandwidth=st.floats(1e8, 1e12))
def test_a_ring_sends_twice_what_is_summed_less_one_share(
    gpus: int, size: float, bandwidth: float
) -> None:
    ring = Ring(gpus=gpus, bandwidth=bandwidth, latency_seconds=0.0)
    assert ring.seconds(size) == pytest.approx(2 * (gpus - 1) / gpus * size / bandwidth)
    assert ring.exposed_seconds(size, 1e9) == pytest.approx(ring.seconds(min(size, BUCKET_BYTES)))
    assert ring.exposed_seconds(size, 0.0) == pytest.approx(ring.seconds(size))


def test_one_gpu_exchanges_nothing() -> None:
    assert Ring(gpus=1, bandwidth=1.0, latency_seconds=1.0).seconds(1e9) == 0


def test_time_is_the_sum_of_what_the_rates_say() -> None:
    work = count_step_work(find_network("resnet20"))
    rates = Rates(macs_per_second=1e9, bytes_per_second=1e9, seconds_per_layer=1e-3)
    expected = work.macs * 3 / 1e9 + work.count_bytes(3) / 1e9 + work.layers / 1e3
    assert rates.seconds(work, 3) == pytest.approx(expected)
