"""The jobs of one call on a Ray cluster: which place carries out which, and what becomes of it."""

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from reslab.errors import ReslabError, RunError
from reslab.runs.directory import RunDirectory
from reslab.runs.executor import TICK_SECONDS, Failed, Job, Locate, Stopped, in_order
from reslab.runs.executors.place import FREE_SECONDS, Order, Place, Report
from reslab.runs.executors.ray_terms import Rooms, Terms
from reslab.runs.executors.shipping import Parcel, Receiver, Sender, count_bytes
from reslab.runs.executors.sight import Sight, look_at, show
from reslab.runs.executors.tending import Answer, Life, Pause, Silent, Tender
from reslab.runs.signals import hear_signals

POLL_SECONDS = 1.0
STOP_SECONDS = FREE_SECONDS
CLOSE_SECONDS = 5.0
FAILED_STARTS = 3
MAX_BROUGHT_BYTES = 2 * 2**30
CONCURRENT_CALLS = 4


class Campaign:
    """One call's jobs.

    Args:
        ray: connected.
        function: as `Executor.execute` takes it.
        jobs: what to do.
        terms: on what terms.
        modules: sources to give to every place.
    """

    def __init__(
        self,
        ray: Any,
        function: Callable[[Any, Locate], Any],
        jobs: Sequence[Job[Any]],
        terms: Terms,
        modules: Mapping[str, bytes],
    ) -> None:
        self.ray = ray
        self.function = function
        self.jobs = jobs
        self.terms = terms
        self.modules = modules
        self.waiting = deque(range(len(jobs)))
        self.working: set[int] = set()
        self.outcomes: dict[int, Any] = {}
        self.losses: Counter[int] = Counter()
        self.error: Exception | None = None
        self.keep_going = False
        self.stop_at: float | None = None
        self.tender = Tender(ray)
        self.actors: list[Any] = []
        self.rooms = Rooms(ray, terms)
        self.sights: Mapping[Path, Sight] = {}
        self.brought: dict[Path, Any] = {}
        options = {"num_cpus": terms.cpus, "num_gpus": terms.gpus, "max_restarts": 0}
        self.place = ray.remote(Place).options(max_concurrency=CONCURRENT_CALLS, **options)

    def carry_out(self, on_tick: Callable[[], None], *, keep_going: bool) -> list[Any]:
        """See `Executor.execute`."""
        self.keep_going = keep_going
        with self._show_folders() as self.sights, hear_signals() as signals:
            try:
                self._go_through(signals, on_tick)
            finally:
                self._close()
        if self.error is not None:
            raise self.error
        if signals:
            raise Stopped
        return in_order(self.outcomes)

    def _go_through(self, signals: list[int], on_tick: Callable[[], None]) -> None:
        ticked_at = float("-inf")
        while self._goes_on():
            if signals:
                self._stop()
            self._engage()
            self.tender.take_turns(TICK_SECONDS / 5)
            if time.monotonic() - ticked_at >= TICK_SECONDS:
                on_tick()
                ticked_at = time.monotonic()

    def _goes_on(self) -> bool:
        if self.stop_at is None:
            return len(self.outcomes) < len(self.jobs)
        return bool(self.working) and time.monotonic() < self.stop_at

    def _show_folders(self) -> AbstractContextManager[Mapping[Path, Sight]]:
        if self.terms.shared is not None:
            return nullcontext({})
        return show(sorted({path.parent for job in self.jobs for path in _written(job)}))

    def _engage(self) -> None:
        """Have as many places as there is room and work for."""
        if self.stop_at is not None:
            return
        while self.rooms.starting < len(self.waiting) and len(self.tender) < self.rooms.limit():
            self.rooms.starting += 1
            self.tender.add(self._live())
        self.rooms.check(len(self.tender))

    def _stop(self) -> None:
        """Have what is running save its state; begin nothing."""
        if self.stop_at is None:
            self.stop_at = time.monotonic() + STOP_SECONDS
            self.waiting.clear()

    def _close(self) -> None:
        with suppress(self.ray.exceptions.RayError, ConnectionError):
            farewells = [actor.close.remote() for actor in self.actors]
            if farewells:
                self.ray.wait(farewells, num_returns=len(farewells), timeout=CLOSE_SECONDS)
        self.tender.close()

    # The life of a place.

    def _live(self) -> Life:
        actor = self.place.remote()
        self.actors.append(actor)
        try:
            host = yield from self._start(actor)
            while host is not None and self.waiting:
                alive = yield from self._carry_out(actor, host, self.waiting.popleft())
                if not alive:
                    return
            with suppress(self.ray.exceptions.RayError, Silent):
                yield Answer(actor.close.remote(), CLOSE_SECONDS)
        finally:
            self.actors.remove(actor)
            with suppress(self.ray.exceptions.RayError, ConnectionError):
                self.ray.kill(actor)

    def _start(self, actor: Any) -> Generator[Answer, str, str | None]:
        """The name of the machine, None if the place was lost before it was ready."""
        errors = self.ray.exceptions
        try:
            preparing = actor.prepare.remote(version("reslab"), self.modules)
            host = yield Answer(preparing, float("inf"))
        except errors.RayTaskError as error:
            raise _cause_of(error) from error
        except errors.RayError as error:
            self.rooms.failed += 1
            if self.rooms.failed >= FAILED_STARTS:
                raise RunError(
                    f"reslab cannot be started on the cluster: {_first_line(error)} Install it in "
                    "the same version on every node, with the same Python and Ray"
                ) from error
            return None
        finally:
            self.rooms.starting -= 1
        self.rooms.failed = 0
        return host

    def _carry_out(self, actor: Any, host: str, index: int) -> Generator[Answer | Pause, Any, bool]:
        """One job; returns whether the place can take another."""
        self.working.add(index)
        try:
            with ExitStack() as held:
                report = yield from self._watch(actor, index, held)
        except self.ray.exceptions.RayTaskError as error:
            self._fail(index, _cause_of(error))
            return False
        except self.ray.exceptions.RayActorError:
            self._lose(index, host, "its node or its process there has gone.")
            return False
        except (self.ray.exceptions.RayError, Silent) as error:
            self._lose(index, host, _first_line(error))
            return False
        except ReslabError as error:
            self._fail(index, error)
            return False
        finally:
            self.working.remove(index)
        if report.state == "lost":
            self._lose(index, host, "its process was killed, most often for want of memory.")
        elif report.state == "failed":
            self._fail(index, report.result)
        else:
            self.outcomes[index] = report.result
        return True

    def _watch(
        self, actor: Any, index: int, held: ExitStack
    ) -> Generator[Answer | Pause, Any, Report]:
        """Begin a job and fetch what it writes, until it has ended."""
        job, written = self.jobs[index], _written(self.jobs[index])
        unseen = yield from self._look(actor, job.reads)
        sees = self.terms.shared
        if sees is None:
            seen = yield Answer(actor.look.remote([self.sights[p.parent] for p in written]))
            sees = all(seen)
        if not sees:
            for folder in job.folders:
                held.enter_context(RunDirectory(folder).lock())
        order = Order(
            function=self.function,
            job=job,
            sees_writes=sees,
            brought=Parcel() if sees else Sender(written).pack(),
            attempt=self.losses[index],
        )
        yield Answer(actor.begin.remote(order, unseen, *map(self._bring, unseen)))
        receiver = Receiver(written)
        while True:
            if self.stop_at is not None:
                actor.stop.remote()
            report: Report = yield Answer(actor.collect.remote())
            receiver.unpack(report.parcel)
            if report.state != "going on":
                return report
            yield Pause(POLL_SECONDS)

    def _look(
        self, actor: Any, paths: Sequence[Path]
    ) -> Generator[Answer, list[bool], tuple[Path, ...]]:
        """The paths that a place does not see."""
        if not paths:
            return ()
        seen = yield Answer(actor.look.remote([look_at(path) for path in paths]))
        return tuple(path for path, is_seen in zip(paths, seen, strict=True) if not is_seen)

    def _bring(self, path: Path) -> Any:
        """A reference to what a file or folder holds, made once.

        Raises:
            RunError: if it is too large to be sent about.
        """
        if path not in self.brought:
            if count_bytes([path]) > MAX_BROUGHT_BYTES:
                raise RunError(
                    f"{path} is too large to send to a node that does not see it: put it on every "
                    "node under the same path"
                )
            self.brought[path] = self.ray.put(Sender([path]).pack())
        return self.brought[path]

    # What becomes of a job.

    def _fail(self, index: int, error: Exception) -> None:
        if self.stop_at is not None:
            return
        self.outcomes[index] = Failed(error)
        if not self.keep_going:
            self.error = error
            self._stop()

    def _lose(self, index: int, host: str, reason: str) -> None:
        if self.stop_at is not None:
            return
        self.losses[index] += 1
        name, losses = self.jobs[index].name, self.losses[index]
        lost = f"{name} was lost on {host}: {reason}"
        if losses > self.terms.retries:
            self._fail(index, RunError(f"{lost} It was lost {losses} times, and is given up."))
            return
        self.terms.on_message(f"{lost} It goes on elsewhere ({losses} of {self.terms.retries}).")
        self.waiting.appendleft(index)


def _written(job: Job[Any]) -> tuple[Path, ...]:
    return (*job.folders, *job.files)


def _cause_of(error: Any) -> Exception:
    """What was raised on the node."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, ReslabError) else RunError(_first_line(cause or error))


def _first_line(error: BaseException) -> str:
    line = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return f"{line.rstrip('.')}."
