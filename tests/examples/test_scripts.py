import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PRINTS = {
    "degradation_in_five_minutes": "page: out/degradation/report.html",
    "exporting": "100.0 % the same predictions",
    "fine_tuning": "three digits, fine-tuned: validation error",
    "new_block": "test error of 11 layers",
    "new_shortcut": "test error with pooled shortcuts",
    "reading_responses": "layer3.2.bn2",
}
WITH_A_TEST_OF_THEIR_OWN = {"new_study"}


@pytest.mark.parametrize("name", PRINTS)
def test_an_example_runs_and_prints_what_it_found(name: str, tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / f"{name}.py")]
    environment = {**os.environ, "RESLAB_SMOKE": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert PRINTS[name] in done.stdout
    assert list((tmp_path / "out").rglob("result.json"))


def test_every_example_is_run() -> None:
    assert {file.stem for file in EXAMPLES.glob("*.py")} == {*PRINTS, *WITH_A_TEST_OF_THEIR_OWN}


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.stem)
def test_an_example_opens_as_a_notebook(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert lines[0] == "# %% [markdown]"
    assert lines[1].startswith("# # ")
    assert "# %%" in lines
