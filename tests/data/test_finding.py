import itertools
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reslab.data.finding import find_images, read_paths
from reslab.errors import DataError


def _find(*paths: Path) -> tuple[list[Path], list[Path]]:
    failed: list[Path] = []
    found = list(find_images(paths, lambda path, _: failed.append(path)))
    return found, failed


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_folders_are_searched_in_order_and_files_taken_as_given(tmp_path: Path) -> None:
    names = ["b.JPG", "a/z.png", "a/y.webp", "c.txt", ".hidden.png", ".git/x.png"]
    _touch(*(tmp_path / name for name in names))
    found, failed = _find(tmp_path, tmp_path / "c.txt", tmp_path / "missing.png")
    expected = ["a/y.webp", "a/z.png", "b.JPG", "c.txt", "missing.png"]
    assert found == [tmp_path / name for name in expected]
    assert failed == []


def test_links_are_followed_but_no_folder_is_entered_twice(tmp_path: Path) -> None:
    _touch(tmp_path / "real/image.png")
    (tmp_path / "again").symlink_to("real")
    (tmp_path / "real/up").symlink_to(tmp_path)
    (tmp_path / "self.png").symlink_to("self.png")
    found, failed = _find(tmp_path)
    assert found == [tmp_path / "again/image.png", tmp_path / "self.png"]
    assert failed == []


def test_a_folder_named_like_an_image_is_a_folder(tmp_path: Path) -> None:
    _touch(tmp_path / "x.jpg/inside.png")
    assert _find(tmp_path / "x.jpg") == ([tmp_path / "x.jpg/inside.png"], [])


def test_a_folder_without_images_is_reported(tmp_path: Path) -> None:
    assert _find(tmp_path) == ([], [tmp_path])


def test_very_deep_folders_are_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folders = [Path("d/" * depth) for depth in range(1, 1200)]
    for folder in folders:
        folder.mkdir()
    image = folders[-1] / "x.png"
    image.touch()
    assert _find(folders[0])[0] == [image]
    # Removed here, since removing so deep a tree at once may exceed the recursion limit.
    image.unlink()
    for folder in reversed(folders):
        folder.rmdir()


def test_odd_names_survive(tmp_path: Path) -> None:
    names = ["two\nlines.png", "\x1b[31mred.png", os.fsdecode(b"\xff.png")]
    _touch(*(tmp_path / name for name in names))
    assert sorted(_find(tmp_path)[0]) == sorted(tmp_path / name for name in names)


@given(
    names=st.lists(st.binary(min_size=1, max_size=20)),
    separator=st.sampled_from([b"\n", b"\0"]),
    size=st.integers(1, 30),
    ended=st.booleans(),
)
def test_a_list_of_paths_is_read_however_it_is_cut(
    names: list[bytes], separator: bytes, size: int, ended: bool
) -> None:
    names = [name.replace(separator, b"") for name in names]
    content = separator.join(names) + (separator if ended else b"")
    chunks = [content[i : i + size] for i in range(0, len(content), size)]
    expected = [Path(os.fsdecode(name)) for name in names if name]
    assert list(read_paths(chunks, separator)) == expected


def test_an_endless_stream_that_is_no_list_is_refused() -> None:
    with pytest.raises(DataError, match="not a list of paths"):
        list(read_paths(itertools.repeat(b"x" * 1000)))
