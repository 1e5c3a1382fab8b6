import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", ["new_shortcut", "new_block", "fine_tuning"])
def test_an_example_runs_and_prints_what_it_found(name: str, tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / f"{name}.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search("(test|validation) error", done.stdout)
    assert list((tmp_path / "out").glob("*/result.json"))
