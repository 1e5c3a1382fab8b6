import pytest

from reslab.analysis.block_cost import (
    BlockShape,
    count_block,
    count_kept_bytes,
    list_block_layers,
    list_blocks,
    measure_block_costs,
)
from reslab.networks.catalogue import find_network
from reslab.networks.complexity import describe_network
from reslab.studies.measuring import Subject
from reslab.training.run_config import ExecutionConfig

SUBJECT = Subject("digits", ExecutionConfig(device="cpu"), None, None)


def shape(block: str, channels: int, width: int, shortcut: str, size: int = 56) -> BlockShape:
    return BlockShape(block=block, channels=channels, width=width, shortcut=shortcut, size=size)


def test_figure_5_by_hand() -> None:
    """Weights of the convolutions and two parameters of BN a channel; macs are weights × places."""
    basic = 2 * 9 * 64 * 64
    assert count_block(shape("basic", 64, 64, "A")) == (basic + 4 * 64, basic * 56**2)
    narrow = 256 * 64 + 9 * 64 * 64 + 64 * 256
    bottleneck = (narrow + 2 * (64 + 64 + 256), narrow * 56**2)
    assert count_block(shape("bottleneck", 256, 64, "A")) == bottleneck
    projected = count_block(shape("bottleneck", 256, 64, "C"))
    assert projected[0] - bottleneck[0] == 256 * 256 + 2 * 256
    assert projected[1] - bottleneck[1] == 256 * 256 * 56**2


def test_a_plain_block_and_the_parameters_of_the_real_one() -> None:
    for block, channels, width in (("basic", 12, 12), ("bottleneck", 16, 4)):
        for shortcut in ("none", "A", "C"):
            tiny = shape(block, channels, width, shortcut, size=5)
            real = sum(p.numel() for p in tiny.build().parameters())
            assert count_block(tiny)[0] == real
            assert count_block(tiny)[1] == sum(layer.macs for layer in list_block_layers(tiny))


@pytest.mark.parametrize("option", ["A", "C"])
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_blocks_stem_and_head_are_the_whole_net(name: str, option: str) -> None:
    config = find_network(name, shortcut=option)
    network = describe_network(config)
    outside = [layer for layer in network.layers if not layer.name.startswith("layer")]
    blocks = list_blocks(config)
    assert len(blocks) == sum(config.blocks_per_stage)
    assert sum(b.params for b in blocks) + sum(x.params for x in outside) == network.params
    assert sum(b.macs for b in blocks) + sum(x.macs for x in outside) == network.macs


def test_a_net_s_second_block_is_the_block_of_figure_5() -> None:
    block = list_blocks(find_network("resnet50", shortcut="A"))[1]
    assert (block.params, block.macs) == count_block(shape("bottleneck", 256, 64, "A"))


@pytest.mark.parametrize("shortcut", ["A", "C"])
@pytest.mark.parametrize(("block", "channels", "width"), [("basic", 8, 8), ("bottleneck", 32, 8)])
def test_memory_as_counted_is_memory_as_held(
    block: str, channels: int, width: int, shortcut: str
) -> None:
    measured_shape = shape(block, channels, width, shortcut, size=9)
    values = measure_block_costs(
        SUBJECT, shapes={"it": measured_shape}, batch_size=3, rounds=4
    )["it"]  # fmt: skip
    assert values["kept_bytes"] == count_kept_bytes(measured_shape, 3)
    assert len(values["milliseconds"]) == 4
    assert min(values["milliseconds"]) > 0
