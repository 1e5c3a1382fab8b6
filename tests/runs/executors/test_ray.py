"""A real Ray cluster of two nodes on this machine."""

import os
import re
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from reslab.errors import ConfigError, RunError
from reslab.runs.directory import RunDirectory
from reslab.runs.executor import Failed, Job, Stopped
from reslab.runs.executors import ray_campaign
from reslab.runs.executors.here import ThisProcess
from reslab.runs.executors.ray_cluster import import_ray, own_token
from reslab.runs.executors.ray_executor import RayExecutor
from reslab.studies.carry_out import RunStore, StudyProgress, carry_out
from reslab.studies.conduct import conduct
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import STUDIES, load_study_file
from reslab.training.run_config import ExecutionConfig
from tests.runs.executors.behaviour import behave

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


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    """The runs as one process carries them out that nothing befalls."""
    store = RunStore(tmp_path_factory.mktemp("alone"))
    carry_out(plan(2), store, ThisProcess())
    return store


def plan(count: int) -> list[PlannedRun]:
    setting = StudySetting(data="digits", steps=240, seeds=count, width=4)
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
    nodes: TwoNodes,
    alone: RunStore,
    shared: bool | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_campaign, "POLL_SECONDS", 0.1)
    runs, store = plan(2), RunStore(tmp_path / "runs")
    messages: list[str] = []
    results: dict[str, set[tuple[int, int]]] = defaultdict(set)

    def note_results(_: StudyProgress) -> None:
        for path in store.folder.glob("*/result.json"):
            results[path.parent.name].add((path.stat().st_ino, path.stat().st_mtime_ns))

    def kill_when_both_train() -> None:
        while len({path.parent for path in store.folder.glob("*/checkpoints/*")}) < 2:
            time.sleep(0.02)
        nodes.kill_second(with_runs=shared is False)

    executor = nodes.open(shared=shared, on_message=messages.append)
    threading.Thread(target=kill_when_both_train, daemon=True).start()
    try:
        done = carry_out(runs, store, executor, on_progress=note_results)
    finally:
        executor.close()
    assert [result.state for result in done] == ["finished", "finished"]
    assert nodes.second is None
    assert [("was lost" in m, "(1 of 3)" in m) for m in messages] == [(True, True)]
    # Each result was written once, and is what it would have been without the loss.
    assert [len(writings) for writings in results.values()] == [1, 1]
    assert_same_runs(runs, store, alone)
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
    try:
        study = load_study_file(file)
        outcome = conduct(study, setting, tmp_path / "out", execution=EXECUTION, executor=executor)
    finally:
        executor.close()
        STUDIES.pop("counted", None)
    (measured,) = outcome.evidence.measured
    assert measured.values["count"] > 0
    assert measured.values["path"] == str(outcome.evidence.runs[0].folder / "weights.safetensors")


def to_jobs(*ways: str) -> list[Job[str]]:
    return [Job(item=how, name=f"job {how}") for how in ways]


def test_how_each_job_ends_is_told(nodes: TwoNodes, tmp_path: Path) -> None:
    messages: list[str] = []
    jobs = [*to_jobs("well", "raises", "killed"), Job(item="", name="late", folders=(tmp_path,))]
    executor = nodes.open(retries=1, shared=False, on_message=messages.append)
    try:
        with RunDirectory(tmp_path).lock():
            well, raised, lost, locked = executor.execute(behave, jobs, keep_going=True)
        with pytest.raises(ConfigError, match="no such net"):
            executor.execute(behave, to_jobs("raises"))
    finally:
        executor.close()
    assert well == "well"
    assert isinstance(raised, Failed)
    assert isinstance(raised.error, ConfigError)
    assert isinstance(lost, Failed)
    assert re.search("job killed was lost .* 2 times, and is given up", str(lost.error))
    assert len(messages) == 1
    assert isinstance(locked, Failed)
    assert "another process is writing" in str(locked.error)


def test_a_signal_lets_the_runs_save_and_they_go_on_later(
    nodes: TwoNodes, alone: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_campaign, "POLL_SECONDS", 0.1)
    runs, store = plan(1), RunStore(tmp_path / "runs")

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
        carry_out(runs, store, executor)
    finally:
        executor.close()
    assert_same_runs(runs, store, alone)


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
        RayExecutor(address).execute(behave, to_jobs("well"))
    assert time.monotonic() - started_at < 15


def test_no_place_is_needed_for_nothing() -> None:
    assert RayExecutor("127.0.0.1:1").execute(behave, []) == []
