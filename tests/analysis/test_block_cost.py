import torch

from reslab.analysis.block_cost import BlockShape, count_block, count_kept_bytes
from reslab.studies.bottleneck import BLOCKS


def test_the_blocks_of_figure_5_are_counted_by_formula() -> None:
    places = 56 * 56
    bn = {64: 2 * 64, 256: 2 * 256}
    basic = 2 * 9 * 64 * 64
    bottleneck = 256 * 64 + 9 * 64 * 64 + 64 * 256
    assert count_block(BLOCKS["basic, 64-d"]) == (basic + 2 * bn[64], basic * places)
    assert count_block(BLOCKS["bottleneck, 256-d"]) == (
        bottleneck + 2 * bn[64] + bn[256],
        bottleneck * places,
    )
    assert count_block(BLOCKS["bottleneck, 256-d, projection"]) == (
        bottleneck + 2 * bn[64] + bn[256] + 256 * 256 + bn[256],
        (bottleneck + 256 * 256) * places,
    )


def test_what_a_block_keeps_is_counted_once() -> None:
    shape = BlockShape(block="basic", channels=8, width=8, shortcut="A", size=4)
    block = shape.build().train()
    x = torch.rand(2, 8, 4, 4).requires_grad_()
    one = 4 * x.numel()
    # x, two convolutions' outputs, two ReLUs' outputs; BN's two statistics of 8 channels, of the
    # batch and running.
    statistics = 2 * 2 * 2 * 4 * 8
    assert count_kept_bytes(block, x) == 5 * one + statistics
