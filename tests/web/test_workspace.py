"""Names below the chosen folder, and nothing outside it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reslab.errors import ConfigError
from reslab.web.workspace import Workspace


def test_folder_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a folder"):
        Workspace(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["..", "../x", "/etc/passwd", "a/../../x", "a\0b", "link/x"])
def test_what_lies_outside_is_refused(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="not in the folder"):
        Workspace(inside).locate(name)


@given(
    parts=st.lists(st.sampled_from(["..", ".", "a", "/", "", "b.safetensors", "link"]), max_size=8)
)
def test_no_name_leads_out(parts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "confined"
    folder.mkdir(exist_ok=True)
    if not (folder / "link").is_symlink():
        (folder / "link").symlink_to("/")
    try:
        found = Workspace(folder).locate("/".join(parts))
    except ConfigError:
        return
    assert found.resolve().is_relative_to(folder.resolve())


def test_weights_are_found_below_but_not_among_checkpoints(tmp_path: Path) -> None:
    for name in (
        "b/w.safetensors",
        "a.safetensors",
        "r/checkpoints/step-1.safetensors",
        ".h/x.safetensors",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert Workspace(tmp_path).list_weights() == ["a.safetensors", "b/w.safetensors"]


@pytest.mark.parametrize("name", ["x.txt", "a", "missing.safetensors"])
def test_only_weights_files_are_opened_as_such(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.txt").touch()
    (tmp_path / "a").mkdir()
    with pytest.raises(ConfigError, match="no weights file"):
        Workspace(tmp_path).locate_weights(name)


def test_messages_lose_the_paths_of_the_machine(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    said = workspace.publish(
        f"cannot read {tmp_path.resolve()}/runs/a/config.json, nor /home/somebody/b.json: gone"
    )
    assert said == "cannot read runs/a/config.json, nor b.json: gone"
