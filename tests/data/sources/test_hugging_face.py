"""Data sets of Hugging Face's `datasets`, written by that library, and damaged ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reslab.data.image_set import ImageCollection
from reslab.data.sources.columns import open_arrow, open_parquet
from reslab.data.sources.opening import Opening, open_images
from reslab.data.sources.parts import Splitting
from reslab.errors import DataError, ReslabError

datasets = pytest.importorskip("datasets")
pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

COUNT = 30
NO_SPLIT = Opening(splitting=Splitting(fraction=0.0))


@pytest.fixture(scope="module")
def files(photos: Path) -> list[Path]:
    return sorted(photos.rglob("*.jpg"))[:COUNT]


@pytest.fixture(scope="module")
def data_set(files: list[Path]) -> Any:
    """Thirty images with a named class each, and their bytes embedded."""
    names = sorted({path.parent.name for path in files})
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=names))
    rows = {
        "image": [{"bytes": path.read_bytes(), "path": path.name} for path in files],
        "label": [path.parent.name for path in files],
    }
    return datasets.Dataset.from_dict(rows, features=features)


def assert_holds(collection: ImageCollection, part: str, files: list[Path]) -> None:
    images = collection.parts[part]
    assert len(images) == len(files)
    for index, path in enumerate(files):
        assert images.store.read(index) == path.read_bytes()
        assert collection.class_names[images.labels[index]] == path.parent.name


def test_a_saved_data_set(data_set: Any, files: list[Path], tmp_path: Path) -> None:
    data_set.save_to_disk(tmp_path / "saved", num_shards=2)
    assert_holds(open_images(str(tmp_path / "saved"), NO_SPLIT), "train", files)


def test_a_saved_dictionary_of_parts(data_set: Any, files: list[Path], tmp_path: Path) -> None:
    parts = {"train": data_set.select(range(20)), "validation": data_set.select(range(20, COUNT))}
    datasets.DatasetDict(parts).flatten_indices().save_to_disk(tmp_path / "saved")
    collection = open_images(str(tmp_path / "saved"))
    assert_holds(collection, "train", files[:20])
    assert_holds(collection, "validation", files[20:])


def test_parquet_files_with_parts_in_their_names(
    data_set: Any, files: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    data_set.select(range(20)).to_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    data_set.select(range(20, COUNT)).to_parquet(tmp_path / "data" / "test-00000-of-00001.parquet")
    collection = open_images(str(tmp_path))
    assert_holds(collection, "train", files[:20])
    assert_holds(collection, "test", files[20:])


def test_one_parquet_file_of_images_with_many_groups_of_rows(
    data_set: Any, files: list[Path], tmp_path: Path
) -> None:
    data_set.to_parquet(tmp_path / "a.parquet", batch_size=7)
    assert open_parquet(str(tmp_path / "a.parquet")).num_row_groups > 1
    assert_holds(open_images(str(tmp_path / "a.parquet"), NO_SPLIT), "train", files)


def write_rows(path: Path, labels: list[Any], column: str = "label") -> Path:
    images = [{"bytes": b"\xff\xd8\xff %d" % n, "path": None} for n in range(len(labels))]
    parquet.write_table(pyarrow.table({"image": images, column: labels}), path)
    return path


def test_a_part_without_labels_is_passed_over(tmp_path: Path) -> None:
    write_rows(tmp_path / "train.parquet", [0, 1, 1])
    write_rows(tmp_path / "test.parquet", [-1, -1])
    collection = open_images(str(tmp_path), NO_SPLIT)
    assert list(collection.parts) == ["train"]
    assert collection.class_names == ("0", "1")


def test_text_labels_are_classes(tmp_path: Path) -> None:
    collection = open_images(str(write_rows(tmp_path / "a.parquet", ["b", "a", "b"])), NO_SPLIT)
    assert collection.class_names == ("a", "b")
    assert collection.parts["train"].labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize("label", [None, 1.5])
def test_a_label_that_is_none_is_named(tmp_path: Path, label: float | None) -> None:
    table = write_rows(tmp_path / "a.parquet", [1.0, label])
    with pytest.raises(DataError, match=r"a\.parquet: row . has the label .*: give text or"):
        open_images(str(table))


def test_a_table_without_labels_is_refused(tmp_path: Path) -> None:
    table = write_rows(tmp_path / "a.parquet", [1], column="caption")
    with pytest.raises(DataError, match=r"but none named label or .*: rename one"):
        open_images(str(table))


def test_a_selection_must_be_flattened_first(data_set: Any, tmp_path: Path) -> None:
    data_set.save_to_disk(tmp_path / "saved")
    state = json.loads((tmp_path / "saved" / "state.json").read_text())
    state["_indices_files"] = [{"filename": "indices.arrow"}]
    (tmp_path / "saved" / "state.json").write_text(json.dumps(state))
    with pytest.raises(DataError, match="call `flatten_indices` first"):
        open_images(str(tmp_path / "saved"))


@pytest.mark.parametrize("name", ["../other.arrow", "/etc/passwd", "..", "", "a/b.arrow"])
def test_a_file_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(DataError, match=r"names a file outside: .* It is not read"):
        open_images(str(tmp_path))


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[]", "{}", '{"_data_files": 1}', "\0"])
def test_a_state_file_that_says_nothing_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(DataError, match=r"state\.json"):
        open_images(str(tmp_path))


def write_stream(path: Path, table: Any) -> None:
    with (
        pyarrow.OSFile(str(path), "wb") as sink,
        pyarrow.ipc.new_stream(sink, table.schema) as writer,
    ):
        writer.write_table(table)


def test_nothing_in_an_arrow_file_is_unpickled(tmp_path: Path) -> None:
    """A type that names a pickle: older versions of Arrow and `datasets` would have run it."""
    trap = tmp_path / "ran"
    payload = b"cos\nsystem\n(S'touch %b'\ntR." % str(trap).encode()
    mark = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": payload}
    image = pyarrow.field("image", pyarrow.binary(), metadata=mark)
    schema = pyarrow.schema([image, pyarrow.field("label", pyarrow.int64())])
    columns = [pyarrow.array([payload]), pyarrow.array([0])]
    write_stream(tmp_path / "data.arrow", pyarrow.table(columns, schema=schema))
    state = {"_data_files": [{"filename": "data.arrow"}]}
    (tmp_path / "state.json").write_text(json.dumps(state))
    images = open_images(str(tmp_path), NO_SPLIT).parts["train"]
    assert images.store.read(0) == payload
    assert not trap.exists()


@pytest.fixture(scope="module")
def whole(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The content of a small file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    rows = pyarrow.table(
        {
            "image": [{"bytes": path.read_bytes()[:40], "path": path.name} for path in files[:4]],
            "label": [0, 1, 2, 1],
        }
    )
    parquet.write_table(rows, folder / "a.parquet")
    write_stream(folder / "a.arrow", rows)
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


def open_damaged(folder: Path, suffix: str, content: bytes) -> None:
    open_arrow.cache_clear()
    open_parquet.cache_clear()
    (folder / f"a{suffix}").write_bytes(content)
    if suffix == ".arrow":
        (folder / "state.json").write_text('{"_data_files": [{"filename": "a.arrow"}]}')
    try:
        images = open_images(str(folder), NO_SPLIT).parts["train"]
        for index in range(len(images)):
            assert len(images.store.read(index)) <= len(content)
    except ReslabError:
        return


@settings(deadline=None, max_examples=150)
@given(data=st.data(), suffix=st.sampled_from([".arrow", ".parquet"]))
def test_damaged_files_are_read_or_refused(
    whole: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
    suffix: str,
) -> None:
    content = bytearray(whole[suffix])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.sampled_from([len(content), len(content) // 2, len(content) - 9]))
    open_damaged(tmp_path_factory.mktemp("damaged"), suffix, bytes(content[:end]))
