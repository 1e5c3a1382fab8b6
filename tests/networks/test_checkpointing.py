import pytest
import torch

from reslab.networks.activation_memory import count_activation_bytes
from reslab.networks.catalogue import find_network
from reslab.networks.checkpointing import split_into_segments
from reslab.networks.resnet import ResNet, build_network


def step(name: str, *, checkpointed: bool) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss, gradients and buffers after one pass."""
    network = build_network(find_network(name, width=4)).train()
    network.checkpoint_activations = checkpointed
    x = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    loss = network(x).square().mean()
    loss.backward()
    gradients = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
    return float(loss.detach()), {**gradients, **dict(network.named_buffers())}


@pytest.mark.parametrize("name", ["resnet20", "plain20", "preresnet20"])
def test_loss_gradients_and_running_statistics_are_the_same_to_the_bit(name: str) -> None:
    plain, checkpointed = (step(name, checkpointed=c) for c in (False, True))
    assert plain[0] == checkpointed[0]
    assert plain[1].keys() == checkpointed[1].keys()
    for key, value in plain[1].items():
        assert torch.equal(value, checkpointed[1][key]), key


def kept_bytes(network: ResNet, x: torch.Tensor) -> int:
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = network(x)
    del output
    return sum(kept.values())


def test_a_checkpointed_net_keeps_far_less() -> None:
    network = build_network(find_network("resnet56", width=4)).train()
    x = torch.randn(4, 3, 32, 32)
    whole = kept_bytes(network, x)
    network.checkpoint_activations = True
    assert kept_bytes(network, x) < 0.3 * whole


def test_resnet_1202_trains_within_16_gb_by_formula() -> None:
    config = find_network("resnet1202")
    # Maps alone would take three quarters of a GPU of 16 GB.
    assert 11e9 < count_activation_bytes(config, 128) < 12e9
    assert count_activation_bytes(config, 128, checkpoint_activations=True) < 2e9


@pytest.mark.parametrize("blocks", [1, 2, 3, 18, 200])
def test_segments_cover_every_block_once(blocks: int) -> None:
    positions = [p for segment in split_into_segments(blocks) for p in segment]
    assert positions == list(range(blocks))
