import copy
from dataclasses import replace

import pytest
import torch

from reslab.errors import ConfigError
from reslab.networks.catalogue import find_network
from reslab.networks.deepen import deepen, find_added_blocks, settle_identities
from reslab.networks.resnet import ResNet, build_network


def trained(name: str) -> ResNet:
    """A net that has seen some batches, so that BN's statistics are not those of its start."""
    network = build_network(find_network(name, width=4, in_channels=1, input_size=8)).train()
    for seed in range(3):
        network(images(seed))
    return network.eval()


def images(seed: int, count: int = 256) -> torch.Tensor:
    return torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", ["plain8", "plain14", "resnet8", "resnet14"])
def test_the_deeper_net_computes_the_same_to_the_bit(name: str) -> None:
    network = trained(name)
    deeper = deepen(network, (3, 4, 5), "deeper")
    assert deeper.config.blocks_per_stage == (3, 4, 5)
    x = images(9)
    with torch.inference_mode():
        assert torch.equal(deeper(x), network(x))


def test_a_plain_net_with_the_statistics_of_data_is_the_same_in_training_mode_too() -> None:
    network = trained("plain8")
    x = images(5)
    for norm in (m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        # Statistics of this batch alone, as those of long training are of the data.
        norm.reset_running_stats()
        norm.momentum = None
    network.train()(x)
    network.eval()
    deeper = deepen(network, (3, 3, 3), "plain20")
    with torch.no_grad():
        before = copy.deepcopy(deeper).train()(x)
        settle_identities(deeper, [name for name, _ in find_added_blocks(network, deeper)], x)
        wanted, found = network.train()(x), deeper.train()(x)
        # On the batch it was settled with to rounding, on another but for that batch's own spread.
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)
        assert not torch.allclose(before, wanted, atol=0.1)
        y = images(6)
        gap = (deeper(y) - network(y)).abs().mean() / network(y).abs().mean()
        assert gap < 0.2


def test_settling_leaves_the_function_as_it_is_in_evaluation_mode() -> None:
    network = trained("plain8")
    deeper = deepen(network, (2, 2, 2), "plain14")
    x = images(5)
    settle_identities(deeper, [name for name, _ in find_added_blocks(network, deeper)], x)
    with torch.inference_mode():
        torch.testing.assert_close(deeper.eval()(x), network.eval()(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["plain8", "resnet8"])
def test_the_added_layers_can_learn(name: str) -> None:
    network = trained(name)
    deeper = deepen(network, (2, 2, 2), "deeper").train()
    deeper(images(1)).square().mean().backward()
    for _, block in find_added_blocks(network, deeper):
        gradient = block.bn2.weight.grad
        assert gradient is not None
        assert gradient.abs().max() > 0


@pytest.mark.parametrize("blocks", [(0, 1, 1), (1, 1)])
def test_a_net_cannot_become_shallower(blocks: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="cannot become"):
        deepen(trained("plain8"), blocks, "x")


@pytest.mark.parametrize("shortcut", ["C", "gated"])
def test_shortcuts_that_are_no_identity_are_refused(shortcut: str) -> None:
    network = build_network(find_network("resnet8", width=4, shortcut=shortcut))
    assert deepen(network, (1, 1, 1), "same").config.name == "same"
    with pytest.raises(ConfigError, match="not the identity"):
        deepen(network, (2, 1, 1), "x")


def test_bottlenecks_are_refused() -> None:
    config = find_network("resnet8", width=4, in_channels=1, input_size=8)
    network = ResNet(replace(config, block="bottleneck"))
    with pytest.raises(ConfigError, match="basic blocks"):
        deepen(network, (2, 2, 2), "x")
