"""Class folders, with parts or split: every image once, the same split at every call."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from reslab.data.image_set import ImageCollection, ImageSet
from reslab.data.sources.opening import Opening, open_images
from reslab.data.sources.parts import Splitting
from reslab.errors import ConfigError, DataError


def list_names(images: ImageSet) -> list[str]:
    return [images.store.name(index) for index in range(len(images))]


def open_split(path: Path, fraction: float = 0.2, seed: int = 0) -> ImageCollection:
    return open_images(str(path), Opening(splitting=Splitting(fraction=fraction, seed=seed)))


def make_parts(photos: Path, root: Path, *names: str) -> Path:
    for name in names:
        shutil.copytree(photos, root / name)
    return root


def test_every_image_is_in_one_part_under_its_folder(photos: Path) -> None:
    collection = open_split(photos)
    files = {str(path.relative_to(photos)) for path in photos.rglob("*.jpg")}
    found = [name for images in collection.parts.values() for name in list_names(images)]
    assert len(found) == len(files)
    assert set(found) == files
    for images in collection.parts.values():
        for name, label in zip(list_names(images), images.labels, strict=True):
            assert name.startswith(collection.class_names[label] + "/")


def test_a_fifth_of_each_class_is_held_out_by_a_seed(photos: Path) -> None:
    collection = open_split(photos)
    totals = Counter(path.parent.name for path in photos.rglob("*.jpg"))
    held_out = Counter(name.split("/")[0] for name in list_names(collection.parts["validation"]))
    assert held_out == {name: max(round(0.2 * count), 1) for name, count in totals.items()}
    again, other = open_split(photos), open_split(photos, seed=1)
    assert list_names(again.parts["validation"]) == list_names(collection.parts["validation"])
    assert list_names(other.parts["validation"]) != list_names(collection.parts["validation"])
    assert again.digest() == collection.digest() != other.digest()


def test_a_new_image_moves_at_most_one_other(photos: Path, tmp_path: Path) -> None:
    copied = make_parts(photos, tmp_path, "photos") / "photos"
    before = set(list_names(open_split(copied).parts["validation"]))
    first = sorted(copied.rglob("*.jpg"))[0]
    shutil.copy(first, first.with_name("new.jpg"))
    after = set(list_names(open_split(copied).parts["validation"]))
    assert len(before - after) <= 1


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_parts_are_found_by_their_names(photos: Path, tmp_path: Path, name: str) -> None:
    collection = open_split(make_parts(photos, tmp_path, "train", name, "test"))
    assert list(collection.parts) == ["train", "validation", "test"]
    assert {len(images) for images in collection.parts.values()} == {120}
    assert collection.held_out is collection.parts["validation"]


def test_a_test_part_alone_is_what_a_run_is_evaluated_on(photos: Path, tmp_path: Path) -> None:
    collection = open_split(make_parts(photos, tmp_path, "train", "test"))
    assert collection.held_out is collection.parts["test"]


def test_the_digest_tells_other_files_from_these(photos: Path, tmp_path: Path) -> None:
    copied = make_parts(photos, tmp_path, "photos") / "photos"
    digest = open_split(copied).digest()
    image = sorted(copied.rglob("*.jpg"))[0]
    image.write_bytes(image.read_bytes() + b"\0")
    assert open_split(copied).digest() != digest


def test_images_are_read_as_they_lie_on_disk(photos: Path) -> None:
    images = open_split(photos).parts["train"]
    chosen = images.select(np.array([5, 3]))
    assert [chosen.store.read(0), chosen.store.read(1)] == [
        (photos / images.store.name(index)).read_bytes() for index in (5, 3)
    ]


def test_a_class_that_is_not_trained_on_is_refused(photos: Path, tmp_path: Path) -> None:
    root = make_parts(photos, tmp_path, "train", "val")
    (root / "val" / "digit 3").rename(root / "val" / "digit x")
    with pytest.raises(DataError, match="val has the class 'digit x', which the training"):
        open_split(root)


def test_two_folders_for_one_part_are_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="both val and valid"):
        open_split(make_parts(photos, tmp_path, "train", "val", "valid"))


def test_an_image_beside_the_class_folders_is_refused(photos: Path, tmp_path: Path) -> None:
    copied = make_parts(photos, tmp_path, "photos") / "photos"
    shutil.copy(sorted(copied.rglob("*.jpg"))[0], copied / "stray.jpg")
    with pytest.raises(DataError, match=r"'stray\.jpg'"):
        open_split(copied)


def test_an_empty_class_folder_is_refused(photos: Path, tmp_path: Path) -> None:
    copied = make_parts(photos, tmp_path, "photos") / "photos"
    (copied / "nothing").mkdir()
    with pytest.raises(DataError, match="nothing holds no image"):
        open_split(copied)


def test_a_path_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no data set at .*absent"):
        open_split(tmp_path / "absent")


def test_a_fraction_out_of_range_is_refused(photos: Path) -> None:
    with pytest.raises(ConfigError, match="fraction to hold out is 1"):
        open_split(photos, fraction=1.5)
