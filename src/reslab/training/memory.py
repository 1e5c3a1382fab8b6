"""Memory between processes, and memory between steps."""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from reslab.data.dataset import Dataset
from reslab.networks.activation_memory import count_activation_bytes
from reslab.training.run_config import RunConfig

# From glibc's <malloc.h>.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEEP_BYTES = 2**30
DEFAULT_BYTES = 128 * 2**10


# Of a GPU's memory; the rest is for weights, data, and what convolutions need to work.
FILLED_SHARE = 0.7


def must_recompute(config: RunConfig, device: torch.device) -> bool:
    """Whether a step keeps only some maps and computes the others anew (`ExecutionConfig`)."""
    if config.execution.recompute != "auto" or device.type != "cuda":
        return config.execution.recompute == "always"
    part = config.recipe.batch_size // max(config.recipe.batch_parts, config.execution.ranks)
    size = 2 if config.recipe.precision == "bfloat16" else 4
    kept_bytes = count_activation_bytes(config.network, part, size)
    return kept_bytes > FILLED_SHARE * torch.cuda.get_device_properties(device).total_memory


def share_dataset(dataset: Dataset) -> Dataset:
    """Move the images to memory that other processes can map instead of copying them.

    Where there is no room for that (a container's small /dev/shm), they stay as they are.
    """
    try:
        for part in (dataset.train, dataset.test):
            part.images.share_memory_()  # type: ignore[no-untyped-call]
            part.labels.share_memory_()  # type: ignore[no-untyped-call]
    except RuntimeError:
        return dataset
    return dataset


@contextmanager
def keep_freed_memory() -> Iterator[None]:
    """Within it memory that a step frees stays the process's, for the next step to take.

    glibc otherwise returns a network's activations to the system at the end of each step and gets
    them back page by page, zeroed: 5,000 to 14,000 page faults a step of ResNet-20, up to 6 % of
    the time. Elsewhere nothing happens.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    libc = ctypes.CDLL(None)
    for threshold in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
        libc.mallopt(threshold, KEEP_BYTES)
    try:
        yield
    finally:
        for threshold in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            libc.mallopt(threshold, DEFAULT_BYTES)
        libc.malloc_trim(0)
