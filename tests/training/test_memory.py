import multiprocessing
import resource
from multiprocessing.connection import Connection

import pytest
import torch

from reslab.data.dataset import Dataset
from reslab.data.load import load_dataset
from reslab.training.memory import keep_freed_memory, share_dataset


def darken(dataset: Dataset, done: Connection) -> None:
    dataset.train.images.zero_()
    done.send(int(dataset.test.images.sum()))


def test_processes_see_the_same_memory() -> None:
    """Written to for the test alone: a copy would not change with it."""
    dataset = share_dataset(load_dataset("digits"))
    test_sum = int(dataset.test.images.sum())
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=darken, args=(dataset, sender))
    process.start()
    assert receiver.recv() == test_sum
    process.join()
    assert int(dataset.train.images.sum()) == 0


def count_page_faults() -> int:
    """Of taking and freeing what a few layers of activations take, ten times over."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        kept = [torch.ones(2**18) for _ in range(40)]
        del kept
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_freed_memory_is_kept_for_the_next_step() -> None:
    without = count_page_faults()
    with keep_freed_memory():
        count_page_faults()
        within = count_page_faults()
    if without < 1000:
        pytest.skip("this system does not take freed memory back")
    assert within < without / 10
