import json
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "new_study.py"


def test_a_study_of_ones_own_is_one_file(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "reslab", "study", str(EXAMPLE), "--steps", "3", "--seeds", "2",
        "--width", "4", "--device", "cpu", "--out", str(tmp_path), "--json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {run["label"] for run in document["runs"]} == {"momentum 0.9", "momentum 0"}
    assert document["claims"][0]["verdict"] == "not tested at this budget"

    again = [sys.executable, "-m", "reslab", "report", str(tmp_path), "--study", str(EXAMPLE)]
    done = subprocess.run(again, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Does the momentum" in (tmp_path / "report.html").read_text()
