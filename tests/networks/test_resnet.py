import copy
import pickle
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from reslab.errors import ConfigError
from reslab.networks.catalogue import find_network
from reslab.networks.resnet import ResNet, build_network

NAMES = ["plain20", "resnet20", "resnet18", "plain34", "resnet50", "resnet50-v1.5"]


def small(name: str, shortcut: str | None = None) -> ResNet:
    return build_network(find_network(name, shortcut=shortcut, width=4, num_classes=7)).eval()


@pytest.mark.parametrize("name", NAMES)
def test_logits_have_one_number_for_each_class(name: str) -> None:
    assert small(name)(torch.randn(2, 3, 40, 40)).shape == (2, 7)


@pytest.mark.parametrize("shortcut", ["A", "A-split", "B", "C"])
@pytest.mark.parametrize("name", ["resnet20", "resnet18", "resnet50", "resnet50-v1.5"])
def test_any_shortcut_on_any_network(name: str, shortcut: str) -> None:
    assert small(name, shortcut)(torch.randn(1, 3, 33, 33)).isfinite().all()


def test_a_basic_block_is_the_formula_of_the_paper() -> None:
    network = small("resnet20")
    block = network.get_submodule("layer2.0")
    x = torch.randn(2, 4, 8, 8)
    w1, w2 = (block.get_parameter(f"conv{i}.weight") for i in (1, 2))
    scale = (1 + 1e-5) ** -0.5
    f = F.conv2d(F.relu(F.conv2d(x, w1, stride=2, padding=1) * scale), w2, padding=1) * scale
    shortcut = torch.cat([x[:, :, ::2, ::2], torch.zeros(2, 4, 4, 4)], dim=1)
    torch.testing.assert_close(block(x), F.relu(f + shortcut))


def test_a_plain_net_is_the_residual_net_without_shortcuts() -> None:
    residual, plain = small("resnet20"), small("plain20")
    assert plain.state_dict().keys() == residual.state_dict().keys()
    plain.load_state_dict(residual.state_dict())
    x = torch.randn(2, 3, 16, 16)
    assert not torch.allclose(plain(x), residual(x))
    for _, block in residual.named_blocks():
        block.downsample = None
    assert torch.equal(plain(x), residual(x))


def test_where_a_bottleneck_has_its_stride() -> None:
    def strides(name: str) -> list[int]:
        block = small(name).get_submodule("layer2.0")
        return [int(block.get_submodule(f"conv{i}").stride[0]) for i in (1, 2, 3)]  # type: ignore[index]

    assert strides("resnet50") == [2, 1, 1]
    assert strides("resnet50-v1.5") == [1, 2, 1]


@pytest.mark.parametrize("name", NAMES)
def test_responses_are_those_a_hook_on_each_bn_sees(name: str) -> None:
    network = small(name)
    seen: dict[str, torch.Tensor] = {}
    for key, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d) and "downsample" not in key:
            module.register_forward_hook(lambda _m, _i, out, key=key: seen.update({key: out}))
    images = torch.randn(2, 3, 32, 32)
    logits, responses = network(images, return_responses=True)
    assert torch.equal(logits, network(images))
    layers = {key: value for key, value in responses.items() if "downsample" not in key}
    assert list(layers) == list(seen)
    assert all(torch.equal(layers[key], seen[key]) for key in seen)
    blocks = sum(network.config.blocks_per_stage)
    assert len(responses) - len(layers) == (0 if name.startswith("plain") else blocks)


def test_weights_follow_he_and_the_seed() -> None:
    config = find_network("resnet56")
    one, same, other = build_network(config, 1), build_network(config, 1), build_network(config, 2)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.conv1.weight, other.conv1.weight)
    weight = one.get_parameter("layer3.4.conv2.weight").detach()
    assert float(weight.std()) == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02)
    assert float(one.fc.weight.detach().std()) == pytest.approx((1 / 64) ** 0.5, rel=0.1)
    assert not one.fc.bias.any()


def test_building_leaves_the_callers_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    build_network(find_network("resnet20"), seed=9)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("name", NAMES)
def test_copies_and_pickles_compute_the_same(name: str) -> None:
    network = small(name)
    images = torch.randn(2, 3, 32, 32)
    for clone in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):  # noqa: S301
        assert torch.equal(clone(images), network(images))


@pytest.mark.parametrize("return_responses", [False, True])
@pytest.mark.parametrize("name", ["plain20", "resnet20", "resnet50"])
def test_torch_export_for_any_batch(name: str, return_responses: bool) -> None:
    network = small(name)
    arguments = (torch.randn(2, 3, 32, 32), return_responses)
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(network, arguments, dynamic_shapes=({0: batch}, None))
    images = torch.randn(5, 3, 32, 32)
    expected = network(images, return_responses)
    torch.testing.assert_close(program.module()(images, return_responses), expected)


def test_a_network_moves_to_another_device() -> None:
    network = small("resnet20").to("meta")
    assert network(torch.empty(2, 3, 32, 32, device="meta")).device.type == "meta"


def test_unknown_blocks_are_refused() -> None:
    with pytest.raises(ConfigError, match="choose one of basic, bottleneck"):
        ResNet(replace(find_network("resnet20"), block="cubic"))
