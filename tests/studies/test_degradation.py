from pathlib import Path

import pytest

from reslab.errors import ConfigError
from reslab.networks.complexity import describe_network
from reslab.studies.catalogue import find_study
from reslab.studies.conduct import plan_runs
from reslab.studies.degradation import compare
from reslab.studies.deviations import list_common_deviations
from reslab.studies.findings import Findings
from reslab.studies.setting import StudySetting, choose_setting
from tests.studies.made_up import Errors, make_up_evidence

DEGRADATION = find_study("degradation")
TRAINED = StudySetting(data="digits", steps=336, depths=(8, 14), seeds=2, width=4)
TINY = StudySetting(data="digits", steps=4, depths=(8, 14), seeds=2, width=4)


def conclude(setting: StudySetting, folder: Path, errors: Errors) -> Findings:
    """The study's findings if its nets had ended with these errors, one pair for each seed."""
    evidence = make_up_evidence(DEGRADATION, setting, folder, errors)
    return DEGRADATION.conclude(setting, evidence)


def test_plain_and_residual_runs_differ_in_nothing_but_the_shortcut() -> None:
    configs = {(r.label, r.config.seed): r.config for r in plan_runs(DEGRADATION, TINY)}
    assert len(configs) == 8
    plain, residual = configs["plain14", 1], configs["resnet14", 1]
    assert plain.recipe == residual.recipe
    assert plain.data == residual.data
    assert describe_network(plain.network).params == describe_network(residual.network).params
    assert (plain.network.shortcut, residual.network.shortcut) == ("none", "A")


def test_the_paper_budget_on_cifar10_is_the_experiment_of_section_4_2() -> None:
    depths = DEGRADATION.default_depths("cifar10", "paper")
    assert depths == (20, 32, 44, 56, 110)
    setting = choose_setting("cifar10", "paper", depths=depths)
    runs = plan_runs(DEGRADATION, setting)
    assert list_common_deviations(setting, runs) == []
    assert setting.follows_paper
    assert (runs[0].config.recipe.steps, runs[0].config.network.stem_width) == (64_000, 16)


def test_a_depth_must_be_6n_plus_2() -> None:
    with pytest.raises(ConfigError, match="20 and 26"):
        plan_runs(DEGRADATION, StudySetting(steps=4, depths=(20, 22)))


def test_the_verdict_can_say_no(tmp_path: Path) -> None:
    errors = {"plain8": ((5.0, 14.0), (5.2, 14.2)), "plain14": ((5.1, 14.1), (4.9, 13.9))}
    findings = conclude(TRAINED, tmp_path, errors)
    assert findings.details["verdict"] == "none"
    assert "No degradation" in findings.answer
    assert findings.details["residual_verdict"] == "cannot tell"
    verdicts = [claim.verdict for claim in findings.claims]
    assert verdicts == ["not reproduced", "not tested at this budget"]


def test_both_claims_are_reproduced_where_plain_nets_degrade_and_residual_ones_do_not(
    tmp_path: Path,
) -> None:
    errors = {
        "plain8": ((5.0, 14.0), (5.2, 14.2)),
        "plain14": ((25.0, 34.0), (25.2, 34.2)),
        "resnet8": ((5.0, 14.0), (5.2, 14.2)),
        "resnet14": ((4.0, 13.0), (4.2, 13.2)),
    }
    findings = conclude(TRAINED, tmp_path, errors)
    assert findings.details["verdict"] == "degradation"
    assert [claim.verdict for claim in findings.claims] == ["reproduced", "reproduced"]


def test_a_run_too_short_supports_no_verdict(tmp_path: Path) -> None:
    base = {"plain8": 10.0, "plain14": 80.0, "resnet8": 10.0, "resnet14": 90.0}
    errors = {name: ((e, e), (e + 1, e)) for name, e in base.items()}
    findings = conclude(TINY, tmp_path, errors)
    assert {claim.verdict for claim in findings.claims} == {"not tested at this budget"}
    assert "seen 0.4 times" in findings.answer
    assert "seen 0.4 times" in findings.limits[0]


def test_overfitting_is_not_called_degradation(tmp_path: Path) -> None:
    errors = {"plain8": ((5.0, 9.0), (5.0, 9.1)), "plain14": ((1.0, 14.0), (1.0, 14.2))}
    findings = conclude(TRAINED, tmp_path, errors)
    assert findings.details["verdict"] == "overfitting"
    assert findings.claims[0].verdict == "not reproduced"


def test_a_net_that_diverged_leaves_the_comparison_to_the_others(tmp_path: Path) -> None:
    evidence = make_up_evidence(
        DEGRADATION, TRAINED, tmp_path, {"plain8": ((5.0, 9.0), (5.0, 9.0))}
    )
    assert compare(evidence, "plain", TRAINED) is None
