"""Against the numbers of the paper, the public weights, and PyTorch's own counter."""

import itertools

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from reslab.networks.activation_memory import count_activation_bytes
from reslab.networks.catalogue import find_network
from reslab.networks.complexity import describe_network
from reslab.networks.config import NetworkConfig
from reslab.networks.resnet import ResNet, build_network

TABLE_6_MILLION_PARAMS = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7, 1202: 19.4}
PUBLIC_PARAMS = {
    18: 11_689_512,
    34: 21_797_672,
    50: 25_557_032,
    101: 44_549_160,
    152: 60_192_808,
}
TABLE_1_GIGA_MACS = {18: 1.8, 34: 3.6, 50: 3.8, 101: 7.6, 152: 11.3}


@pytest.mark.parametrize(("depth", "million"), TABLE_6_MILLION_PARAMS.items())
def test_params_of_table_6_and_of_the_plain_net(depth: int, million: float) -> None:
    residual = describe_network(find_network(f"resnet{depth}"))
    plain = describe_network(find_network(f"plain{depth}"))
    digits = 1 if million >= 1 else 2
    assert round(residual.params / 1e6, digits) == million
    assert (plain.params, plain.macs) == (residual.params, residual.macs)


@pytest.mark.parametrize(("depth", "params"), PUBLIC_PARAMS.items())
def test_params_of_the_imagenet_nets(depth: int, params: int) -> None:
    assert describe_network(find_network(f"resnet{depth}")).params == params


@pytest.mark.parametrize(("depth", "giga"), TABLE_1_GIGA_MACS.items())
def test_macs_of_table_1(depth: int, giga: float) -> None:
    # The paper cuts some digits off (3.86 is "3.8") and rounds others (7.57 is "7.6").
    assert describe_network(find_network(f"resnet{depth}")).macs / 1e9 == pytest.approx(
        giga, abs=0.07
    )


@pytest.mark.parametrize("n", [1, 3, 9])
def test_cifar_params_and_macs_by_formula(n: int) -> None:
    conv = 9 * (3 * 16 + 2 * n * 16**2 + 16 * 32 + (2 * n - 1) * 32**2 + 32 * 64)
    conv += 9 * (2 * n - 1) * 64**2
    bn = 2 * (16 + 2 * n * (16 + 32 + 64))
    maps = 9 * (3 * 16 + 2 * n * 16**2) * 32**2
    maps += 9 * (16 * 32 + (2 * n - 1) * 32**2) * 16**2
    maps += 9 * (32 * 64 + (2 * n - 1) * 64**2) * 8**2
    described = describe_network(find_network(f"resnet{6 * n + 2}"))
    assert described.params == conv + bn + 650
    assert described.macs == maps + 640


@pytest.mark.parametrize("name", ["resnet20", "plain20", "resnet18", "resnet50", "resnet50-v1.5"])
@pytest.mark.parametrize("shortcut", ["A", "B", "C"])
def test_macs_are_half_of_pytorchs_flops(name: str, shortcut: str) -> None:
    if name.startswith("plain"):
        shortcut = "none"
    config = find_network(name, shortcut=shortcut)
    with torch.device("meta"):
        network = ResNet(config).eval()
        image = torch.empty(1, 3, config.input_size, config.input_size)
    with FlopCounterMode(display=False) as counter:
        network(image)
    assert describe_network(config).macs == counter.get_total_flops() / 2


@pytest.mark.parametrize(
    ("name", "shortcut", "identity", "projection"),
    [
        ("plain20", None, 0, 0),
        ("resnet20", "A", 9, 0),
        ("resnet20", "B", 7, 2),
        ("resnet20", "C", 0, 9),
        ("resnet56", "A", 27, 0),
        ("resnet34", "B", 13, 3),
        ("resnet50", "B", 12, 4),
        ("preresnet20", None, 7, 2),
        ("preresnet29-bottleneck", None, 6, 3),
        ("resnet20", "gated", 0, 0),
    ],
)
def test_shortcuts_by_kind(name: str, shortcut: str | None, identity: int, projection: int) -> None:
    described = describe_network(find_network(name, shortcut=shortcut))
    assert described.shortcuts == {"identity": identity, "projection": projection}


@pytest.mark.parametrize(
    ("name", "depth"), [("resnet20", 20), ("plain34", 34), ("resnet152", 152), ("resnet1202", 1202)]
)
def test_weighted_layers(name: str, depth: int) -> None:
    described = describe_network(find_network(name))
    assert described.weighted_layers == depth
    assert str(depth) in described.depth_formula


def test_the_table_agrees_with_the_real_network() -> None:
    config = find_network("resnet20", shortcut="B", width=4, in_channels=1, input_size=9)
    described = describe_network(config)
    network = build_network(config)
    assert described.params == sum(p.numel() for p in network.parameters())
    assert [layer.output_size for layer in described.layers if layer.name == "layer3.2.conv2"] == [
        3
    ]


@pytest.mark.parametrize(
    ("name", "shortcut"),
    [
        *itertools.product(("resnet8", "resnet18", "resnet50"), ("A", "B", "C")),
        *itertools.product(("preresnet8", "preresnet11-bottleneck"), ("A", "B-1x1", "B")),
        ("plain8", "none"),
    ],
)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_activation_bytes_are_what_autograd_keeps(
    name: str, shortcut: str, batch_size: int
) -> None:
    size = 64 if name in ("resnet18", "resnet50") else 8
    config = find_network(name, shortcut=shortcut, width=4, input_size=size)
    assert count_activation_bytes(config, batch_size) == measure_kept_bytes(config, batch_size)


def measure_kept_bytes(config: NetworkConfig, batch_size: int) -> int:
    network = build_network(config).train()
    own = {tensor.untyped_storage().data_ptr() for tensor in network.state_dict().values()}
    kept: dict[int, torch.Tensor] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        pointer = tensor.untyped_storage().data_ptr()
        if pointer not in own:
            # Kept alive, so that no later tensor has the same place in memory.
            kept[pointer] = tensor
        return tensor

    images = torch.randn(batch_size, config.in_channels, config.input_size, config.input_size)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        network(images)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
