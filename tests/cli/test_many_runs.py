import json
from pathlib import Path
from typing import Any

import pytest

from reslab.cli.main import main

SWEEP = ["sweep", "resnet8", "--steps", "4", "--width", "4", "--on", "here", "--out"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def read(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 0, err
    document: dict[str, Any] = json.loads(out)
    return document


def test_a_sweep_is_gone_on_with_and_its_runs_are_listed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = str(tmp_path / "sweep")
    first = read(capsys, *SWEEP, out, "--vary", "learning_rate=0.05", "--vary", "seed=0..1")
    (row,) = first["rows"]
    assert (row["settings"], row["n"]) == ({"learning_rate": "0.05"}, 2)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("result.json")}
    assert len(written) == 2

    rates = ("--vary", "learning_rate=0.05,1e-1", "--vary", "seed=0..1")
    second = read(capsys, *SWEEP, out, *rates)
    assert second["rows"][0] == row
    assert all(path.stat().st_mtime_ns == at for path, at in written.items())
    assert json.loads((tmp_path / "sweep" / "sweep.json").read_text()) == second
    folders = {Path(folder).name for folder in second["folders"].values()}
    code, table, _ = run(capsys, *SWEEP, out, *rates)
    assert code == 0
    assert "learning_rate" in table
    assert "flatters" in table

    listed = read(capsys, "runs", out, "--sort", "test_error")
    assert {Path(found["path"]).name for found in listed["runs"]} == folders
    errors = [found["test_error_pct"] for found in listed["runs"]]
    assert errors == sorted(errors)
    worst = read(capsys, "runs", out, "--sort", "test_error", "--reverse", "--limit", "1")
    assert (worst["count"], worst["runs"][0]["test_error_pct"]) == (4, errors[-1])
    assert read(capsys, "runs", out, "--network", "plain*")["count"] == 0
    assert read(capsys, "runs", out, "--state", "finished", "--data", "digits")["count"] == 4
    Path(listed["runs"][0]["path"], "result.json").write_text("{")
    code, table, _ = run(capsys, "runs", out, "--state", "damaged,running")
    assert "1 of 4 runs" in table
    assert "result.json is not JSON" in table


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--vary", "depth=3"], "no option that can be varied"),
        (["--vary", "threads=1,2"], "no option that can be varied"),
        (["--vary", "learning_rate=fast"], "'fast' is no value of --learning-rate"),
        (["--vary", "batch_size=1.5"], "'1.5' is no value of --batch-size"),
        (["--vary", "validation_fraction=0.1,0.2"], "one and the same run"),
        (["--workers", "0"], "--workers is 0"),
        (["--retries=-1"], "--retries is -1"),
        (["--gpus-per-run", "2"], "--gpus-per-run is 2"),
        (["--on", "moon"], "--on is 'moon'"),
    ],
)
def test_what_cannot_be_swept_is_answered_in_a_sentence(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, err = run(capsys, *SWEEP, str(tmp_path), *arguments)
    assert (code, problem in err) == (2, True), err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [["absent"], [".", "--state", "lost"], [".", "--limit", "0"]])
def test_what_cannot_be_listed_is_answered_in_a_sentence(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "runs", *arguments)
    assert code == 2
    assert err.startswith("reslab: ")
