"""One run from its configuration to its result: steps, evaluations, checkpoints, stop."""

import math
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from reslab.data.dataset import Dataset
from reslab.evaluation.accuracy import Accuracy
from reslab.files.documents import write_json, write_sealed_json
from reslab.networks.complexity import describe_network
from reslab.networks.weights import save
from reslab.runs.directory import RunDirectory
from reslab.runs.environment import describe_environment
from reslab.runs.metrics import Record, require_until
from reslab.training.capturing import settle_capture
from reslab.training.checkpoint import restore_shared, save_checkpoint
from reslab.training.compiling import CompileChoice, settle_compilation
from reslab.training.group import join_launched
from reslab.training.launch import find_launch
from reslab.training.memory import share_dataset
from reslab.training.opening import RunData, load_data, open_session
from reslab.training.rank_processes import lead_ranks
from reslab.training.ranks import Ranks, watched
from reslab.training.result import RunResult
from reslab.training.run_config import RunConfig
from reslab.training.schedule import follow_evaluation, follow_log, learning_rate_at
from reslab.training.session import TrainingSession
from reslab.training.start import find_device, open_run, own_state
from reslab.training.stop import StopSignal, stop_on_signals
from reslab.training.stop_vote import StopVote

State = Literal["finished", "diverged", "stopped"]


def _ignore(*_: object) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Observer:
    """Who is told how a run goes on."""

    on_step: Callable[[int, int], None] = _ignore
    """Called after each step with the steps done and the steps in all."""
    on_record: Callable[[Record], None] = _ignore
    """Called with each measurement as it is written."""
    on_message: Callable[[str], None] = _ignore
    """Called with each sentence a person should read."""


def train(
    config: RunConfig,
    folder: Path,
    *,
    resume: bool = False,
    observer: Observer | None = None,
    dataset: RunData | None = None,
) -> RunResult:
    """Carry out one run, or the rest of it, in `folder`.

    SIGINT and SIGTERM save the state and end it as `stopped`; the same call with `resume` then goes
    on, and on a CPU ends with the bits of a run never interrupted.

    Args:
        config: the run.
        folder: where it is kept; made if need be.
        resume: go on with the run that is there; start it if there is none. One that has ended is
            not repeated: its result is returned.
        observer: who is told how it goes.
        dataset: the data set of `config`, where it is loaded already.

    Raises:
        RunError: if the folder holds a run and `resume` is not set, another process writes it, or a
            process that shares the run is lost.
        ConfigError: if the folder holds a run of another configuration.
        DataError: if the data set is missing or wrong.
    """
    run, observer = RunDirectory(folder), observer or Observer()
    launch = find_launch()
    if launch is not None and launch.restarts:
        observer.on_message(
            "a process of the run was lost: all start anew from the last checkpoint "
            f"(restart {launch.restarts} of {launch.max_restarts})"
        )
    if launch is not None and launch.size > 1:
        with join_launched(launch, config.execution.device) as ranks:
            return _train_launched(ranks, config, run, resume, observer, dataset)
    with run.lock(), stop_on_signals(interrupts=launch is None) as stop:
        config, ended = open_run(run, config, resume=resume)
        if ended is not None:
            return ended
        find_device(config.execution.device, config.execution.ranks)
        dataset = dataset or load_data(config)
        if config.execution.ranks > 1 and isinstance(dataset, Dataset):
            share_dataset(dataset)
        arguments = (config, folder, dataset)
        with lead_ranks(config.execution.ranks, _follow, *arguments) as ranks:
            return _train_on(ranks, config, run, dataset, observer, stop)


def _train_launched(
    ranks: Ranks,
    config: RunConfig,
    run: RunDirectory,
    resume: bool,
    observer: Observer,
    dataset: RunData | None,
) -> RunResult:
    """Train as one of the processes that a launcher started."""
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals(interrupts=False))

        def open_() -> tuple[RunConfig, RunResult | None]:
            given = replace(config, execution=replace(config.execution, ranks=ranks.size))
            stack.enter_context(run.lock())
            return open_run(run, given, resume=resume)

        opened, ended = ranks.tell(open_)
        if ended is not None:
            return ended
        data = ranks.together(lambda: dataset or load_data(opened))
        return _train_on(ranks, opened, run, data, observer, stop)


