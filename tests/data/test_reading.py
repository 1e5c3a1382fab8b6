import os
import socket
from pathlib import Path

import pytest

from reslab.data.reading import display_path, read_regular_file
from reslab.errors import DataError


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert read_regular_file(path, max_bytes=3) == b"abc"
    with pytest.raises(DataError, match="larger than the limit of 2 bytes"):
        read_regular_file(path, max_bytes=2)


def test_a_pipe_without_a_writer_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe.jpg"
    os.mkfifo(path)
    with pytest.raises(DataError, match=r"pipe\.jpg is a named pipe"):
        read_regular_file(path)


def test_a_pipe_that_takes_a_files_place_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, file = tmp_path / "pipe.jpg", tmp_path / "file"
    os.mkfifo(path)
    file.write_bytes(b"abc")
    before = file.stat()
    monkeypatch.setattr(Path, "stat", lambda _: before)
    with pytest.raises(DataError, match=r"pipe\.jpg is a named pipe"):
        read_regular_file(path)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/stdin", "/dev/tty"])
def test_endless_devices_are_refused(device: str) -> None:
    if not Path(device).exists():
        pytest.skip(f"this system has no {device}")
    with pytest.raises(DataError):
        read_regular_file(Path(device))


def test_a_socket_and_a_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # A socket's path must be short.
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
        with pytest.raises(DataError, match="is a socket"):
            read_regular_file(Path("socket.jpg"))
    with pytest.raises(DataError, match="is a folder"):
        read_regular_file(tmp_path)


def test_a_symbolic_link_to_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "loop.jpg"
    path.symlink_to(path)
    with pytest.raises(DataError, match=r"cannot read .*loop\.jpg: Too many levels"):
        read_regular_file(path)


@pytest.mark.parametrize("name", ["missing", "a" * 5000, "nul\0byte"])
def test_impossible_names_are_errors_of_ours(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_regular_file(tmp_path / name)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(DataError, match=r"empty\.png is empty"):
        read_regular_file(tmp_path / "empty.png")


def test_odd_names_are_shown_on_one_harmless_line() -> None:
    assert display_path(Path("größe.png")) == "größe.png"
    hostile = display_path(Path("a\nb\x1b[31m\udcff.png"))
    assert hostile.isprintable()
    assert "\\n" in hostile
