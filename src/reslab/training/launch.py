"""What a launcher such as torchrun tells a process that it started; free of PyTorch."""

import os
from dataclasses import dataclass

from reslab.errors import ConfigError

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One process's place among those that were started together."""

    rank: int
    """From 0, over all machines."""
    size: int
    """Processes in all."""
    local_rank: int
    """From 0, on this machine."""
    local_size: int
    """Processes on this machine."""
    restarts: int = 0
    """How often all were started anew, because one was lost."""
    max_restarts: int = 0
    """How often that may happen."""


def find_launch() -> Launch | None:
    """This process's place, None if it was started by itself and not by a launcher.

    Raises:
        ConfigError: if the variables that say so are not whole numbers, or contradict each other.
    """
    if any(name not in os.environ for name in VARIABLES):
        return None
    rank, size, local_rank, local_size = (_read_count(name) for name in VARIABLES[:4])
    if not (rank < size and local_rank < local_size <= size):
        raise ConfigError(
            f"RANK={rank}, WORLD_SIZE={size}, LOCAL_RANK={local_rank} and "
            f"LOCAL_WORLD_SIZE={local_size} contradict each other: start reslab by torchrun, or "
            "unset them"
        )
    restarts, most = (
        _read_count(name) if name in os.environ else 0
        for name in ("TORCHELASTIC_RESTART_COUNT", "TORCHELASTIC_MAX_RESTARTS")
    )
    return Launch(
        rank=rank,
        size=size,
        local_rank=local_rank,
        local_size=local_size,
        restarts=restarts,
        max_restarts=most,
    )


def _read_count(name: str) -> int:
    text = os.environ[name]
    if not text.isdecimal():
        raise ConfigError(f"{name} is {text!r}, must be a whole number: unset it, or use torchrun")
    return int(text)
