from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from reslab.networks.complexity import describe_network
from reslab.report.study_page import write_report
from reslab.runs.executors.processes import LocalProcesses
from reslab.studies.bottleneck import BLOCKS, pair_networks
from reslab.studies.bottleneck_tables import table_of_nets, tables_by_block
from reslab.studies.catalogue import find_study
from reslab.studies.conduct import conduct
from reslab.studies.findings import Findings
from reslab.studies.measuring import Measured
from reslab.studies.setting import StudySetting
from tests.studies.made_up import make_up_evidence

BOTTLENECK = find_study("bottleneck")
TINY = StudySetting(data="digits", budget="smoke", steps=4, depths=(8, 14), seeds=2, width=4)
TRAINED = StudySetting(data="digits", steps=336, depths=(8,), seeds=3, width=4)


def made_up_times(projected: Sequence[float]) -> Measured:
    """Blocks that take 10 ms in each of five rounds, but for the bottleneck with projection."""
    values = {
        name: {"milliseconds": [10.0, 11.0, 10.5, 9.5, 10.0], "kept_bytes": 1} for name in BLOCKS
    }
    values["bottleneck, 256-d, projection"] = {"milliseconds": list(projected), "kept_bytes": 2}
    return Measured(label="blocks", kind="measure", seed=0, arguments={}, values=values)


def conclude(folder: Path, measured: Measured, test_errors: Sequence[float]) -> Findings:
    errors = {
        "resnet8": [(1.0, 5.0), (1.0, 5.1), (1.0, 5.2)],
        "resnet11-bottleneck": [(1.0, e) for e in test_errors],
    }
    evidence = make_up_evidence(BOTTLENECK, TRAINED, folder, errors, measured=(measured,))
    return BOTTLENECK.conclude(TRAINED, evidence)


def test_from_runs_to_the_page(tmp_path: Path) -> None:
    outcome = conduct(BOTTLENECK, replace(TINY, depths=(8,)), tmp_path, executor=LocalProcesses(2))
    html = write_report(outcome, tmp_path).read_text()
    assert "resnet11-bottleneck" in html
    verdicts = [claim.verdict for claim in outcome.findings.claims]
    assert verdicts == ["reproduced"] * 2 + ["not tested at this budget"] * 2


@pytest.mark.parametrize("depth", [20, 56, 110])
def test_a_9n_plus_2_net_has_about_the_macs_of_the_6n_plus_2_net(depth: int) -> None:
    setting = StudySetting(data="cifar10", steps=4, depths=(depth,))
    ((basic, bottleneck),) = pair_networks(setting)
    n = (depth - 2) // 6
    described = describe_network(bottleneck)
    assert bottleneck == setting.plan_network(bottleneck.name)
    assert described.weighted_layers == 9 * n + 2
    assert bottleneck.name == f"resnet{9 * n + 2}-bottleneck"
    assert described.macs / describe_network(basic).macs == pytest.approx(17 / 18, abs=0.07)


def test_a_dear_projection_and_a_worse_net(tmp_path: Path) -> None:
    findings = conclude(tmp_path, made_up_times([19.0, 20.0, 21.0, 20.0, 18.0]), (7.0, 7.1, 7.2))
    assert [c.verdict for c in findings.claims[2:]] == ["reproduced", "not reproduced"]


def test_a_projection_that_is_free_refutes_and_noise_decides_nothing(tmp_path: Path) -> None:
    cheap = conclude(tmp_path, made_up_times([8.0, 8.1, 8.2, 8.0, 8.1]), (4.0, 5.0, 6.5))
    assert [c.verdict for c in cheap.claims[2:]] == ["not reproduced", "not tested at this budget"]
    (tmp_path / "again").mkdir()
    noisy = conclude(
        tmp_path / "again", made_up_times([5.0, 30.0, 9.0, 20.0, 4.0]), (5.0, 5.2, 5.1)
    )
    assert [c.verdict for c in noisy.claims[2:]] == ["not tested at this budget", "reproduced"]


def test_whole_nets_add_up_to_their_blocks() -> None:
    rows = {row[0]: row for row in table_of_nets().rows}
    for table, name in zip(tables_by_block(), rows, strict=True):
        added = sum(int(str(r[1])) * (int(str(r[3])) - int(str(r[2]))) for r in table.rows)
        a, c = float(str(rows[name][1])), float(str(rows[name][3]))
        assert added / 1e6 == pytest.approx(c - a, abs=0.1)
    blocks = {table.title.split(",")[0]: sum(int(str(r[1])) for r in table.rows)
              for table in tables_by_block()}  # fmt: skip
    assert blocks == {"resnet50": 16, "resnet101": 33, "resnet152": 50}
