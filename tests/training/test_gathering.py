"""Processes find those that were started with them, whoever was there before."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import torch.distributed as dist
from torch.distributed import HashStore  # type: ignore[attr-defined]
from torch.distributed.distributed_c10d import Store

from reslab.training.gathering import ROOT, gather
from reslab.training.ranks import RankLostError

SIZE = 4
LIMIT = timedelta(seconds=30)
SOON = timedelta(seconds=0.3)


def gather_all(store: Store, first: list[int]) -> set[str]:
    """The names that the ranks agree on, some of which come before the others."""
    with ThreadPoolExecutor(SIZE) as pool:
        later = [rank for rank in range(SIZE) if rank not in first]
        found = [pool.submit(gather, store, rank, SIZE, LIMIT) for rank in [*first, *later]]
        return {one.result() for one in found}


@pytest.mark.parametrize("first", [[0], [1, 2, 3], [2, 0]])
def test_each_start_has_a_name_of_its_own(first: list[int]) -> None:
    store = HashStore()
    names = [gather_all(store, first) for _ in range(3)]
    assert [len(name) for name in names] == [1, 1, 1]
    assert len(set.union(*names)) == 3


def test_those_who_are_gone_are_not_counted() -> None:
    store = HashStore()
    old = gather_all(store, [0])
    # A start of which one rank died before it was there, and whose others gave up.
    with ThreadPoolExecutor(SIZE) as pool:
        waiting = [pool.submit(gather, store, rank, SIZE, SOON) for rank in (0, 1, 3)]
        with pytest.raises(RankLostError, match="those numbered 2 did not come"):
            waiting[0].result()
    new = gather_all(store, [1, 0])
    assert len(new) == 1
    assert not new & old


def test_the_first_rank_is_waited_for_no_longer_than_the_limit() -> None:
    store = HashStore()
    # What an earlier first rank has answered to others.
    store.set(f"{ROOT}/answers/other", "old")
    with pytest.raises(dist.DistStoreError):
        gather(store, 1, 2, SOON)
