"""Verdicts of the study of landscapes on losses that are made up."""

import json
from collections.abc import Sequence

import numpy as np
import pytest

from reslab.files.documents import to_document
from reslab.studies.catalogue import find_study
from reslab.studies.evidence import Evidence
from reslab.studies.findings import Findings
from reslab.studies.landscape_views import HIGHEST_DRAWN
from reslab.studies.measure_each import GIVEN
from reslab.studies.measuring import Measured
from reslab.studies.setting import choose_setting

AT = np.linspace(-1, 1, 9)
Losses = Sequence[Sequence[float | None]]


def make_net(kind: str, label: str, loss: Losses, seed: int = 0, centre: float = 0.1) -> Measured:
    values = {
        "at": AT.tolist(),
        "loss": loss,
        "centre": centre,
        "family": "plain" if label.startswith("plain") else "residual",
        "depth": 20 if "20" in label else 56,
        "images": 250,
    }
    return Measured(label=label, kind=kind, seed=seed, arguments={}, values=values)


def bowls(steep: float, lines: int = 6) -> Losses:
    return [(0.1 + (1 + 0.05 * i) * steep * AT**2).tolist() for i in range(lines)]


def waves(steep: float, lines: int = 6) -> Losses:
    hills = 1 + np.sin(3 * np.pi * AT) ** 2 * 5
    return [(0.1 + (1 + 0.05 * i) * steep * AT**2 * hills).tolist() for i in range(lines)]


def conclude(
    plain: Losses,
    residual: Losses,
    end: str = "",
    centre: float = 0.1,
    further: Sequence[Measured] = (),
) -> Findings:
    study = find_study("landscape")
    plane = [[None, 1e9, *AT[2:].tolist()]] * len(AT)
    nets = (
        make_net("measure_landscape", f"plain56{end}", plane),
        make_net("measure_landscape", f"resnet56{end}", bowls(1, len(AT))),
        make_net("measure_profiles", f"plain56{end}", plain, centre=centre),
        make_net("measure_profiles", f"resnet56{end}", residual),
    )
    setting = choose_setting("digits", "smoke", seeds=1, depths=(56,))
    return study.conclude(setting, Evidence(measured=(*nets, *further)))


def test_a_steep_and_rough_plain_net_is_what_the_paper_has() -> None:
    findings = conclude(waves(100), bowls(1), end=GIVEN)
    assert [claim.verdict for claim in findings.claims] == ["reproduced"] * 2
    assert "through one net of each kind" in findings.limits[-1]


def test_a_steeper_residual_net_refutes_it() -> None:
    findings = conclude(bowls(1), waves(100), end=GIVEN)
    assert [claim.verdict for claim in findings.claims] == ["not reproduced"] * 2


def test_the_rise_is_a_factor() -> None:
    findings = conclude(bowls(1), bowls(0.01), end=GIVEN)
    evidence = findings.claims[0].evidence
    assert "0.5 filter norms away 56 layers 0.01 [0.01, 0.01]" in evidence
    assert "a whole norm away 56 layers 0.01 [0.01, 0.01]" in evidence
    assert findings.claims[1].verdict == "not tested at this budget"


def test_farther_out_the_order_may_be_another_and_is_told() -> None:
    cliffs = [[*line[:1], *bowls(0.01)[0][1:-1], *line[-1:]] for line in bowls(100)]
    steeper = conclude(bowls(1), cliffs, end=GIVEN).claims[0]
    assert steeper.verdict == "reproduced"
    assert "a whole norm away 56 layers 1e+02" in steeper.evidence


def test_short_training_bears_no_verdict() -> None:
    findings = conclude(waves(100), bowls(1))
    assert {claim.verdict for claim in findings.claims} == {"not tested at this budget"}


def test_a_net_that_was_never_trained_is_named_and_not_judged() -> None:
    findings = conclude(waves(100), bowls(1), end=GIVEN, centre=1.46)
    assert any("plain56 (given) seed 0 (1.46)" in limit for limit in findings.limits)
    assert {claim.verdict for claim in findings.claims} == {"not tested at this budget"}


@pytest.mark.parametrize(
    ("centre", "verdict"), [(0.1, "reproduced"), (1.46, "not tested at this budget")]
)
def test_the_deepest_nets_alone_are_judged(centre: float, verdict: str) -> None:
    shallow = [
        make_net("measure_profiles", f"{kind}20{GIVEN}", loss)
        for kind, loss in (("plain", bowls(1)), ("resnet", bowls(100)))
    ]
    steeper = conclude(waves(100), bowls(1), end=GIVEN, centre=centre, further=shallow).claims[0]
    assert steeper.verdict == verdict
    assert "0.5 filter norms away 20 layers 1e+02" in steeper.evidence


def test_huge_and_missing_losses_are_drawn_at_the_highest() -> None:
    findings = conclude(waves(1e9), bowls(1))
    surface = to_document(findings.charts[0].panels[0].marks[0])
    assert surface["z"][0][:2] == [HIGHEST_DRAWN, HIGHEST_DRAWN]
    json.dumps(to_document(findings), allow_nan=False)
