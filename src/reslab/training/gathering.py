"""How launched processes find those that were started with them, and not those of before a restart.

PyTorch's elastic launcher keeps one store of keys over its restarts, in which processes that are
gone have left their addresses. Who reads one of those waits for the dead. So the first rank names
each start anew, and tells the name to those who ask it now; under that name all are new.
"""

import time
import uuid
from datetime import timedelta

from torch.distributed.distributed_c10d import Store

from reslab.training.ranks import RankLostError

ROOT = "reslab"
PAUSE_SECONDS = 0.02


def gather(store: Store, rank: int, size: int, limit: timedelta) -> str:
    """Wait until all ranks of this start are there; returns the name that they agree on.

    Args:
        store: shared by all, and by those of earlier starts.
        rank: this process's.
        size: ranks in all.
        limit: for the wait.

    Raises:
        RankLostError: if a rank does not come.
        DistStoreError: if the first rank does not come.
    """
    own = uuid.uuid4().hex
    if rank == 0:
        _answer(store, own, set(range(1, size)), time.monotonic() + limit.total_seconds())
        return own
    store.set(f"{ROOT}/asks/{rank}", own)
    # No process of an earlier start can have answered this question.
    store.wait([f"{ROOT}/answers/{own}"], limit)
    name: str = store.get(f"{ROOT}/answers/{own}").decode()
    store.set(f"{ROOT}/{name}/{rank}", "here")
    return name


def _answer(store: Store, name: str, missing: set[int], deadline: float) -> None:
    """Tell all who ask the name, until every rank of this start has heard it."""
    while missing:
        if time.monotonic() > deadline:
            ranks = ", ".join(map(str, sorted(missing)))
            raise RankLostError(
                f"the run cannot start: of its processes those numbered {ranks} did not come. See "
                "whether they have been started, and can reach this machine"
            )
        for rank in sorted(missing):
            question = f"{ROOT}/asks/{rank}"
            if store.check([question]):
                # Perhaps that of a process that is gone, which does no harm; the next one may not.
                store.set(f"{ROOT}/answers/{store.get(question).decode()}", name)
        missing -= {rank for rank in missing if store.check([f"{ROOT}/{name}/{rank}"])}
        if missing:
            time.sleep(PAUSE_SECONDS)
