"""`reslab plan` as a user gives it."""

import json

import pytest

from reslab.cli.main import main

PLAN = ("plan", "resnet50", "--data-size", "1281167", "--gpus", "8")


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(list(arguments))
    return int(exit_.value.code or 0)


def test_a_plan_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*PLAN, "--gpu", "a100", "--price", "2") == 0
    out = capsys.readouterr().out
    for expected in ("bottleneck       compute", "120.0 epochs", "GPU-hours", "cost"):
        assert expected in out


def test_a_plan_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*PLAN, "--steps", "600000", "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["epochs"] == pytest.approx(119.9, abs=0.1)
    assert plan["batch_per_gpu"] == 32
    assert plan["memory"]["total"] < plan["memory_bytes"] < plan["available_bytes"]
    assert plan["largest_batch_per_gpu"] > 32
    assert plan["cost"] is None


def test_what_does_not_fit_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*PLAN, "--batch-size", "8192", "--gpu", "t4") == 1
    assert "it does not fit" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--steps", "3", "--epochs", "3"), "not both"),
        (("--gpu", "t4", "--precision", "bfloat16"), "take --precision float32"),
        (("--batch-size", "100"), "multiple"),
        (("--nodes", "3"), "over 3 machines"),
        (("--network-gbit", "0"), "--network-gbit is 0.0"),
        (("--run-folder", "/nowhere"), "holds no run"),
    ],
)
def test_mistakes_are_answered_in_a_sentence(
    options: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*PLAN, *options) == 2
    assert complaint in capsys.readouterr().err
