"""WebDataset shards: those of the library itself, and those that an attacker would write."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reslab.data.reading import MAX_FILE_BYTES
from reslab.data.sources.opening import Opening, open_images
from reslab.data.sources.parts import Splitting
from reslab.data.sources.shard_scanning import ShardItem, scan_shard
from reslab.errors import DataError, ReslabError
from tests.data.sources.tars import add_member, list_samples, write_tar

NO_SPLIT = Opening(splitting=Splitting(fraction=0.0))
IMAGE = b"\xff\xd8\xff image"


@pytest.fixture
def folder(photos: Path, tmp_path: Path) -> Path:
    """Two shards to train on and one to validate."""
    members = list_samples(photos, 30)
    for number, name in enumerate(("train-000", "train-001", "val-000")):
        write_tar(tmp_path / f"{name}.tar", members[20 * number : 20 * number + 20])
    return tmp_path


@pytest.mark.parametrize("where", ["", "*.tar", "{train-{000..001},val-000}.tar"])
def test_shards_in_a_folder_by_a_pattern_and_by_braces(
    folder: Path, photos: Path, where: str
) -> None:
    if "{" in where:
        pytest.importorskip("braceexpand")
    collection = open_images(str(folder / where))
    assert {part: len(images) for part, images in collection.parts.items()} == {
        "train": 20,
        "validation": 10,
    }
    files = sorted(photos.rglob("*.jpg"))[:30]
    images = collection.parts["validation"]
    for index, path in enumerate(files[20:]):
        assert images.store.read(index) == path.read_bytes()
        assert images.store.name(index) == f"val-000.tar/{index + 20:04}.jpg"
    classes = sorted(path.name for path in photos.iterdir())
    labels = [classes.index(path.parent.name) for path in files]
    assert collection.parts["train"].labels.tolist() == labels[:20]


def test_shards_of_the_library_itself(photos: Path, tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    files = sorted(photos.rglob("*.jpg"))[:10]
    with webdataset.TarWriter(str(tmp_path / "a.tar")) as writer:
        for number, path in enumerate(files):
            writer.write({"__key__": f"{number}", "jpg": path.read_bytes(), "cls": number % 3})
    images = open_images(str(tmp_path / "a.tar"), NO_SPLIT).parts["train"]
    assert [images.store.read(index) for index in range(10)] == [p.read_bytes() for p in files]
    assert images.labels.tolist() == [number % 3 for number in range(10)]


def test_images_are_read_in_any_order(folder: Path) -> None:
    images = open_images(str(folder), NO_SPLIT).parts["train"]
    order = np.random.default_rng(0).permutation(len(images))
    chosen = images.select(order)
    for place, index in enumerate(order):
        assert chosen.store.read(place) == images.store.read(index)
        assert chosen.store.name(place) == images.store.name(index)


def test_folders_named_after_parts_hold_shards(photos: Path, tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        write_tar(tmp_path / part / "0.tar", list_samples(photos, 5))
    assert list(open_images(str(tmp_path)).parts) == ["train", "test"]


def test_labels_come_from_json_too_and_other_members_are_passed_over(tmp_path: Path) -> None:
    tar = write_tar(
        tmp_path / "a.tar",
        [
            ("x/1.jpg", IMAGE),
            ("x/1.json", json.dumps({"label": 3, "caption": "a"}).encode()),
            ("x/1.txt", b"a caption"),
            ("x/2.cls", b" 4\n"),
            ("x/2.seg.npy", b"\0"),
            ("x/2.PNG", IMAGE),
        ],
    )
    assert [(item.name, item.label) for item in scan_shard(tar)] == [("x/1.jpg", 3), ("x/2.PNG", 4)]


def scan(path: Path) -> list[ShardItem]:
    return list(scan_shard(path))


@pytest.mark.parametrize("name", ["../out.jpg", "a/../../out.jpg", "/etc/out.jpg"])
def test_a_name_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"a\.tar holds .*out\.jpg, which leads outside: refused"):
        scan(write_tar(tmp_path / "a.tar", [(name, IMAGE)]))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_devices_and_pipes_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        member = tarfile.TarInfo("1.jpg")
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)
    with pytest.raises(DataError, match=r"1\.jpg, which is no plain file: refused"):
        scan(tmp_path / "a.tar")


def test_a_member_that_claims_a_huge_size_is_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("1.jpg")
    member.size = MAX_FILE_BYTES + 1
    (tmp_path / "a.tar").write_bytes(member.tobuf() + bytes(1024))
    with pytest.raises(DataError, match="more than the limit"):
        scan(tmp_path / "a.tar")


def test_a_header_that_claims_a_huge_size_is_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("name")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 2**33
    (tmp_path / "a.tar").write_bytes(member.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(DataError, match=r"a header of .* bytes: refused"):
        scan(tmp_path / "a.tar")


def test_a_shard_cut_short_is_named(tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "a.tar", [("1.cls", b"1"), ("1.jpg", bytes(5000))])
    tar.write_bytes(tar.read_bytes()[:4000])
    with pytest.raises(DataError, match=r"a\.tar is cut short within 1\.jpg: restore"):
        scan(tar)


def test_a_shard_cut_short_after_it_was_opened_is_named(folder: Path) -> None:
    images = open_images(str(folder)).parts["train"]
    (folder / "train-000.tar").write_bytes(b"")
    with pytest.raises(DataError, match=r"train-000\.tar is cut short"):
        images.store.read(0)


def test_a_compressed_shard_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w:gz") as tar:
        add_member(tar, "1.jpg", IMAGE)
    with pytest.raises(DataError, match="whole, uncompressed tar files"):
        scan(tmp_path / "a.tar")


@pytest.mark.parametrize("label", [b"", b"-1", b"1.5", b"cat", b"99999999", b"1" * 70_000])
def test_a_label_that_is_no_class_is_refused(tmp_path: Path, label: bytes) -> None:
    tar = write_tar(tmp_path / "a.tar", [("1.cls", label), ("1.jpg", IMAGE)])
    with pytest.raises(DataError, match="label"):
        scan(tar)


def test_json_that_nests_without_end_is_no_label(tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "a.tar", [("1.json", b"[" * 60_000), ("1.jpg", IMAGE)])
    with pytest.raises(DataError, match="1 has no label"):
        scan(tar)


def test_a_class_without_image_is_refused(tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "a.tar", [("1.cls", b"1"), ("2.jpg", IMAGE), ("2.cls", b"1")])
    with pytest.raises(DataError, match="1 has no image"):
        scan(tar)


def test_a_pattern_that_matches_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such shard: .*x-\*\.tar"):
        open_images(str(tmp_path / "x-*.tar"))


def test_names_that_drive_a_terminal_are_shown_escaped(tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "a.tar", [("\x1b[2J.jpg", IMAGE)])
    with pytest.raises(DataError) as raised:
        scan(tar)
    assert "\x1b" not in str(raised.value)


def assert_read_or_refused(path: Path) -> None:
    try:
        images = open_images(str(path), NO_SPLIT).parts["train"]
    except ReslabError:
        return
    for index in range(len(images)):
        assert len(images.store.read(index)) <= path.stat().st_size


@settings(deadline=None)
@given(content=st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("shard") / "a.tar"
    path.write_bytes(content)
    assert_read_or_refused(path)


@settings(deadline=None)
@given(place=st.integers(0, 4095), value=st.integers(0, 255), cut=st.integers(0, 10_240))
def test_damaged_shards_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int, cut: int
) -> None:
    path = tmp_path_factory.mktemp("shard") / "a.tar"
    write_tar(path, [("1.jpg", IMAGE), ("1.cls", b"1"), ("2.jpg", IMAGE), ("2.cls", b"0")])
    content = bytearray(path.read_bytes())
    content[place] = value
    path.write_bytes(content[: max(cut, place)])
    assert_read_or_refused(path)
