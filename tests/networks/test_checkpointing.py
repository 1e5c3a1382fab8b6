from itertools import accumulate

import pytest
import torch

from reslab.analysis.block_cost import measure_kept_bytes
from reslab.networks.activation_memory import count_activation_bytes
from reslab.networks.catalogue import find_network
from reslab.networks.checkpointing import split_into_segments
from reslab.networks.resnet import ResNet, build_network


def step(
    name: str, shortcut: str | None, *, checkpointed: bool, backend: str | None = None
) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss, gradients and buffers after one pass, compiled where there is a backend."""
    network = build_network(find_network(name, width=4, shortcut=shortcut)).train()
    network.checkpoint_activations = checkpointed
    x = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    forward = network if backend is None else torch.compile(network, backend=backend)
    loss = forward(x).square().mean()
    loss.backward()
    gradients = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
    return float(loss.detach()), {**gradients, **dict(network.named_buffers())}


@pytest.mark.parametrize(
    ("name", "shortcut"),
    [
        ("resnet20", None),
        ("plain20", None),
        ("preresnet20", None),
        ("resnet29-bottleneck", "B"),
        # Draws random numbers, which must be the same the second time.
        ("resnet20", "dropout"),
    ],
)
def test_loss_gradients_and_running_statistics_are_the_same_to_the_bit(
    name: str, shortcut: str | None
) -> None:
    plain, checkpointed = (step(name, shortcut, checkpointed=c) for c in (False, True))
    assert_same(plain, checkpointed)


def test_a_compiled_step_is_checkpointed_too() -> None:
    # This backend follows the compiler's ways but leaves every operation PyTorch's own.
    plain, checkpointed = (
        step("resnet14", None, checkpointed=c, backend="aot_eager") for c in (False, True)
    )
    assert_same(plain, checkpointed)


def assert_same(
    plain: tuple[float, dict[str, torch.Tensor]],
    checkpointed: tuple[float, dict[str, torch.Tensor]],
) -> None:
    assert plain[0] == checkpointed[0]
    assert plain[1].keys() == checkpointed[1].keys()
    for key, value in plain[1].items():
        assert torch.equal(value, checkpointed[1][key]), key


@pytest.mark.parametrize("name", ["resnet110", "plain110", "preresnet110"])
def test_the_most_that_is_allocated_is_what_the_formula_says(name: str) -> None:
    config, batch_size = find_network(name, width=8), 2
    one_map = batch_size * 8 * 32 * 32 * 4
    for checkpointed in (False, True):
        network = build_network(config).train()
        network.checkpoint_activations = checkpointed
        counted = count_activation_bytes(config, batch_size, checkpoint_activations=checkpointed)
        for parameter in network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        allocated = peak_bytes(network, torch.randn(batch_size, 3, 32, 32))
        # Beside what is kept: gradients and results of the operation at work.
        assert -1 < (allocated - counted) / one_map < 6


def peak_bytes(network: ResNet, x: torch.Tensor) -> int:
    """The most memory that one step has allocated at once, by PyTorch's own records."""
    with torch.profiler.profile(profile_memory=True, acc_events=True) as profiler:
        network(x).square().mean().backward()
    assert profiler.profiler is not None
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    changes: list[int] = [e.nbytes() for e in sorted(events, key=lambda e: e.start_ns())]
    return max(accumulate(changes))


def test_a_checkpointed_net_keeps_far_less() -> None:
    network = build_network(find_network("resnet56", width=4)).train()
    x = torch.randn(4, 3, 32, 32)
    whole = measure_kept_bytes(network, x)
    network.checkpoint_activations = True
    assert measure_kept_bytes(network, x) < 0.3 * whole


def test_resnet_1202_trains_within_16_gb_by_formula() -> None:
    config = find_network("resnet1202")
    # Maps alone would take three quarters of a GPU of 16 GB.
    assert 11e9 < count_activation_bytes(config, 128) < 12e9
    assert count_activation_bytes(config, 128, checkpoint_activations=True) < 2e9


@pytest.mark.parametrize("blocks", [1, 2, 3, 18, 200])
def test_segments_cover_every_block_once(blocks: int) -> None:
    positions = [p for segment in split_into_segments(blocks) for p in segment]
    assert positions == list(range(blocks))
