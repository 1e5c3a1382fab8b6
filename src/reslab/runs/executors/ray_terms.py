"""On what terms jobs are carried out on a Ray cluster, and for how many it has room."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reslab.errors import RunError
from reslab.runs.executors.ray_cluster import count_room

# A cluster may first have to start a machine.
START_SECONDS = 600.0
ROOM_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On what terms jobs are carried out; see `RayExecutor`."""

    cpus: float
    gpus: float
    workers: int | None
    retries: int
    shared: bool | None
    on_message: Callable[[str], None]


class Rooms:
    """How many places a cluster has room for.

    Args:
        ray: connected.
        terms: what each takes.
    """

    def __init__(self, ray: Any, terms: Terms) -> None:
        self.ray = ray
        self.terms = terms
        self.starting = 0
        self.failed = 0
        self.room = 1
        self.looked_at = float("-inf")
        self.idle_since = time.monotonic()

    def limit(self) -> int:
        """Places at a time."""
        if self.terms.workers is not None:
            return self.terms.workers
        if time.monotonic() - self.looked_at > ROOM_SECONDS:
            room = count_room(self.ray, self.terms.cpus, self.terms.gpus)
            if room == 0 and self.room > 0:
                self.terms.on_message("no node of the cluster has room for a run yet; waiting")
            self.room, self.looked_at = room, time.monotonic()
        return max(1, self.room)

    def check(self, places: int) -> None:
        """Give up where no place has been ready for long.

        Raises:
            RunError: if so.
        """
        if self.starting < places or not places:
            self.idle_since = time.monotonic()
        elif time.monotonic() - self.idle_since > START_SECONDS:
            raise RunError(
                f"no node of the cluster has had room for a run of {self.terms.cpus:g} CPUs and "
                f"{self.terms.gpus:g} GPUs for {START_SECONDS:.0f} s: ask for less, or start nodes"
            )
