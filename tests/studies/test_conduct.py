import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from reslab.errors import ConfigError, RunError
from reslab.report.study_page import rebuild_report, write_report
from reslab.runs.directory import RunDirectory
from reslab.runs.executor import Stopped
from reslab.runs.executors.processes import LocalProcesses
from reslab.studies.carry_out import RunStore, StudyProgress, carry_out, find_stores
from reslab.studies.catalogue import find_study
from reslab.studies.charts import Chart, Line, Panel
from reslab.studies.conduct import conclude, conduct, plan_runs
from reslab.studies.evidence import Evidence
from reslab.studies.findings import Claim, Findings, Table
from reslab.studies.measuring import Measurement, Subject
from reslab.studies.setting import PlannedRun, StudySetting
from reslab.studies.study import STUDIES, Study, register_study

TINY = StudySetting(data="digits", steps=4, depths=(8, 14), seeds=2, width=4)


def count_weights(subject: Subject, *, scale: int) -> dict[str, Any]:
    """How many weights the trained net has, times `scale`."""
    weights = subject.classifier.network.parameters()
    return {"count": scale * sum(parameter.numel() for parameter in weights)}


class Counting(Study):
    """A study with one measurement for each run."""

    name = "counting"
    question = "How many weights?"
    where = "nowhere"
    refuted_by = "another count"

    def plan_runs(self, setting: StudySetting) -> list[PlannedRun]:
        return setting.plan_seeds("resnet8")

    def plan_measurements(self, setting: StudySetting) -> list[Measurement]:
        return [
            Measurement(
                label=run.label,
                function=count_weights,
                run=run.config,
                seed=run.config.seed,
                arguments={"scale": 2},
            )
            for run in self.plan_runs(setting)
        ]

    def conclude(self, setting: StudySetting, evidence: Evidence) -> Findings:
        counts = [m.values["count"] for m in evidence.measured_of("count_weights", "resnet8")]
        line = Line(label="<weights>", x=(0, 1), y=tuple(map(float, counts)))
        return Findings(
            answer=f"{counts[0]} weights & more on {setting.data}.",
            claims=(
                Claim(
                    statement="<b>", where="here", verdict="reproduced", evidence=f"{len(counts)}"
                ),
            ),
            tables=(Table(title="Counts", columns=("n", "none"), rows=((counts[0], None),)),),
            charts=(
                Chart(
                    name="counts",
                    caption="Weights.",
                    panels=(Panel(x_label="seed", y_label="weights", marks=(line,)),),
                ),
            ),
        )


def test_a_study_from_its_runs_to_its_page(tmp_path: Path) -> None:
    outcome = conduct(find_study("degradation"), TINY, tmp_path, executor=LocalProcesses(2))
    page = write_report(outcome, tmp_path)
    html = page.read_text()
    assert "http://" not in html.split("<body>")[1]
    assert 'src="data:image/png' in html
    for run in outcome.evidence.runs:
        assert run.label in html
    assert {p.suffix for p in (tmp_path / "figures").iterdir()} == {".png", ".svg", ".json"}

    first = RunDirectory(outcome.evidence.runs[0].folder)
    written_at = first.result_path.stat().st_mtime_ns
    again = conduct(find_study("degradation"), TINY, tmp_path)
    assert again.evidence == outcome.evidence
    assert first.result_path.stat().st_mtime_ns == written_at

    before = (tmp_path / "results.json").read_bytes()
    page.unlink()
    rebuilt, page = rebuild_report(tmp_path)
    assert page.is_file()
    assert rebuilt.findings == outcome.findings
    assert (tmp_path / "results.json").read_bytes() == before


def test_measurements_are_made_once_and_told_apart(tmp_path: Path) -> None:
    study = Counting()
    outcome = conduct(study, TINY, tmp_path)
    values = {m.seed: m.values["count"] for m in outcome.evidence.measured}
    network = TINY.plan_network("resnet8")
    expected = 2 * sum(p.numel() for p in _build(network).parameters())
    assert values == {0: expected, 1: expected}
    assert str(expected) in outcome.findings.answer

    files = sorted((tmp_path / "measurements").iterdir())
    written = [path.stat().st_mtime_ns for path in files]
    conduct(study, TINY, tmp_path)
    assert [path.stat().st_mtime_ns for path in files] == written

    html = write_report(outcome, tmp_path).read_text()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    files[0].unlink()
    with pytest.raises(RunError, match="is missing"):
        conclude(study, TINY, tmp_path, RunStore(tmp_path / "runs"))


def _build(network: Any) -> Any:
    from reslab.networks.resnet import build_network  # noqa: PLC0415

    return build_network(network)


def test_runs_of_other_studies_are_reused(tmp_path: Path) -> None:
    conduct(find_study("degradation"), TINY, tmp_path / "degradation")
    folder = tmp_path / "counting"
    outcome = conduct(Counting(), TINY, folder, store=find_stores(folder))
    assert not (folder / "runs").exists()
    assert {run.folder.parent for run in outcome.evidence.runs} == {
        tmp_path / "degradation" / "runs"
    }


def test_runs_that_share_a_process_end_as_they_do_alone(tmp_path: Path) -> None:
    study = find_study("degradation")
    alone = conduct(study, TINY, tmp_path / "alone", executor=LocalProcesses(2))
    packed = conduct(study, TINY, tmp_path / "packed", executor=LocalProcesses(2), pack=3)
    errors = [[run.result.test_loss for run in o.evidence.runs] for o in (alone, packed)]
    assert errors[0] == errors[1]
    again = conduct(study, TINY, tmp_path / "packed", pack=3)
    assert again.evidence == packed.evidence


def test_runs_are_ordered_by_seed() -> None:
    seeds = [run.config.seed for run in plan_runs(find_study("degradation"), TINY)]
    assert seeds == [0, 0, 0, 0, 1, 1, 1, 1]


def test_weights_are_refused_where_nothing_is_measured_on_them() -> None:
    setting = StudySetting(steps=4, depths=(8,), weights=("a.safetensors",))
    with pytest.raises(ConfigError, match="measures no given weights"):
        plan_runs(find_study("degradation"), setting)


def test_a_name_is_given_once() -> None:
    register_study(Counting)
    try:
        with pytest.raises(ConfigError, match="exists already"):
            register_study(Counting)
    finally:
        del STUDIES["counting"]


@pytest.mark.parametrize("name", ["degredation", "missing.py"])
def test_an_unknown_study_is_answered_with_what_there_is(name: str) -> None:
    with pytest.raises(ConfigError, match=r"degradation|holds your study"):
        find_study(name)


def test_a_file_without_a_study_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no_study_here.py"
    path.write_text("")
    with pytest.raises(ConfigError, match="registers 0 studies"):
        find_study(str(path))


def test_a_run_stopped_by_a_signal_of_its_own_stops_its_study(tmp_path: Path) -> None:
    long = StudySetting(data="digits", steps=5_000, depths=(8,), seeds=1, width=4)
    (planned, *_) = plan_runs(find_study("degradation"), long)
    stopped: list[int] = []

    def stop_worker(progress: StudyProgress) -> None:
        workers = [child for child in multiprocessing.active_children() if child.pid]
        if progress.steps_done and not stopped:
            stopped.extend(child.pid for child in workers if child.pid)
            os.kill(stopped[0], signal.SIGTERM)

    with pytest.raises(Stopped):
        carry_out([planned], RunStore(tmp_path), LocalProcesses(), on_progress=stop_worker)
    assert stopped
    run = RunStore(tmp_path).locate(planned.config)
    assert list(run.checkpoints_path.iterdir())
    assert not run.result_path.exists()
