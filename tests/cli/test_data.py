"""`reslab data check` and `reslab data pack` as a user meets them."""

import json
from pathlib import Path

import pytest

from reslab.cli.main import main
from tests.data.checking.faults import BROKEN, make_faulty


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as raised:
        main(["data", *map(str, arguments)])
    assert isinstance(raised.value.code, int)
    return raised.value.code


def test_a_clean_check_is_0(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", photos, "--workers", "1") == 0
    printed = capsys.readouterr()
    assert "nothing is wrong" in printed.out
    assert "checking: 120 of 120 images" in printed.err


def test_a_check_with_findings_is_1_and_shows_nothing_raw(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_faulty(photos, tmp_path / "faulty")
    assert run("check", folder, "--workers", "1") == 1
    printed = capsys.readouterr().out
    assert "\x1b[31m" not in printed
    assert f"{len(BROKEN)} broken images, 2 groups of duplicates in more than one part" in printed
    assert run("check", folder, "--workers", "1", "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert {Path(image["name"]).name for image in report["broken"]} == BROKEN
    assert report["clean"] is False


def test_what_cannot_be_opened_is_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", tmp_path / "absent") == 2
    assert "no data set at" in capsys.readouterr().err


def test_packing_whole_and_in_part(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--workers", "1", "--images-per-shard", "50")
    assert run("pack", photos, tmp_path / "out", *options) == 0
    assert "every shard was read back" in capsys.readouterr().out
    assert run("check", tmp_path / "out", "--workers", "1") == 0
    folder = make_faulty(photos, tmp_path / "faulty")
    capsys.readouterr()
    assert run("pack", folder, tmp_path / "part", *options, "--json") == 1
    index = json.loads(capsys.readouterr().out)
    assert len(index["left_out"]) == len(BROKEN)
    assert all("\x1b" not in item["name"] for item in index["left_out"])


def test_packing_into_a_folder_of_others_is_2(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.txt").write_text("keep me")
    assert run("pack", photos, tmp_path, "--workers", "1") == 2
    assert "new or empty folder" in capsys.readouterr().err
