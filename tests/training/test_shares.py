"""Every image of a batch is computed once, whatever the number of ranks, and always in its part."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reslab.data.batches import BatchOrder
from reslab.errors import ConfigError
from reslab.training.draws import Draws, draw_steps
from reslab.training.ranks import Ranks
from reslab.training.recipe import Recipe
from reslab.training.schedule import Progress
from reslab.training.shares import check_shares
from reslab.training.stretch import Stretch

counts = st.integers(1, 12)


def all_ranks(size: int) -> list[Ranks]:
    return [Ranks(rank=rank, size=size) for rank in range(size)]


@given(size=counts, count=st.integers(0, 40))
def test_work_is_shared_out_without_repeats_or_gaps(size: int, count: int) -> None:
    shares = [ranks.share(count) for ranks in all_ranks(size)]
    assert [i for share in shares for i in share] == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(size=counts, parts=counts, images=st.integers(1, 6))
def test_pieces_are_whole_parts_or_equal_shares_of_one(size: int, parts: int, images: int) -> None:
    batch_size = parts * size * images
    if parts % size and size % parts:
        with pytest.raises(ConfigError, match=f"ranks is {size}"):
            check_shares(batch_size, parts, size)
        return
    check_shares(batch_size, parts, size)
    part_of = torch.arange(parts).repeat_interleave(batch_size // parts)
    seen: list[int] = []
    for ranks in all_ranks(size):
        share = ranks.share(batch_size)
        pieces = part_of[share.start : share.stop].chunk(ranks.count_pieces(parts))
        assert len(pieces) == ranks.count_pieces(parts)
        assert all(bool((piece == piece[0]).all()) for piece in pieces)
        assert len({len(piece) for piece in pieces}) == 1
        seen += [int(piece[0]) for piece in pieces]
        # Whose running statistics are kept: those who see the first part, and see it first.
        assert (ranks.rank < ranks.count_sharers(parts)) == (int(pieces[0][0]) == 0)
    assert sorted(seen) == sorted([*range(parts)] * Ranks(size=size).count_sharers(parts))


def test_a_batch_that_does_not_divide_is_refused() -> None:
    with pytest.raises(ConfigError, match="a batch of 10 images in 2 parts"):
        check_shares(10, 2, 4)


@given(size=st.sampled_from([1, 2, 3, 6]), seed=st.integers(0, 3))
def test_ranks_see_what_one_process_sees(size: int, seed: int) -> None:
    """The same images, crops and flips over two epochs, in the same order."""
    recipe = Recipe(steps=9, batch_size=6, log_every_steps=4)
    order = BatchOrder(25, recipe.batch_size, seed)
    whole = draw_steps(order, recipe, range(recipe.steps))
    stretches = [Stretch(recipe, order, torch.device("cpu"), ranks) for ranks in all_ranks(size)]
    for step in range(recipe.steps):
        seen: list[Draws] = []
        for stretch in stretches:
            if step not in stretch.steps:
                stretch.load(step, Progress())
            seen.append(stretch.read()[0])
            stretch.position += 1
        assert torch.equal(torch.cat([draws.indices for draws in seen]), whole.indices[step])
        assert torch.equal(torch.cat([draws.flips for draws in seen]), whole.flips[step])
        assert torch.equal(torch.cat([draws.places for draws in seen], dim=1), whole.places[step])
    epoch = torch.cat([order.indices(step) for step in range(5)])[:25]
    assert epoch.sort().values.tolist() == list(range(25))
