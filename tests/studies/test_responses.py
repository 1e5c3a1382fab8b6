from dataclasses import replace
from pathlib import Path

import numpy as np

from reslab.networks.catalogue import cifar_name
from reslab.report.study_page import write_report
from reslab.runs.executors.processes import LocalProcesses
from reslab.studies.catalogue import find_study
from reslab.studies.charts import Line
from reslab.studies.conduct import conduct, plan_runs
from reslab.studies.evidence import Evidence
from reslab.studies.families import FAMILIES, Family
from reslab.studies.findings import ClaimVerdict, Findings
from reslab.studies.measuring import Measured
from reslab.studies.setting import StudySetting, choose_setting

RESPONSES = find_study("responses")
TINY = StudySetting(data="digits", steps=4, depths=(8,), seeds=1, width=4)
QUICK = choose_setting("digits", "quick", seeds=3)
SPREAD = (-0.01, 0.0, 0.01)


def make_up(
    family: Family, depth: int, level: float, spread: tuple[float, ...] = SPREAD, given: str = ""
) -> list[Measured]:
    """A net whose layers respond at this level on average."""
    waves = 0.1 * np.sin(np.arange(depth - 1)) * level
    return [
        Measured(
            label=cifar_name(FAMILIES[family], depth) + given,
            kind="measure_responses",
            seed=seed,
            arguments={},
            values={
                "family": family,
                "depth": depth,
                "images": 1_000,
                "std": (level * (1 + shift) + waves - waves.mean()).tolist(),
            },
        )
        for seed, shift in enumerate(spread)
    ]


def conclude(*nets: list[Measured], setting: StudySetting = QUICK) -> Findings:
    return RESPONSES.conclude(setting, Evidence(measured=tuple(m for net in nets for m in net)))


def verdicts(findings: Findings) -> list[ClaimVerdict]:
    """On residual against plain, and on depth."""
    return [claim.verdict for claim in findings.claims]


def test_from_runs_to_the_page(tmp_path: Path) -> None:
    outcome = conduct(RESPONSES, TINY, tmp_path, executor=LocalProcesses(2))
    assert "3×3 layer" in write_report(outcome, tmp_path).read_text()
    assert verdicts(outcome.findings) == ["not tested at this budget"] * 2
    (chart,) = outcome.findings.charts
    assert [panel.title for panel in chart.panels] == ["original order", "sorted"]
    shared = {run.config.digest for run in plan_runs(find_study("degradation"), TINY)}
    assert {run.config.digest for run in outcome.evidence.runs} == shared


def test_weaker_residual_nets_and_weaker_still_with_depth_reproduce_the_paper() -> None:
    findings = conclude(
        make_up("plain", 20, 0.9),
        make_up("residual", 20, 0.7),
        make_up("plain", 56, 0.8),
        make_up("residual", 56, 0.4),
    )
    assert verdicts(findings) == ["reproduced"] * 2
    assert "-0.300" in findings.claims[1].evidence


def test_stronger_residual_nets_do_not() -> None:
    nets = (make_up("plain", 20, 0.7), make_up("residual", 20, 0.9), make_up("residual", 56, 1.1))
    assert verdicts(conclude(*nets)) == ["not reproduced"] * 2


def test_no_difference_beyond_the_seeds_decides_nothing() -> None:
    nets = (make_up("plain", 20, 0.7), make_up("residual", 20, 0.7), make_up("residual", 56, 0.7))
    assert verdicts(conclude(*nets)) == ["not tested at this budget"] * 2


def test_one_depth_without_a_difference_leaves_the_claim_open() -> None:
    same = (make_up("plain", 20, 0.7), make_up("residual", 20, 0.7))
    lower = (make_up("plain", 56, 0.7), make_up("residual", 56, 0.4))
    assert verdicts(conclude(*same, *lower))[0] == "not tested at this budget"


def test_short_runs_are_not_judged_and_given_nets_are() -> None:
    short = replace(QUICK, steps=20)
    trained = (make_up("plain", 20, 0.9), make_up("residual", 20, 0.7))
    assert verdicts(conclude(*trained, setting=short))[0] == "not tested at this budget"
    given = (
        make_up("plain", 20, 0.9, (0.0,), " (given)"),
        make_up("residual", 20, 0.7, (0.0,), " (given)"),
    )
    findings = conclude(*trained, *given, setting=short)
    assert verdicts(findings)[0] == "reproduced"
    assert [chart.name.rsplit("-", 1)[-1] for chart in findings.charts] == ["given", "trained"]


def test_figure_7_sorts_each_net_and_turns_logarithmic_where_one_dwarfs_the_others() -> None:
    nets = (make_up("plain", 20, 0.9), make_up("residual", 20, 0.7))
    (chart,) = conclude(*nets).charts
    line = chart.panels[1].marks[0]
    assert isinstance(line, Line)
    assert list(line.y) == sorted((y for y in line.y if y is not None), reverse=True)
    assert not chart.panels[0].log_y
    (wide,) = conclude(make_up("plain", 20, 40.0), nets[1]).charts
    assert all(panel.log_y for panel in wide.panels)
