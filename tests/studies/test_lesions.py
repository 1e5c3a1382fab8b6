"""Verdicts of the study of lesions on nets whose errors are made up."""

from collections.abc import Sequence

import pytest

from reslab.studies.catalogue import find_study
from reslab.studies.evidence import Evidence
from reslab.studies.findings import Findings
from reslab.studies.lesions_claims import correlate, list_rises
from reslab.studies.measure_each import GIVEN
from reslab.studies.measuring import Measured
from reslab.studies.setting import choose_setting

BLOCKS = ["layer1.0", "layer1.1", "layer2.0", "layer2.1", "layer3.0", "layer3.1"]
REGULAR = ["layer1.0", "layer1.1", "layer2.1", "layer3.1"]


def make_net(label: str, family: str, single: Sequence[float], slope: float, seed: int) -> Measured:
    """A net of 14 layers whose error rises by `slope` with each block and each disorder."""
    several = [[k, min(90.0, 5 + slope * k + 0.1 * i + seed)] for k in (1, 2) for i in range(4)]
    swapped = [[tau, 5 + slope * (1 - tau) + 0.1 * i] for tau in (1.0, 0.6, 0.2) for i in range(3)]
    values = {
        "error_pct": 5.0,
        "blocks": BLOCKS,
        "regular": REGULAR,
        "single": [error + 0.3 * seed for error in single],
        "several": several,
        "swapped": swapped,
        "family": family,
        "depth": 14,
        "images": 500,
    }
    return Measured(label=label, kind="measure_lesions", seed=seed, arguments={}, values=values)


def conclude(nets: Sequence[Measured], budget: str = "quick") -> Findings:
    study = find_study("lesions")
    setting = choose_setting("digits", budget, seeds=3, depths=(14,))  # type: ignore[arg-type]
    return study.conclude(setting, Evidence(measured=tuple(nets)))


def make_nets(seeds: int = 3, end: str = "") -> list[Measured]:
    return [
        net
        for seed in range(seeds)
        for net in (
            make_net(f"plain14{end}", "plain", [88, 90, 90, 89, 90, 85], 40, seed),
            make_net(f"resnet14{end}", "residual", [9, 7, 22, 6, 21, 6], 8, seed),
        )
    ]


def verdicts_of(findings: Findings) -> list[str]:
    return [claim.verdict for claim in findings.claims]


def test_nets_as_in_the_paper_reproduce_its_claims() -> None:
    findings = conclude(make_nets())
    assert verdicts_of(findings) == ["reproduced"] * 4
    assert "residual minus plain (n = 3): 14 layers -81.00" in findings.claims[0].evidence
    assert "residual nets (n = 3): 14 layers" in findings.claims[1].evidence


def test_residual_nets_that_suffer_as_much_refute_it() -> None:
    nets = [make_net("plain14", "plain", [9, 7, 22, 6, 21, 6], 8, s) for s in range(3)]
    nets += [make_net("resnet14", "residual", [88, 90, 20, 89, 20, 85], -4, s) for s in range(3)]
    assert verdicts_of(conclude(nets)) == ["not reproduced"] * 4


def test_an_interval_that_holds_zero_decides_nothing() -> None:
    nets = [make_net("plain14", "plain", [9, 7, 22, 6, 21, 6], 8, s) for s in (0, 1, 2)]
    nets += [make_net("resnet14", "residual", [9, 7, 22, 6, 21, 6], 8, s) for s in (0, 1, 2)]
    assert verdicts_of(conclude(nets))[0] == "not tested at this budget"


def test_short_training_bears_no_verdict_but_given_nets_do() -> None:
    assert set(verdicts_of(conclude(make_nets(), "smoke"))) == {"not tested at this budget"}
    findings = conclude(make_nets(seeds=1, end=GIVEN), "smoke")
    assert verdicts_of(findings)[:3] == ["reproduced"] * 3
    assert verdicts_of(findings)[3] == "not tested at this budget"
    assert any("One net of each kind" in limit for limit in findings.limits)


def test_rises_tell_blocks_that_change_the_shape_apart() -> None:
    net = make_net("resnet14", "residual", [9, 7, 22, 6, 21, 6], 8, 0)
    assert list_rises(net) == pytest.approx([4, 2, 1, 1])
    assert list_rises(net, regular=False) == pytest.approx([17, 16])


def test_the_interval_of_a_correlation_ends_at_one() -> None:
    nets = [net for net in make_nets() if net.values["family"] == "residual"]
    nets[0].values["several"][0][1] = 90.0
    (rho,) = correlate(nets, "several", float).values()
    assert rho.high == 1.0
    assert rho.low is not None
    assert rho.low < rho.mean < 1


def test_a_net_without_its_own_pair_is_drawn_and_not_judged() -> None:
    findings = conclude([net for net in make_nets() if net.label == "resnet14"])
    assert findings.claims[0].verdict == "not tested at this budget"
    assert [row[0] for row in findings.tables[0].rows] == ["resnet14"]
