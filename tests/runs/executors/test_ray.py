"""A real Ray cluster of two nodes on this machine."""

import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from reslab.errors import ConfigError, RunError
from reslab.runs.executor import Failed, Job, Locate, Stopped
from reslab.runs.executors.here import ThisProcess
from reslab.runs.executors.ray_cluster import import_ray, own_token
from reslab.runs.executors.ray_executor import RayExecutor
from reslab.studies.carry_out import RunStore, StudyProgress, carry_out
from reslab.studies.conduct import conduct
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import STUDIES, load_study_file
from reslab.training.run_config import ExecutionConfig

if find_spec("ray") is None:
    pytest.skip("Ray is not installed: pip install 'reslab[ray]'", allow_module_level=True)
if not Path("/proc").is_dir():
    pytest.skip("a node is killed by way of /proc", allow_module_level=True)

EXECUTION = ExecutionConfig(device="cpu", threads=1)
MEASURED = ("kind", "step", "loss", "running_train_error_pct", "test_loss", "train_loss")


class TwoNodes:
    """A cluster with a node that stays, and one that can be killed."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster  # noqa: PLC0415

        one_core = {"num_cpus": 1, "include_dashboard": False}
        self.cluster: Any = Cluster(initialize_head=True, head_node_args=one_core)
        self.second: Any = None

    def open(self, **terms: Any) -> RayExecutor:
        """An executor on both nodes."""
        if self.second is None:
            self.second = self.cluster.add_node(num_cpus=1)
        return RayExecutor(self.cluster.address, **terms)

    def kill_second(self, *, with_runs: bool) -> None:
        """Kill the second node; the processes that train there too, or leave them orphans."""
        raylet = self.second.all_processes["raylet"][0].process.pid
        workers = list_children(raylet)
        runs = [run for worker in workers for run in list_children(worker)]
        for pid in (raylet, *workers, *(runs if with_runs else ())):
            os.kill(pid, signal.SIGKILL)
        self.second = None


def list_children(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(pid) for tasks in children for pid in tasks.read_text().split()]


@pytest.fixture(scope="module")
def nodes() -> Iterator[TwoNodes]:
    with own_token():
        import_ray()
        nodes = TwoNodes()
        yield nodes
        nodes.cluster.shutdown()


def plan(steps: int, count: int) -> list[PlannedRun]:
    setting = StudySetting(data="digits", steps=steps, seeds=count, width=4)
    runs = setting.plan_seeds("resnet8")
    return [replace(run, config=replace(run.config, execution=EXECUTION)) for run in runs]


def assert_same_runs(runs: list[PlannedRun], one: RunStore, other: RunStore) -> None:
    for run in runs:
        first, second = one.locate(run.config), other.locate(run.config)
        assert first.weights_path.read_bytes() == second.weights_path.read_bytes()
        records = [
            [{key: record.get(key) for key in MEASURED} for record in directory.read_metrics()]
            for directory in (first, second)
        ]
        assert records[0] == records[1]


@pytest.mark.parametrize("shared", [None, False], ids=["shared folder", "nothing shared"])
def test_nothing_is_lost_or_done_twice_when_a_node_dies(
    nodes: TwoNodes, shared: bool | None, tmp_path: Path
) -> None:
    runs, store = plan(steps=240, count=3), RunStore(tmp_path / "runs")
    messages: list[str] = []
    results: dict[str, set[tuple[int, int]]] = defaultdict(set)

    def watch(_: StudyProgress) -> None:
        begun = list(store.folder.glob("*/checkpoints/*"))
        folders = {path.parent.parent for path in begun}
        going_on = [folder for folder in folders if not (folder / "result.json").exists()]
        if len(going_on) == 2 and nodes.second is not None:
            nodes.kill_second(with_runs=shared is False)
        for path in store.folder.glob("*/result.json"):
            results[path.parent.name].add((path.stat().st_ino, path.stat().st_mtime_ns))

    executor = nodes.open(shared=shared, on_message=messages.append)
    try:
        done = carry_out(runs, store, executor, on_progress=watch)
    finally:
        executor.close()
    assert [result.state for result in done] == ["finished"] * 3
    assert nodes.second is None
    assert [("was lost" in m, "(1 of 3)" in m) for m in messages] == [(True, True)]
    # Each result was written once, and is what it would have been without the loss.
    assert [len(writings) for writings in results.values()] == [1, 1, 1]
    carry_out(runs, RunStore(tmp_path / "alone"), ThisProcess())
    assert_same_runs(runs, store, RunStore(tmp_path / "alone"))
    assert not list(store.folder.glob(".*"))


STUDY = """
from reslab.studies.findings import Findings
from reslab.studies.measuring import Measurement
from reslab.studies.study import Study, register_study


