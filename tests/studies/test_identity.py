"""Verdicts of the identity study on measurements of known truth."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from reslab.studies.catalogue import find_study
from reslab.studies.findings import Claim, Findings
from reslab.studies.identity_constructed import judge_constructed
from reslab.studies.identity_stacks import choose_rates, judge_stacks, table_of_stacks
from reslab.studies.measuring import Measured
from reslab.studies.setting import StudySetting
from tests.studies.made_up import make_up_evidence

IDENTITY = find_study("identity")
TRAINED = StudySetting(data="digits", budget="quick", steps=336, depths=(8, 14), seeds=2, width=4)
LIMIT = 400


def stack(shortcut: str, seed: int, tries: dict[float, int | None], blocks: int = 1) -> Measured:
    """A stack that needed so many steps at each learning rate."""
    arguments = {
        "shortcut": shortcut,
        "blocks": blocks,
        "perturbation": 0.0,
        "max_steps": LIMIT,
    }
    found = [
        {"learning_rate": rate, "steps": steps, "losses": [1.0, 0.5 if steps is None else 0.01]}
        for rate, steps in tries.items()
    ]
    return Measured(
        label="stack", kind="measure_stack", seed=seed, arguments=arguments, values={"tries": found}
    )


def stacks(plain: Sequence[int | None], residual: Sequence[int | None]) -> list[Measured]:
    return [
        stack(shortcut, seed, {0.1: steps})
        for shortcut, of in (("none", plain), ("A", residual))
        for seed, steps in enumerate(of)
    ]


def judge(plain: Sequence[int | None], residual: Sequence[int | None]) -> Claim:
    return judge_stacks(choose_rates(stacks(plain, residual)), tested=True)


def constructed(shallow: float, made: float, trained: float, seed: int = 0) -> Measured:
    values = {
        "shallow_error_pct": shallow,
        "constructed_error_pct": made,
        "settled_error_pct": made,
        "trained_error_pct": trained,
        "largest_difference": 0.0,
        "largest_logit": 3.0,
        "steps": 4,
        "images": 10,
    }
    return Measured(
        label="plain8 to plain14", kind="measure_constructed", seed=seed, arguments={},
        values=values,
    )  # fmt: skip


def block_distances(label: str, family: str, distance: float, *, kind: str, seed: int) -> Measured:
    values = {
        "distance": [distance, distance],
        "cosine": [0.5, 0.5],
        "residual": [distance, distance],
        "family": family,
        "depth": 8,
    }
    return Measured(label=label, kind=kind, seed=seed, arguments={}, values=values)


def all_distances(seed: int) -> list[Measured]:
    """Plain blocks as far from x before as after training, residual ones nearer after it."""
    return [
        block_distances("plain8", "plain", 1.2, kind="measure_identity", seed=seed),
        block_distances("resnet8", "residual", 0.4, kind="measure_identity", seed=seed),
        block_distances("plain8", "plain", 1.2, kind="measure_untrained_identity", seed=seed),
        block_distances("resnet8", "residual", 0.6, kind="measure_untrained_identity", seed=seed),
    ]


def conclude(folder: Path, errors: dict[str, tuple[tuple[float, float], ...]]) -> Findings:
    measured = [
        *stacks((None, None), (50, 60)),
        *(constructed(1.0, 1.0, 2.0 + seed, seed) for seed in (0, 1)),
        *(block for seed in (0, 1) for block in all_distances(seed)),
    ]
    evidence = make_up_evidence(IDENTITY, TRAINED, folder, errors, measured=tuple(measured))
    return IDENTITY.conclude(TRAINED, evidence)


def test_each_kind_of_stack_is_taken_at_its_best_rate() -> None:
    tries = {0.03: 300, 0.1: None, 0.3: 200}
    plain, residual = choose_rates(
        [stack("none", 0, tries), stack("A", 0, {0.03: 80, 0.1: 40, 0.3: None})]
    )
    assert (plain.learning_rate, plain.steps) == (0.3, (200,))
    assert (residual.learning_rate, residual.steps) == (0.1, (40,))


def test_fewer_steps_are_a_verdict_and_the_limit_stands_for_never() -> None:
    claim = judge((None, None, None), (100, 110, 120))
    assert claim.verdict == "reproduced"
    assert "3 of 3 plain and 0 of 3 residual" in claim.evidence
    assert "290 [265, 315] steps fewer" in claim.evidence
    assert judge((100, 110, 120), (None, None, None)).verdict == "not reproduced"


@pytest.mark.parametrize(
    ("plain", "residual"),
    [((100, 200, 300), (120, 180, 290)), ((None,) * 3, (None,) * 3), ((300,), (100,))],
)
def test_no_verdict_where_seeds_do_not_agree_or_are_one(
    plain: Sequence[int | None], residual: Sequence[int | None]
) -> None:
    assert judge(plain, residual).verdict == "not tested at this budget"


def test_repeating_a_condition_does_not_narrow_the_interval() -> None:
    once = stacks((200, 210, 300), (190, 150, 290))
    twice = [*once, *(stack(s.arguments["shortcut"], s.seed, {0.1: s.values["tries"][0]["steps"]},
                            blocks=2) for s in once)]  # fmt: skip
    first, second = (judge_stacks(choose_rates(of), tested=True) for of in (once, twice))
    assert first.evidence.split("counting")[1] == second.evidence.split("counting")[1]


def test_depths_that_neither_kind_learns_are_named() -> None:
    deep = [stack(shortcut, 0, {0.1: None}, blocks=8) for shortcut in ("none", "A")]
    chosen = choose_rates([*stacks((None,), (100,)), *deep])
    assert "With 16 layers neither did." in judge_stacks(chosen, tested=True).evidence
    rows = table_of_stacks(chosen).rows
    assert rows[1] == ("0", 16, "never", "0.5", "0.1", "never", "0.5", "0.1")


def test_a_constructed_net_that_is_worse_refutes_the_claim() -> None:
    nets = [constructed(1.0, 1.0, 2.0), constructed(1.0, 1.5, 2.0)]
    existence, _ = judge_constructed(nets, (50.0, 60.0), tested=True)
    assert existence.verdict == "not reproduced"
    assert "the same in 1 of 2 nets" in existence.evidence


@pytest.mark.parametrize(
    ("random", "verdict"),
    [
        ((50.0, 55.0), "reproduced"),
        ((0.1, 0.2), "not reproduced"),
        ((0.0, 90.0), "not tested at this budget"),
        ((50.0,), "not tested at this budget"),
        ((), "not tested at this budget"),
    ],
)
def test_the_search_is_judged_by_the_interval(random: tuple[float, ...], verdict: str) -> None:
    nets = [constructed(1.0, 1.0, 2.0 + seed / 10, seed) for seed in range(3)]
    _, search = judge_constructed(nets, random, tested=True)
    assert search.verdict == verdict


def test_a_page_where_the_deeper_nets_diverged(tmp_path: Path) -> None:
    findings = conclude(tmp_path, {"plain8": ((1.0, 2.0), (1.0, 2.0))})
    verdicts = [claim.verdict for claim in findings.claims]
    assert verdicts == ["reproduced", "not tested at this budget", "reproduced", "reproduced"]


def test_the_distance_before_training_is_said_beside_the_verdict(tmp_path: Path) -> None:
    findings = conclude(tmp_path, {"plain14": ((50.0, 50.0), (55.0, 50.0))})
    evidence = findings.claims[-1].evidence
    assert "residual minus plain: 8 layers -0.80" in evidence
    assert "Before training, by the shortcut alone: 8 layers -0.60" in evidence
