"""Each study of the paper at its smallest, from the runs to the page."""

import json
from html import unescape
from pathlib import Path

import pytest

from reslab.errors import ConfigError
from reslab.networks.catalogue import find_network
from reslab.networks.classifier import Classifier, Provenance
from reslab.networks.geometry import ImageGeometry
from reslab.networks.preprocessing import Preprocessing
from reslab.networks.resnet import build_network
from reslab.networks.weights import save
from reslab.report.paper_page import write_paper
from reslab.report.study_page import rebuild_report, write_report
from reslab.runs.executors.processes import LocalProcesses
from reslab.studies.carry_out import RunStore
from reslab.studies.catalogue import STUDY_NAMES, find_study
from reslab.studies.conduct import StudyOutcome, conduct
from reslab.studies.setting import StudySetting, choose_setting

VERDICTS = {"reproduced", "not reproduced", "not tested at this budget"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all studies, so that their runs are shared as `reslab reproduce` does."""
    return tmp_path_factory.mktemp("paper")


def smoke_setting(name: str, **changes: object) -> StudySetting:
    """A study's own smallest setting, with narrower nets."""
    depths = find_study(name).default_depths("digits", "smoke")
    options = {"depths": (8, 14) if len(depths) > 1 else depths, "seeds": 2, "width": 4}
    return choose_setting("digits", "smoke", **{**options, **changes})  # type: ignore[arg-type]


def carry_out(name: str, folder: Path, **changes: object) -> StudyOutcome:
    setting = smoke_setting(name, **changes)
    return conduct(
        find_study(name),
        setting,
        folder / name,
        store=RunStore(folder / "runs"),
        executor=LocalProcesses(2),
    )


@pytest.mark.parametrize("name", STUDY_NAMES)
def test_a_study_runs_and_its_page_can_be_made_again(name: str, folder: Path) -> None:
    outcome = carry_out(name, folder)
    assert outcome.findings.claims
    assert {claim.verdict for claim in outcome.findings.claims} <= VERDICTS
    page = write_report(outcome, folder / name)
    assert outcome.study.question in unescape(page.read_text())
    written = (folder / name / "results.json").read_bytes()
    json.loads(written, parse_constant=pytest.fail)
    rebuild_report(folder / name)
    assert (folder / name / "results.json").read_bytes() == written
    for chart in outcome.findings.charts:
        assert (folder / name / "figures" / f"{chart.name}.svg").is_file()


def test_all_studies_make_one_page(folder: Path) -> None:
    outcomes = [carry_out(name, folder) for name in STUDY_NAMES]
    html = write_paper(outcomes, folder).read_text()
    assert all(f'id="{name}"' in html for name in STUDY_NAMES)
    claims = json.loads((folder / "results.json").read_text())["claims"]
    assert {claim["study"] for claim in claims} == set(STUDY_NAMES)


@pytest.mark.parametrize("name", ["responses", "identity", "gradients", "lesions", "landscape"])
def test_given_weights_are_measured_without_any_run(name: str, folder: Path) -> None:
    trained = carry_out("degradation", folder)
    weights = []
    for run in (run for run in trained.evidence.runs if run.config.seed == 0):
        path = folder / f"{run.label}.safetensors"
        path.write_bytes((run.folder / "weights.safetensors").read_bytes())
        weights.append(str(path))
    outcome = carry_out(name, folder / "given", seeds=0, weights=tuple(weights))
    assert outcome.evidence.runs == ()
    labels = {m.label for m in outcome.evidence.measured}
    assert {"plain8 (given)", "resnet14 (given)"} <= labels
    of_study = write_report(outcome, folder / "given" / name)
    of_paper = write_paper([outcome], folder / "given" / "paper")
    for page in (of_study, of_paper):
        assert "given as files, which do not say how they were trained" in page.read_text()


def test_a_net_for_other_images_is_refused(tmp_path: Path) -> None:
    network = build_network(find_network("resnet8", width=4))
    geometry = ImageGeometry(resize=32, crop=32, channels=3)
    preprocessing = Preprocessing([0.5] * 3, [1.0] * 3, geometry)
    path = tmp_path / "colour.safetensors"
    save(Classifier(network, preprocessing, tuple("0123456789"), Provenance(source="test")), path)
    setting = smoke_setting("lesions", seeds=0, weights=(str(path),))
    with pytest.raises(ConfigError, match=r"colour\.safetensors is a net for images of 3 channels"):
        conduct(find_study("lesions"), setting, tmp_path)