def _follow(ranks: Ranks, config: RunConfig, folder: Path, dataset: RunData) -> RunResult:
    """Take the same steps as the first rank, and write nothing."""
    return _train_on(ranks, config, RunDirectory(folder), dataset, Observer(), StopSignal())


def _train_on(
    ranks: Ranks,
    config: RunConfig,
    run: RunDirectory,
    dataset: RunData,
    observer: Observer,
    stop: StopSignal,
) -> RunResult:
    """Take this rank's share of all steps; the result is the same on every rank."""
    ranks = ranks.join_sharers(config.recipe.batch_parts)
    with (
        own_state(config),
        ranks.together(lambda: open_session(config, dataset, ranks)) as session,
    ):
        loop = Loop(session, run, observer if ranks.leads else Observer(), stop)
        state = loop.carry_out()
        return ranks.tell(lambda: loop.conclude(state))


class Loop:
    """Steps, measurements and checkpoints of one run.

    The decisions are the same on every rank; only the first one writes.

    Args:
        session: the run, at its beginning.
        run: where it is kept, and from where it goes on if it has been begun.
        observer: who is told how it goes.
        stop: heard between two steps.
    """

    def __init__(
        self, session: TrainingSession, run: RunDirectory, observer: Observer, stop: StopSignal
    ) -> None:
        self.session = session
        self.config = session.config
        self.recipe = session.config.recipe
        self.run = run
        self.observer = observer
        self.stop = stop
        self.leads = session.ranks.leads
        self.vote = StopVote(session.ranks)
        self.diverged = False
        self.waited = 0.0

    def carry_out(self) -> State:
        """Take all steps; returns how it ended."""
        steps = self.take_steps()
        while True:
            try:
                next(steps)
            except StopIteration as end:
                state: State = end.value
                return state

    def take_steps(self) -> Generator[None, None, State]:
        """The same, with a pause after each step."""
        self._begin()
        while self.session.step < self.recipe.steps and not self.diverged:
            if self.vote.ask(self.stop.requested):
                self._save_checkpoint()
                return "stopped"
            with watched():
                self.session.advance()
            self.observer.on_step(self.session.step, self.recipe.steps)
            self._measure()
            yield
        self.vote.hear()
        return "diverged" if self.diverged else "finished"

    def conclude(self, state: State) -> RunResult:
        """Write weights and result, unless the run was stopped."""
        result = self._result(state)
        if state != "stopped":
            with self.session.averaged():
                save(self.session.classifier, self.run.weights_path)
            write_sealed_json(self.run.result_path, asdict(result))
        return result

    def _begin(self) -> None:
        if self.leads:
            config = {"digest": self.config.digest, "config": self.config.to_document()}
            self.run.begin(config, describe_environment(self.session.device))
        seconds_before, warnings = restore_shared(self.session, self.run.checkpoints_path)
        for warning in warnings:
            self.observer.on_message(warning)
        self.diverged = self.session.ranks.tell(self._take_up_metrics)
        self.started_at = time.monotonic() - seconds_before
        together = self.session.ranks.together
        together(lambda: settle_compilation(self.session, self._tell_choice))
        together(lambda: settle_capture(self.session, self.observer.on_message))
        self.session.share_gradients()
        self.logged_at = time.monotonic()

    def _take_up_metrics(self) -> bool:
        """Go on with the log of a run that was interrupted; returns whether it had diverged."""
        step = self.session.step
        records = [record for record in self.run.read_metrics() if record["step"] <= step]
        require_until(records, step - step % self.recipe.log_every_steps, self.run.metrics_path)
        self.run.metrics.forget_after(step)
        return any(r["step"] == step and r.get("loss", 0.0) is None for r in records)

    def _tell_choice(self, choice: CompileChoice) -> None:
        self.observer.on_message(choice.to_text())
        if self.leads:
            environment = describe_environment(self.session.device)
            write_json(self.run.environment_path, {**environment, "compile": asdict(choice)})

    def _measure(self) -> None:
        if self._is_due(self.recipe.log_every_steps):
            self._log_window()
        measured: dict[str, float | None] = {}
        if self._is_due(self.recipe.train_error_every_steps):
            measured |= _name_accuracy("train", self.session.evaluate("train"))
        if self._is_due(self.recipe.test_every_steps):
            measured |= _name_accuracy("validation", self.session.evaluate("validation"))
            measured |= _name_accuracy("test", self.session.evaluate("test"))
            self.session.progress = follow_evaluation(
                self.recipe, self.session.progress, measured.get("validation_error_pct")
            )
        if measured:
            self._write("evaluation", measured)
        if self._is_due(self.recipe.checkpoint_every_steps):
            self._save_checkpoint()

    def _is_due(self, every_steps: int) -> bool:
        step = self.session.step
        return step % every_steps == 0 or step == self.recipe.steps or self.diverged

    def _log_window(self) -> None:
        window, batch_size = self.session.window, self.recipe.batch_size
        loss = float(window.loss) / window.steps
        error_pct = 100 * int(window.wrong) / (window.steps * batch_size)
        now = time.monotonic()
        record = {
            "loss": _finite(loss),
            "running_train_error_pct": error_pct,
            "learning_rate": learning_rate_at(
                self.recipe, self.session.step - 1, self.session.progress
            ),
            "images_per_second": window.steps * batch_size / (now - self.logged_at),
            **self._measure_waiting(now - self.logged_at),
        }
        self._write("train", record)
        for problem in self.session.images.take_news():
            self.observer.on_message(f"passed over: {problem}")
        self.logged_at = now
        self.diverged = not math.isfinite(loss)
        self.session.progress = follow_log(self.recipe, self.session.progress, error_pct)
        self.session.window.reset()

    def _measure_waiting(self, seconds: float) -> dict[str, float]:
        """The share of the last seconds in which the step had to wait for its images."""
        if self.session.images.fixed_memory:
            return {}
        before, self.waited = self.waited, self.session.images.waited_seconds
        return {"waited_for_images_pct": 100 * (self.waited - before) / seconds}

    def _list_unreadable(self) -> int:
        problems = self.session.images.list_problems()
        if problems:
            write_json(self.run.unreadable_path, problems)
            self.observer.on_message(
                f"{len(problems):,} images could not be read and were passed over: they are listed "
                f"in {self.run.unreadable_path}"
            )
        return len(problems)

    def _write(self, kind: str, values: dict[str, Any]) -> None:
        record = {
            "kind": kind,
            "step": self.session.step,
            "elapsed_seconds": time.monotonic() - self.started_at,
            **values,
        }
        if not self.leads:
            return
        self.run.metrics.append(record)
        self.observer.on_record(record)

    def _save_checkpoint(self) -> None:
        if not self.leads:
            return
        self.run.metrics.sync()
        elapsed_seconds = time.monotonic() - self.started_at
        save_checkpoint(self.session, self.run.checkpoints_path, elapsed_seconds)

    def _result(self, state: State) -> RunResult:
        last: Record = {}
        for record in self.run.read_metrics():
            last |= record
        elapsed_seconds = time.monotonic() - self.started_at
        waited = self.session.images.waited_seconds
        return RunResult(
            state=state,
            network=self.config.network.name,
            family=self.config.network.family,
            depth=describe_network(self.config.network).weighted_layers,
            data=self.config.data.name,
            seed=self.config.seed,
            digest=self.config.digest,
            steps_done=self.session.step,
            train_error_pct=last.get("train_error_pct"),
            train_loss=last.get("train_loss"),
            running_train_error_pct=last.get("running_train_error_pct"),
            validation_error_pct=last.get("validation_error_pct"),
            test_error_pct=last.get("test_error_pct"),
            test_loss=last.get("test_loss"),
            elapsed_seconds=elapsed_seconds,
            images_per_second=self.session.step * self.recipe.batch_size / elapsed_seconds,
            waited_for_images_pct=100 * waited / elapsed_seconds,
            unreadable_images=self._list_unreadable(),
        )


def _name_accuracy(part: str, accuracy: Accuracy | None) -> dict[str, float | None]:
    if accuracy is None:
        return {}
    return {f"{part}_error_pct": accuracy.error_pct, f"{part}_loss": _finite(accuracy.loss)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
