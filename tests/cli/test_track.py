"""`--track` and `reslab track` as a user gives them."""

import json
from pathlib import Path

import pytest

from reslab.cli.main import main
from tests.tracking.conftest import WriteRun, write_run

__all__ = ["write_run"]


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(list(arguments))
    return int(exit_.value.code or 0)


def test_a_study_shows_all_its_runs_side_by_side(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    code = run(
        "study", "degradation", "--steps", "3", "--depths", "8,14", "--seeds", "1", "--width", "4",
        "--device", "cpu", "--out", str(tmp_path / "s"), "--track", "tensorboard",
    )  # fmt: skip
    assert code == 0
    shown = {path.name for path in (tmp_path / "s" / "trackers" / "tensorboard").iterdir()}
    assert shown == {path.name for path in (tmp_path / "s" / "runs").iterdir()}
    assert len(shown) == 4


def test_a_sweep_shows_all_its_runs(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    code = run(
        "sweep", "resnet8", "--steps", "3", "--width", "4", "--device", "cpu", "--vary",
        "seed=0..1", "--out", str(tmp_path / "s"), "--track", "tensorboard",
    )  # fmt: skip
    assert code == 0
    assert len(list((tmp_path / "s" / "trackers" / "tensorboard").iterdir())) == 2


def test_stored_runs_are_found_and_shown(
    write_run: WriteRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorboard")
    for name in ("a", "b"):
        write_run(tmp_path / "runs" / name, 40)
    command = ("track", str(tmp_path), "--track", "tensorboard", "--json")
    assert run(*command) == 0
    assert json.loads(capsys.readouterr().out) == {
        "runs": [str(tmp_path / "runs" / name) for name in ("a", "b")],
        "failed": {},
    }


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("track", "{tmp}", "--track", "wandb"), "holds no run"),
        (("track", "{tmp}"), "name the trackers"),
        (("train", "resnet8", "--out", "{tmp}/r", "--track", "wanda"), "choose of tensorboard"),
    ],
)
def test_mistakes_are_answered_before_anything_runs(
    arguments: tuple[str, ...],
    complaint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(*(argument.format(tmp=tmp_path) for argument in arguments)) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "r").exists()
