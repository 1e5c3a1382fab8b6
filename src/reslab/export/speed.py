"""Images per second of several runtimes, in turns, so that a busy machine hits all alike."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from reslab.evaluation.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Images per second over the rounds of a measurement."""

    median: float
    slowest: float
    fastest: float
    rounds: int


def measure_speeds(
    runtimes: Mapping[str, Runtime],
    images: NDArray[np.uint8],
    *,
    rounds: int,
    block_seconds: float,
    max_seconds: float = float("inf"),
) -> dict[str, Speed]:
    """Time the same batch in each runtime, preprocessing and all.

    In each round each runtime works alone for a while: an engine's threads go on spinning after
    their work, and would slow the next engine down if the two alternated call by call.

    Args:
        runtimes: by name.
        images: [B, C, H, W], the batch.
        rounds: at most so many, at least one.
        block_seconds: how long a runtime works in each round; a single call may take longer.
        max_seconds: no further round begins after these.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runtimes}
    deadline = time.perf_counter() + max_seconds
    for _ in range(rounds):
        for name, runtime in runtimes.items():
            seconds[name].append(_time_block(runtime, images, block_seconds))
        if time.perf_counter() > deadline:
            break
    return {name: _summarise(len(images), times) for name, times in seconds.items()}


def _time_block(runtime: Runtime, images: NDArray[np.uint8], block_seconds: float) -> float:
    """Seconds of one call; the first warms up, unless it takes a whole block already."""
    started = time.perf_counter()
    runtime.logits(images)
    first = time.perf_counter() - started
    if first > block_seconds:
        return first
    calls, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < block_seconds:
        runtime.logits(images)
        calls += 1
    return elapsed / calls


def _summarise(batch_size: int, seconds: list[float]) -> Speed:
    return Speed(
        median=batch_size / median(seconds),
        slowest=batch_size / max(seconds),
        fastest=batch_size / min(seconds),
        rounds=len(seconds),
    )
