"""Packing: what is read from shards is what was packed, whatever interrupted it."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from reslab.data.image_set import ImageCollection
from reslab.data.images import decode_image
from reslab.data.packing.pack import pack
from reslab.data.packing.plan import PackSettings
from reslab.data.sources.opening import open_images
from reslab.data.sources.packed import INDEX_FILE
from reslab.data.sources.shard_scanning import scan_shard
from reslab.errors import ConfigError, DataError
from reslab.files.documents import read_json

SETTINGS = PackSettings(images_per_shard=25)


@pytest.fixture
def collection(photos: Path) -> ImageCollection:
    return open_images(str(photos))


def list_contents(collection: ImageCollection) -> dict[str, list[tuple[bytes, str]]]:
    return {
        part: sorted(
            (images.store.read(index), collection.class_names[label])
            for index, label in enumerate(images.labels)
        )
        for part, images in collection.parts.items()
    }


def read_folder(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def test_what_is_packed_comes_back_byte_for_byte(
    collection: ImageCollection, tmp_path: Path
) -> None:
    index = pack(collection, tmp_path, SETTINGS, workers=1)
    packed = open_images(str(tmp_path))
    assert packed.kind == "packed shards"
    assert list_contents(packed) == list_contents(collection)
    assert sum(entry.images for entry in index.shards) == 120
    for entry in index.shards:
        content = (tmp_path / entry.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry.sha256
        assert len(content) == entry.bytes


def test_the_shards_are_readable_without_the_index(
    collection: ImageCollection, tmp_path: Path
) -> None:
    pack(collection, tmp_path / "packed", SETTINGS, workers=1)
    shutil.copytree(tmp_path / "packed", tmp_path / "bare")
    for path in (tmp_path / "bare").glob("*.json"):
        path.unlink()
    for shard in (tmp_path / "bare").glob("*.tar"):
        with tarfile.open(shard) as tar:
            names = [name for name in tar.getnames() if name.endswith(".jpg")]
        assert [item.name for item in scan_shard(shard)] == names
    bare, packed = open_images(str(tmp_path / "bare")), open_images(str(tmp_path / "packed"))
    for part, images in packed.parts.items():
        assert np.array_equal(bare.parts[part].labels, images.labels)
        assert [bare.parts[part].store.read(n) for n in range(9)] == [
            images.store.read(n) for n in range(9)
        ]


def test_webdataset_reads_them(collection: ImageCollection, tmp_path: Path) -> None:
    tariterators = pytest.importorskip("webdataset.tariterators")
    pack(collection, tmp_path, SETTINGS, workers=1)
    samples = []
    for path in sorted(tmp_path.glob("train-*.tar")):
        with path.open("rb") as file:
            files = tariterators.tar_file_expander([{"url": path.name, "stream": file}])
            samples += list(tariterators.group_by_keys(files))
    images = open_images(str(tmp_path)).parts["train"]
    assert [sample["jpg"] for sample in samples] == [
        images.store.read(index) for index in range(len(images))
    ]
    assert [int(sample["cls"]) for sample in samples] == images.labels.tolist()


def test_training_images_lie_in_mixed_order(collection: ImageCollection, tmp_path: Path) -> None:
    pack(collection, tmp_path, SETTINGS, workers=1)
    labels = open_images(str(tmp_path)).parts["train"].labels
    assert len(set(labels[:25].tolist())) > 5


def test_processes_write_what_one_writes(collection: ImageCollection, tmp_path: Path) -> None:
    pack(collection, tmp_path / "one", SETTINGS, workers=1)
    pack(collection, tmp_path / "two", SETTINGS, workers=2)
    assert read_folder(tmp_path / "one") == read_folder(tmp_path / "two")


def test_larger_images_are_resized_and_smaller_ones_kept(
    collection: ImageCollection, tmp_path: Path
) -> None:
    pack(collection, tmp_path / "small", PackSettings(shorter_side=20), workers=1)
    pack(collection, tmp_path / "same", PackSettings(shorter_side=40), workers=1)
    small = open_images(str(tmp_path / "small")).parts["train"].store
    assert {decode_image(small.read(n), 3).shape for n in range(9)} == {(20, 24, 3)}
    assert list_contents(open_images(str(tmp_path / "same"))) == list_contents(collection)


def test_broken_images_are_left_out_and_named(photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "photos")
    broken = sorted((tmp_path / "photos").rglob("*.jpg"))[4]
    broken.write_bytes(broken.read_bytes()[:200])
    index = pack(open_images(str(tmp_path / "photos")), tmp_path / "out", SETTINGS, workers=1)
    assert [item.name for item in index.left_out] == [f"{broken.parent.name}/{broken.name}"]
    assert "decode" in index.left_out[0].problem
    assert sum(entry.images for entry in index.shards) == 119
    parts = open_images(str(tmp_path / "out")).parts
    assert sum(len(images) for images in parts.values()) == 119


def start_packing(photos: Path, out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "reslab", "data", "pack", str(photos), str(out)]
    options = ["--images-per-shard", "2", "--workers", "2"]
    return subprocess.Popen([*command, *options], start_new_session=True, stderr=subprocess.PIPE)


def wait_for_shards(process: subprocess.Popen[bytes], out: Path, count: int) -> None:
    until = time.monotonic() + 60
    while len(list(out.glob("*.tar"))) < count and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_a_killed_packing_goes_on_to_the_same_bytes(
    collection: ImageCollection, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    for count in (1, 25):
        process = start_packing(photos, out)
        wait_for_shards(process, out, count)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert process.stderr is not None
        process.stderr.close()
    assert not (out / "reslab-index.json").exists()
    with pytest.raises(DataError, match="killed is not packed to the end"):
        open_images(str(out))
    kept = {path: path.stat().st_mtime_ns for path in sorted(out.glob("*.tar"))[:20]}
    settings = PackSettings(images_per_shard=2)
    pack(collection, out, settings, workers=1)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    pack(collection, tmp_path / "whole", settings, workers=1)
    assert read_folder(out) == read_folder(tmp_path / "whole")


def test_a_damaged_shard_is_found_and_packed_again(
    collection: ImageCollection, tmp_path: Path
) -> None:
    pack(collection, tmp_path, SETTINGS, workers=1)
    before = read_folder(tmp_path)
    shard = tmp_path / "train-00001.tar"
    content = bytearray(shard.read_bytes())
    content[700] ^= 1
    shard.write_bytes(content)
    pack(collection, tmp_path, SETTINGS, workers=1)
    assert read_folder(tmp_path) == before


def test_foreign_files_are_not_touched(collection: ImageCollection, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("keep me")
    with pytest.raises(ConfigError, match=r"holds 'letter\.txt'.*new or empty folder"):
        pack(collection, tmp_path, SETTINGS, workers=1)
    assert (tmp_path / "letter.txt").read_text() == "keep me"
    assert {path.name for path in tmp_path.iterdir()} <= {"letter.txt", ".lock"}


def test_a_shard_of_somebody_else_is_not_overwritten(
    collection: ImageCollection, tmp_path: Path
) -> None:
    (tmp_path / "train-00000.tar").write_bytes(b"mine")
    with pytest.raises(ConfigError, match=r"train-00000\.tar"):
        pack(collection, tmp_path, SETTINGS, workers=1)
    assert (tmp_path / "train-00000.tar").read_bytes() == b"mine"


def test_another_packing_is_not_mixed_in(collection: ImageCollection, tmp_path: Path) -> None:
    pack(collection, tmp_path, SETTINGS, workers=1)
    before = read_folder(tmp_path)
    with pytest.raises(ConfigError, match="a packing of other images or with other settings"):
        pack(collection, tmp_path, PackSettings(images_per_shard=25, quality=80), workers=1)
    assert read_folder(tmp_path) == before


def test_two_packings_at_once_are_refused(collection: ImageCollection, tmp_path: Path) -> None:
    lock = FileLock(tmp_path / ".lock")
    with lock, pytest.raises(ConfigError, match="another process packs into"):
        pack(collection, tmp_path, SETTINGS, workers=1)


def edit_contents(folder: Path, edit: Callable[[dict[str, list[object]]], None]) -> None:
    """Change what is noted of a shard, with a digest that fits, as an attacker would."""
    index = read_json(folder / "reslab-index.json")
    entry = index["shards"][0]
    path = (folder / entry["file"]).with_suffix(".json")
    contents = json.loads(path.read_text())
    edit(contents)
    path.write_text(json.dumps(contents))
    entry["contents_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "reslab-index.json").write_text(json.dumps(index))


@pytest.mark.parametrize("place", [("offsets", -1), ("sizes", -1), ("sizes", 2**40), ("sizes", 0)])
def test_images_outside_the_shard_are_refused(
    collection: ImageCollection, tmp_path: Path, place: tuple[str, int]
) -> None:
    pack(collection, tmp_path, SETTINGS, workers=1)
    column, value = place
    edit_contents(tmp_path, lambda contents: contents[column].__setitem__(0, value))
    with pytest.raises(DataError, match="does not lie in the shard: pack again"):
        open_images(str(tmp_path))


def test_columns_of_different_lengths_are_refused(
    collection: ImageCollection, tmp_path: Path
) -> None:
    pack(collection, tmp_path, SETTINGS, workers=1)
    edit_contents(tmp_path, lambda contents: contents["labels"].pop())  # type: ignore[arg-type]
    with pytest.raises(DataError, match="columns of different lengths"):
        open_images(str(tmp_path))


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("train-00000.tar", b"", "should have .* bytes, but has 0"),
        ("train-00000.tar", None, "should have .* bytes, but is missing"),
        ("train-00000.json", b"{}", "is not the file that was packed"),
        ("reslab-index.json", b"{", "is not JSON"),
        ("reslab-index.json", b'{"version": 2}', "reslab-index.json is not a valid PackedIndex"),
    ],
)
def test_damage_to_a_packed_data_set_is_named(
    collection: ImageCollection, tmp_path: Path, file: str, damage: bytes | None, message: str
) -> None:
    pack(collection, tmp_path, SETTINGS, workers=1)
    if damage is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(damage)
    with pytest.raises(DataError, match=message):
        open_images(str(tmp_path))


def test_a_shard_outside_the_folder_is_not_read(
    collection: ImageCollection, tmp_path: Path
) -> None:
    pack(collection, tmp_path, SETTINGS, workers=1)
    index = read_json(tmp_path / "reslab-index.json")
    index["shards"][0]["file"] = "../other.tar"
    (tmp_path / "reslab-index.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match=r"names a file outside: '\.\./other\.tar'"):
        open_images(str(tmp_path))


@pytest.mark.parametrize(
    "change", [{"quality": 0}, {"quality": 96}, {"shorter_side": 0}, {"images_per_shard": 0}]
)
def test_settings_out_of_range_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="give"):
        PackSettings(**change)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"labels": 10**30}, "a label that is no class"),
        ({"labels": -1}, "a label that is no class"),
        ({"names": "\ud800.png"}, "a name that no file can have"),
    ],
)
def test_contents_that_no_packing_writes_are_refused(
    changes: dict[str, object], complaint: str, collection: ImageCollection, tmp_path: Path
) -> None:
    entry = pack(collection, tmp_path, SETTINGS, workers=1).shards[0]
    path = (tmp_path / entry.file).with_suffix(".json")
    document = json.loads(path.read_text())
    for column, value in changes.items():
        document[column][0] = value
    path.write_text(json.dumps(document))
    index_path = tmp_path / INDEX_FILE
    index = read_json(index_path)
    index["shards"][0]["contents_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    index_path.write_text(json.dumps(index))
    with pytest.raises(DataError, match=complaint):
        open_images(str(tmp_path))
