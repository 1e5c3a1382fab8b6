from pathlib import Path

import pytest

from reslab.data.sources.folder import load_folder, match_folders
from reslab.errors import DataError


def test_images_are_listed_with_the_label_of_their_folder(tmp_path: Path) -> None:
    for name in ["dog/b.png", "dog/a.jpg", "cat/c.png", "cat/notes.txt", ".cache/x.png"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    files = load_folder(tmp_path, ["dog", "bird", "cat"])
    assert files.paths == tuple(tmp_path / n for n in ("cat/c.png", "dog/a.jpg", "dog/b.png"))
    assert files.labels == (2, 0, 0)


def test_the_sample_of_imagenet_has_one_image_a_class(shared: Path) -> None:
    root = shared / "data/imagenet-sample"
    names = sorted(path.name for path in root.iterdir())
    files = load_folder(root, [f"{name} in words" for name in names])
    assert files.labels == tuple(range(34))


def test_a_folder_fits_a_whole_name_or_its_first_word() -> None:
    names = ["n01440764 tench", "n01443537 goldfish, Carassius auratus", "maltese dog"]
    assert match_folders(["maltese dog", "n01440764"], names) == {"maltese dog": 2, "n01440764": 0}


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["cat", "unicorn", "Cat"], "2 of 3 folders are not named after a class: 'unicorn', 'Cat'"),
        (["black"], "do not belong to one class each: 'black'"),
        (["cat", "cat tabby"], "do not belong to one class each: 'cat'"),
        (["n0144"], "not named after a class"),
    ],
)
def test_a_folder_that_fits_no_class_or_two_is_refused(folders: list[str], message: str) -> None:
    names = ["cat tabby", "black bear", "black swan", "n01440764 tench"]
    with pytest.raises(DataError, match=message):
        match_folders(folders, names)


def test_folders_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it holds no folder"):
        load_folder(tmp_path, ["cat"])
    (tmp_path / "stray.png").touch()
    with pytest.raises(DataError, match=r"images outside: 'stray\.png'"):
        load_folder(tmp_path, ["cat"])
    with pytest.raises(DataError, match="cannot list"):
        load_folder(tmp_path / "missing", ["cat"])


def test_an_empty_class_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    with pytest.raises(DataError, match="cat holds no image"):
        load_folder(tmp_path, ["cat"])