def count_weights(subject):
    path = subject.weights_path
    weights = subject.classifier.network.parameters()
    return {"count": sum(w.numel() for w in weights), "path": str(path)}


@register_study
class Counted(Study):
    name = "counted"
    question = "How many weights?"
    where = "nowhere"
    refuted_by = "another count"

    def plan_runs(self, setting):
        return setting.plan_seeds("resnet8")

    def plan_measurements(self, setting):
        runs = self.plan_runs(setting)
        return [Measurement(label=r.label, function=count_weights, run=r.config) for r in runs]

    def conclude(self, setting, evidence):
        return Findings(answer="", claims=(), tables=(), charts=())
"""


def test_a_study_of_ones_own_is_sent_with_what_it_measures(nodes: TwoNodes, tmp_path: Path) -> None:
    file = tmp_path / "counted_on_ray.py"
    file.write_text(STUDY)
    setting = StudySetting(data="digits", steps=3, seeds=1, width=4)
    executor = nodes.open(shared=False)
    # Where the planner's files are not: what a place is not sent, it has not.
    try:
        study = load_study_file(file)
        outcome = conduct(study, setting, tmp_path / "out", execution=EXECUTION, executor=executor)
    finally:
        executor.close()
        STUDIES.pop("counted", None)
    (measured,) = outcome.evidence.measured
    assert measured.values["count"] > 0
    assert measured.values["path"] == str(outcome.evidence.runs[0].folder / "weights.safetensors")


def fail_on_odd(x: int, _locate: Locate) -> int:
    if x % 2:
        raise ConfigError(f"{x} is odd")
    return x


def kill_this_process(_: int, _locate: Locate) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def to_jobs(count: int) -> list[Job[int]]:
    return [Job(item=i, name=f"job {i}") for i in range(count)]


def test_a_job_that_fails_is_told_and_one_always_lost_is_given_up(nodes: TwoNodes) -> None:
    messages: list[str] = []
    executor = nodes.open(retries=1, on_message=messages.append)
    try:
        outcomes = executor.execute(fail_on_odd, to_jobs(4), keep_going=True)
        assert [str(o.error) if isinstance(o, Failed) else o for o in outcomes] == [
            0,
            "1 is odd",
            2,
            "3 is odd",
        ]
        with pytest.raises(ConfigError, match="is odd"):
            executor.execute(fail_on_odd, to_jobs(2))
        with pytest.raises(RunError, match=r"job 0 was lost .* 2 times, and is given up"):
            executor.execute(kill_this_process, to_jobs(1))
        assert len(messages) == 1
    finally:
        executor.close()


def test_a_signal_lets_the_runs_save_and_they_go_on_later(nodes: TwoNodes, tmp_path: Path) -> None:
    runs, store = plan(steps=240, count=1), RunStore(tmp_path / "runs")

    def stop(progress: StudyProgress) -> None:
        if progress.steps_done and not progress.runs_done:
            os.kill(os.getpid(), signal.SIGTERM)

    executor = nodes.open(shared=False)
    try:
        with pytest.raises(Stopped):
            carry_out(runs, store, executor, on_progress=stop)
        run = store.locate(runs[0].config)
        assert list(run.checkpoints_path.iterdir())
        assert run.read_result() is None
        assert not run.is_being_written()
        with run.lock(), pytest.raises(RunError, match="another process is writing"):
            carry_out(runs, store, executor)
        carry_out(runs, store, executor)
    finally:
        executor.close()
    carry_out(runs, RunStore(tmp_path / "alone"), ThisProcess())
    assert_same_runs(runs, store, RunStore(tmp_path / "alone"))


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("ray://127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1"),
        ("127.0.0.1:1", "no Ray cluster answers"),
        ("ray://127.0.0.1:99999", "no Ray cluster answers"),
        ("ray://nowhere", "is no address"),
    ],
)
def test_where_no_cluster_is_one_is_told_at_once(address: str, problem: str) -> None:
    started_at = time.monotonic()
    with pytest.raises(RunError, match=problem):
        RayExecutor(address).execute(fail_on_odd, to_jobs(1))
    assert time.monotonic() - started_at < 15


def test_no_place_is_needed_for_nothing() -> None:
    assert RayExecutor("127.0.0.1:1").execute(fail_on_odd, []) == []
