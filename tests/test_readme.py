"""The Python of the README runs as it stands."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_the_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    exec(compile(block, str(README), "exec"), {})  # noqa: S102
    promised = re.search(r"# (\d+)$", block, flags=re.MULTILINE)
    assert promised is not None
    assert capsys.readouterr().out.strip() == promised[1]
    assert (tmp_path / "out/resnet20/weights.safetensors").is_file()
