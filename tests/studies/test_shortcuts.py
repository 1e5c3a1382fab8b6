from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from reslab.networks.complexity import describe_network
from reslab.report.study_page import write_report
from reslab.runs.executors.processes import LocalProcesses
from reslab.studies.catalogue import find_study
from reslab.studies.conduct import conduct, plan_runs
from reslab.studies.findings import Findings
from reslab.studies.setting import StudySetting
from reslab.studies.shortcuts_claims import chance_of_spread
from reslab.studies.shortcuts_options import OPTIONS, choose_network, label_of
from tests.studies.made_up import make_up_evidence

SHORTCUTS = find_study("shortcuts")
TINY = StudySetting(data="digits", steps=4, depths=(8, 14), seeds=2, width=4)
TRAINED = StudySetting(data="digits", steps=336, depths=(8,), seeds=3, width=4)


def conclude(folder: Path, test_errors: Mapping[str, tuple[float, ...]]) -> Findings:
    errors = {label_of(8, o): [(0.0, e) for e in found] for o, found in test_errors.items()}
    return SHORTCUTS.conclude(TRAINED, make_up_evidence(SHORTCUTS, TRAINED, folder, errors))


def verdicts(findings: Findings) -> list[str]:
    return [claim.verdict for claim in findings.claims]


def test_from_runs_to_the_page(tmp_path: Path) -> None:
    outcome = conduct(SHORTCUTS, replace(TINY, depths=(8,)), tmp_path, executor=LocalProcesses(2))
    html = write_report(outcome, tmp_path).read_text()
    assert "25.03" in html
    assert verdicts(outcome.findings)[:-1] == ["not tested at this budget"] * 4
    # Counted, so every budget can tell.
    assert verdicts(outcome.findings)[-1] == "reproduced"


def test_none_and_a_are_the_runs_of_the_other_studies() -> None:
    own = {run.config.digest for run in plan_runs(SHORTCUTS, TINY)}
    shared = {run.config.digest for run in plan_runs(find_study("degradation"), TINY)}
    assert shared < own
    assert len(own) == 2 * len(shared)


@pytest.mark.parametrize("depth", [8, 20])
def test_projections_cost_what_the_formula_says(depth: int) -> None:
    setting = StudySetting(data="cifar10", steps=4, depths=(depth,))
    nets = {o: describe_network(choose_network(setting, depth, o)) for o in OPTIONS}
    n = (depth - 2) // 6
    # 1×1 weights and two BN parameters a channel, from 16 to 32 and 32 to 64 channels; and for C
    # around every other block too.
    changing = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    others = sum(count * (w * w + 2 * w) for w, count in ((16, n), (32, n - 1), (64, n - 1)))
    assert nets["A"].params == nets["none"].params
    assert nets["B"].params - nets["A"].params == changing
    assert nets["C"].params - nets["B"].params == others


def test_table_3_in_miniature(tmp_path: Path) -> None:
    findings = conclude(
        tmp_path,
        {
            "none": (28.5, 28.6, 28.4),
            "A": (25.0, 25.05, 25.1),
            "B": (24.5, 24.55, 24.5),
            "C": (24.2, 24.15, 24.2),
        },
    )
    assert verdicts(findings) == ["reproduced"] * 5


def test_what_is_within_the_noise_is_left_open(tmp_path: Path) -> None:
    findings = conclude(
        tmp_path,
        {
            "none": (28.0, 29.0, 30.0),
            "A": (25.0, 26.0, 24.0),
            "B": (24.5, 25.5, 26.0),
            "C": (24.0, 26.5, 25.0),
        },
    )
    assert verdicts(findings)[1:4] == ["not tested at this budget"] * 3
    assert "0 of 3 differences exceed" in findings.claims[1].evidence


def test_options_that_differ_as_much_as_having_one_refute_the_claim(tmp_path: Path) -> None:
    findings = conclude(
        tmp_path,
        {
            "none": (28.0, 28.1, 28.2),
            "A": (24.0, 24.1, 24.2),
            "B": (30.0, 30.1, 30.2),
            "C": (20.0, 20.1, 20.2),
        },
    )
    assert verdicts(findings)[:4] == [
        "not reproduced",
        "not tested at this budget",
        "not reproduced",
        "reproduced",
    ]


def test_a_projection_that_hurts_refutes_that_options_hardly_differ(tmp_path: Path) -> None:
    findings = conclude(
        tmp_path,
        {
            "none": (28.0, 28.1, 28.2),
            "A": (24.0, 24.1, 24.2),
            "B": (26.0, 26.1, 26.2),
            "C": (24.0, 24.1, 24.2),
        },
    )
    assert verdicts(findings)[:2] == ["reproduced", "not reproduced"]


def test_one_seed_gives_no_verdict(tmp_path: Path) -> None:
    setting = replace(TRAINED, seeds=1)
    errors = {label_of(8, o): [(0.0, 5.0)] for o in OPTIONS}
    evidence = make_up_evidence(SHORTCUTS, setting, tmp_path, errors)
    found = verdicts(SHORTCUTS.conclude(setting, evidence))
    assert found[:-1] == ["not tested at this budget"] * 4


def test_the_chance_of_a_spread() -> None:
    assert chance_of_spread([(1.0, 1.0), (1.0, 1.0), (1.0, 1.0)]) == 1.0
    # Of the 3! · … ways only the orders of the groups spread as far: 6 in 9!/(3!·3!·3!) = 1680.
    apart = [(1.0, 1.1, 1.2), (5.0, 5.1, 5.2), (9.0, 9.1, 9.2)]
    assert chance_of_spread(apart) == pytest.approx(6 / 1680)
    assert chance_of_spread([(1.0,), (2.0, 3.0)]) is None
