from dataclasses import replace
from pathlib import Path

import pytest

from reslab.networks.catalogue import cifar_name
from reslab.report.study_page import write_report
from reslab.runs.executors.processes import LocalProcesses
from reslab.studies.catalogue import find_study
from reslab.studies.conduct import conduct
from reslab.studies.evidence import Evidence
from reslab.studies.findings import ClaimVerdict, Findings
from reslab.studies.gradients import list_moments
from reslab.studies.measuring import Measured
from reslab.studies.setting import StudySetting, choose_setting

GRADIENTS = find_study("gradients")
TINY = StudySetting(data="digits", steps=4, depths=(8,), seeds=1, width=4)
QUICK = choose_setting("digits", "quick", seeds=4, depths=(20, 56))
LAYERS = 19
STEADY = (0.9, 1.0, 1.1, 1.2)
"""By how much the seeds differ."""


def make_up(
    depth: int,
    moments: dict[int | None, tuple[float, float]],
    factors: tuple[float, ...] = STEADY,
) -> list[Measured]:
    """A plain net whose gradient and response are this many times as strong at the first layers.

    Args:
        depth: of the net.
        moments: gradient and response at the first layers over those at the last, by step.
        factors: that of each seed, on the gradient.
    """
    label = cifar_name("plain", depth) + (" (given)" if None in moments else "")
    return [
        Measured(
            label=label,
            kind="measure_signals",
            seed=seed,
            arguments={},
            values={
                "family": "plain",
                "depth": depth,
                "moments": [
                    {
                        "step": step,
                        "loss": 2.3,
                        "layers": [],
                        "forward": [response] * 5 + [1.0] * (LAYERS - 5),
                        "backward": [gradient * factor] * 5 + [1.0] * (LAYERS - 5),
                    }
                    for step, (gradient, response) in moments.items()
                ],
            },
        )
        for seed, factor in enumerate(factors)
    ]


def conclude(nets: list[Measured], setting: StudySetting = QUICK) -> Findings:
    return GRADIENTS.conclude(setting, Evidence(measured=tuple(nets)))


def verdicts(findings: Findings) -> list[ClaimVerdict]:
    """On responses, gradients as initialised, while training, in proportion, not exploding."""
    return [claim.verdict for claim in findings.claims]


HELD: ClaimVerdict = "reproduced"
BROKEN: ClaimVerdict = "not reproduced"
OPEN: ClaimVerdict = "not tested at this budget"


def test_from_runs_to_the_page(tmp_path: Path) -> None:
    outcome = conduct(GRADIENTS, TINY, tmp_path, executor=LocalProcesses(2))
    html = write_report(outcome, tmp_path).read_text()
    assert "What is left of a signal" in html
    assert {chart.name for chart in outcome.findings.charts} == {
        "gradient-at-step-0",
        "gradient-at-step-1",
        "response-at-step-1",
    }
    assert set(verdicts(outcome.findings)) == {OPEN}
    assert outcome.evidence.runs == ()


def test_given_nets_alone_are_judged_as_trained() -> None:
    setting = replace(TINY, seeds=0, weights=("plain20.safetensors",))
    findings = conclude(make_up(20, {None: (2.0, 1.0)}, (1.0,)), setting)
    assert verdicts(findings) == [HELD, OPEN, HELD, HELD, OPEN]
    assert findings.tables[0].rows[0][:3] == ("plain20 (given)", "trained", 1)
    assert "Given nets" in findings.limits[0]
    # Within a factor of ten of the bound, a single net is no evidence.
    near = conclude(make_up(20, {None: (3e-3, 1.0)}, (1.0,)), setting)
    assert verdicts(near)[2] == OPEN


def test_healthy_signals_reproduce_the_paper() -> None:
    nets = [*make_up(20, {0: (5, 1), 84: (1.5, 1)}), *make_up(56, {0: (90, 1), 84: (0.5, 2)})]
    findings = conclude(nets)
    assert verdicts(findings) == [HELD] * 5
    assert findings.answer.startswith("No.")


def test_gradients_that_vanish_are_told_from_responses_that_grow() -> None:
    grown = conclude(make_up(56, {0: (5, 1), 84: (1e-5, 1e4)}))
    assert verdicts(grown) == [HELD, HELD, BROKEN, HELD, HELD]
    assert grown.answer.startswith("No.")
    vanished = conclude(make_up(56, {0: (5, 1), 84: (1e-5, 1)}))
    assert verdicts(vanished) == [HELD, HELD, BROKEN, BROKEN, HELD]
    assert vanished.answer.startswith("Perhaps")


def test_responses_of_one_layer_that_hardly_depend_on_the_image_have_vanished() -> None:
    assert verdicts(conclude(make_up(56, {0: (5, 1), 84: (1, 1e-5)})))[0] == BROKEN


def test_gradients_that_explode_are_not_healthy() -> None:
    findings = conclude(make_up(56, {0: (1e6, 1), 84: (1, 1)}))
    assert verdicts(findings) == [HELD, HELD, HELD, HELD, BROKEN]
    assert "explode" in findings.answer


def test_seeds_that_disagree_decide_nothing() -> None:
    findings = conclude(make_up(56, {0: (5, 1), 84: (1e-4, 1)}, (1e-4, 1e-1, 1e2, 1)))
    assert verdicts(findings)[2:4] == [OPEN, OPEN]
    assert "holds the bound" in findings.claims[2].evidence
    assert verdicts(conclude(make_up(56, {0: (5, 1), 84: (1e-5, 1)}, (1.0,))))[1:4] == [OPEN] * 3


def test_more_looks_make_a_verdict_harder() -> None:
    # Alone the interval of these four seeds is clear of the bound, not as one of twelve.
    seeds = (0.02, 0.1, 0.3, 0.06)
    assert verdicts(conclude(make_up(56, {84: (3e-4, 1)}, seeds)))[2] == BROKEN
    many: dict[int | None, tuple[float, float]] = dict.fromkeys(range(1, 13), (3e-4, 1.0))
    assert verdicts(conclude(make_up(56, many, seeds)))[2] == OPEN


def test_short_runs_are_not_judged_on_training() -> None:
    short = replace(QUICK, steps=20)
    nets = make_up(56, {0: (5, 1), 20: (1e-5, 1)})
    assert verdicts(conclude(nets, short)) == [HELD, HELD, OPEN, OPEN, HELD]
    assert any("Too few steps" in limit for limit in conclude(nets, short).limits)


def test_a_seed_that_diverged_is_left_out_of_later_moments() -> None:
    nets = make_up(20, {0: (5, 1), 84: (1, 1)})
    del nets[0].values["moments"][1]
    rows = conclude(nets).tables[0].rows
    assert [row[1:3] for row in rows] == [(0, 4), (84, 3)]


@pytest.mark.parametrize(
    ("data", "budget", "last"),
    [("digits", "smoke", 2), ("digits", "quick", 84), ("cifar10", "quick", 20),
     ("cifar10", "paper", 2_000)],
)  # fmt: skip
def test_runs_are_followed_for_a_part_of_their_steps(data: str, budget: str, last: int) -> None:
    moments = list_moments(choose_setting(data, budget))  # type: ignore[arg-type]
    assert moments[0] == 0
    assert moments[-1] == last
    assert list(moments) == sorted(set(moments))
