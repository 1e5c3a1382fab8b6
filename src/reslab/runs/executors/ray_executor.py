"""Jobs on the nodes of a Ray cluster: begun again where a node is lost, never written twice."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from reslab.errors import RunError
from reslab.runs.executor import Executor, Failed, Item, Job, Locate, Result
from reslab.runs.executors.own_modules import read_modules
from reslab.runs.executors.ray_campaign import Campaign
from reslab.runs.executors.ray_cluster import connect, count_room
from reslab.runs.executors.ray_terms import Terms


class RayExecutor(Executor):
    """Carries out jobs on a Ray cluster, each in a process of its own on some node.

    Where a node sees this machine's folders under the same path, jobs write there themselves. Else
    this process alone writes them, with what it fetches every second: measurements and checkpoints
    too, so that a job whose node is lost goes on from its last checkpoint on another.

    Args:
        address: as `connect` takes it.
        cpus: that a job takes.
        gpus: that a job takes, of which a part is shared with other jobs; None is one where a node
            of the cluster has any.
        workers: jobs at a time; by default as many as the cluster has room for.
        retries: how often a job whose node or process was lost is begun again.
        shared: whether nodes see this machine's folders; None finds out.
        on_message: called with each sentence a person should read.
    """

    shares_memory = False

    def __init__(
        self,
        address: str | None = None,
        *,
        cpus: float = 1,
        gpus: float | None = 0,
        workers: int | None = None,
        retries: int = 3,
        shared: bool | None = None,
        on_message: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.address = address
        self.terms = Terms(
            cpus=cpus,
            gpus=gpus or 0,
            workers=workers,
            retries=retries,
            shared=shared,
            on_message=on_message,
        )

        self.gpus_are_settled = gpus is not None
        self.opened = ExitStack()
        self.ray: Any = None

    def connect(self) -> Any:
        """Ray, connected until `close`.

        Raises:
            RunError: if there is no cluster.
        """
        if self.ray is None:
            self.ray = self.opened.enter_context(connect(self.address))
        return self.ray

    def close(self) -> None:
        """Leave the cluster; one of this machine alone ends."""
        self.ray = None
        self.opened.close()

    def settle_gpus(self) -> float:
        """How many GPUs a job takes.

        Raises:
            RunError: if the cluster is to be asked, and there is none.
        """
        if not self.gpus_are_settled:
            has_any = count_room(self.connect(), 0, 1) > 0
            self.terms = replace(self.terms, gpus=1.0 if has_any else 0.0)
            self.gpus_are_settled = True
        return self.terms.gpus

    def execute(
        self,
        function: Callable[[Item, Locate], Result],
        jobs: Sequence[Job[Item]],
        *,
        on_tick: Callable[[], None] = lambda: None,
        keep_going: bool = False,
    ) -> list[Result | Failed]:
        """See `Executor`.

        Raises:
            RunError: besides, if there is no cluster, it has no room for a job in a given time, or
                a job was lost too often.
        """
        if not jobs:
            return []
        modules = read_modules({job.module for job in jobs if job.module is not None})
        self.settle_gpus()
        campaign = Campaign(self.connect(), function, jobs, self.terms, modules)
        try:
            return campaign.carry_out(on_tick, keep_going=keep_going)
        except ConnectionError as error:
            raise RunError(
                f"the connection to the Ray cluster was lost ({error}): what had finished is kept, "
                "and the same command goes on once the cluster is there again"
            ) from error
