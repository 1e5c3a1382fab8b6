import pytest
import torch
from torch import nn

from reslab.analysis.lesions import (
    delete_blocks,
    measure_lesions,
    measure_order,
    name_regular_blocks,
    permute_blocks,
    spread_counts,
)
from reslab.networks.catalogue import find_network
from reslab.networks.resnet import build_network
from tests.analysis.conftest import SmallSubject, first_images, small_classifier


def inputs_of(subject: SmallSubject) -> torch.Tensor:
    inputs: torch.Tensor = subject.classifier.preprocessing(first_images(subject, 20).images)
    return inputs


def test_a_residual_block_without_f_is_a_block_whose_last_bn_is_zero(
    residual: SmallSubject,
) -> None:
    network, x = residual.classifier.network, inputs_of(residual)
    with torch.inference_mode():
        whole = network(x)
        deleted = delete_blocks(network, ["layer2.1"]).eval()(x)
    block = network.get_submodule("layer2.1")
    assert isinstance(block.bn2, nn.BatchNorm2d)
    nn.init.zeros_(block.bn2.weight)
    nn.init.zeros_(block.bn2.bias)
    with torch.inference_mode():
        torch.testing.assert_close(deleted, network(x))
    assert not torch.allclose(deleted, whole)


def test_a_pre_activated_block_without_f_passes_its_input_on() -> None:
    config = find_network("preresnet20", width=4)
    network = build_network(config).train()
    x = torch.randn(20, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    network(x)
    network.eval()
    with torch.inference_mode():
        same = permute_blocks(network, ["layer2.1"], ["layer2.1"]).eval()(x)
        torch.testing.assert_close(same, network(x))
        deleted = delete_blocks(network, ["layer2.1"]).eval()(x)
        nn.init.zeros_(network.get_parameter("layer2.1.conv2.weight"))
        torch.testing.assert_close(deleted, network(x))
    assert "layer1.0" not in name_regular_blocks(network)


def test_a_plain_net_without_a_block_is_the_net_with_one_less(plain: SmallSubject) -> None:
    network, x = plain.classifier.network, inputs_of(plain)
    with torch.inference_mode():
        deleted = delete_blocks(network, ["layer1.1"]).eval()(x)
        network.layer1 = nn.Sequential(network.get_submodule("layer1.0"))
        torch.testing.assert_close(deleted, network(x))


@pytest.mark.parametrize("name", ["resnet8", "plain8", "resnet20-bottleneck", "preresnet20"])
def test_every_block_of_every_kind_can_be_deleted(name: str) -> None:
    network = build_network(find_network(name, width=4)).eval()
    blocks = [name for name, _ in network.named_blocks()]
    x = torch.randn(2, 3, 16, 16)
    with torch.inference_mode():
        assert delete_blocks(network, blocks)(x).shape == network(x).shape
        torch.testing.assert_close(delete_blocks(network, [])(x), network(x))


def test_a_plain_block_that_changes_the_shape_leaves_every_second_pixel(
    plain: SmallSubject,
) -> None:
    network = delete_blocks(plain.classifier.network, ["layer2.0"])
    x = torch.rand(2, 4, 8, 8)
    with torch.inference_mode():
        y = network.get_submodule("layer2.0")(x)
    torch.testing.assert_close(y[:, :4], x[:, :, ::2, ::2])
    assert y.shape == (2, 8, 4, 4)
    assert not y[:, 4:].any()


def test_a_weighing_shortcut_stays() -> None:
    network = build_network(find_network("resnet8", shortcut="scaled-both", width=4)).eval()
    x = torch.rand(2, 4, 8, 8)
    with torch.inference_mode():
        left = delete_blocks(network, ["layer1.0"]).get_submodule("layer1.0")(x)
        whole = network.get_submodule("layer1.0")
        nn.init.zeros_(whole.get_parameter("bn2.weight"))
        torch.testing.assert_close(left, whole(x))


def test_the_net_itself_is_not_changed(residual: SmallSubject) -> None:
    network, x = residual.classifier.network, inputs_of(residual)
    names = name_regular_blocks(network)
    with torch.inference_mode():
        before = network(x)
        same = permute_blocks(network, names, names).eval()(x)
        torch.testing.assert_close(same, before)
        measure_lesions(residual, images=20, repeats=2, most_deleted=0.5)
        torch.testing.assert_close(network(x), before)


def test_swapping_two_blocks_is_giving_each_the_weights_of_the_other(
    residual: SmallSubject,
) -> None:
    network, x = residual.classifier.network, inputs_of(residual)
    names = ["layer1.0", "layer1.1"]
    with torch.inference_mode():
        swapped = permute_blocks(network, names, names[::-1]).eval()(x)
        first, second = (network.get_submodule(name) for name in names)
        state = {name: tensor.clone() for name, tensor in first.state_dict().items()}
        first.load_state_dict(second.state_dict())
        second.load_state_dict(state)
        torch.testing.assert_close(swapped, network(x))


def test_only_blocks_that_keep_their_shape_are_touched(
    residual: SmallSubject, plain: SmallSubject
) -> None:
    expected = ["layer1.0", "layer1.1", "layer2.1", "layer3.1"]
    assert name_regular_blocks(residual.classifier.network) == expected
    assert name_regular_blocks(plain.classifier.network) == expected


def test_orders_differ_and_stay_within_their_stages(residual: SmallSubject) -> None:
    values = measure_lesions(residual, images=20, repeats=4, most_deleted=1.0)
    assert len(values["single"]) == len(values["blocks"]) == 6
    assert len(values["regular"]) == 4
    assert {count for count, _ in values["several"]} == {1, 2, 3, 4}
    assert all(-1 <= tau <= 1 and 0 <= error <= 100 for tau, error in values["swapped"])
    # layer1 alone has two blocks to swap: at most one pair of six is out of order.
    assert {round(tau, 3) for tau, _ in values["swapped"]} <= {0.667, 1.0}


@pytest.mark.parametrize(
    ("most", "counts"),
    [(0, []), (-1, []), (1, [1]), (4, [1, 2, 3, 4]), (24, [4, 8, 12, 16, 20, 24])],
)
def test_counts_are_spread_up_to_the_most(most: int, counts: list[int]) -> None:
    assert spread_counts(most) == counts


def test_the_order_is_kendalls() -> None:
    assert measure_order("abcd", "abcd") == pytest.approx(1)
    assert measure_order("abcd", "dcba") == pytest.approx(-1)
    assert measure_order("abcd", "bacd") == pytest.approx(1 - 2 * 1 / 6)


def test_a_net_without_regular_blocks_is_measured_too() -> None:
    values = measure_lesions(
        SmallSubject(small_classifier("preresnet8")), images=20, repeats=2, most_deleted=0.6
    )
    assert values["regular"] == values["several"] == values["swapped"] == []
    assert len(values["single"]) == 3
