"""Tables of paths and labels: what they list, and what they may not."""

import csv
import json
import os
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reslab.data.image_set import ImageCollection
from reslab.data.sources.opening import Opening, open_images
from reslab.data.sources.parts import PART_NAMES, Splitting
from reslab.data.sources.table_rows import read_rows
from reslab.errors import DataError, ReslabError

NO_SPLIT = Opening(splitting=Splitting(fraction=0.0))
SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
Records = list[dict[str, str | int]]


def write_table(path: Path, records: Records) -> Path:
    if path.suffix == ".parquet":
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.Table.from_pylist(records), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    else:
        text = StringIO()
        delimiter = "\t" if path.suffix == ".tsv" else ","
        writer = csv.DictWriter(text, list(records[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(records)
        path.write_text(text.getvalue())
    return path


def list_photos(photos: Path) -> Records:
    return [
        {"file_name": str(path.relative_to(photos)), "label": path.parent.name}
        for path in sorted(photos.rglob("*.jpg"))
    ]


def describe(collection: ImageCollection) -> dict[str, dict[str, str]]:
    return {
        part: {
            images.store.name(index): collection.class_names[label]
            for index, label in enumerate(images.labels)
        }
        for part, images in collection.parts.items()
    }


@pytest.fixture(params=SUFFIXES)
def suffix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_table_lists_what_the_folder_holds(photos: Path, tmp_path: Path, suffix: str) -> None:
    records = list_photos(photos)
    table = write_table(tmp_path / f"labels{suffix}", records)
    collection = open_images(str(table), Opening(splitting=NO_SPLIT.splitting, root=photos))
    assert describe(collection) == {"train": {r["file_name"]: r["label"] for r in records}}
    first = collection.parts["train"].store
    assert first.read(0) == (photos / first.name(0)).read_bytes()


def test_a_column_names_the_parts(tmp_path: Path, suffix: str) -> None:
    records: Records = [
        {"Path": f"{n}.jpg", "Class": "ab"[n % 2], "Split": split}
        for n, split in enumerate(["train", "Train", "VAL", "test"])
    ]
    found = describe(open_images(str(write_table(tmp_path / f"t{suffix}", records))))
    assert found == {
        "train": {"0.jpg": "a", "1.jpg": "b"},
        "validation": {"2.jpg": "a"},
        "test": {"3.jpg": "b"},
    }


def test_whole_numbers_are_sorted_by_value(tmp_path: Path, suffix: str) -> None:
    records: Records = [{"path": f"{n}.jpg", "label": n} for n in (10, 9, 2)]
    collection = open_images(str(write_table(tmp_path / f"t{suffix}", records)), NO_SPLIT)
    assert collection.class_names == ("2", "9", "10")


@pytest.mark.parametrize("path", ["../x.jpg", "a/../../x.jpg", "/etc/passwd", "x\0.jpg"])
def test_a_path_outside_the_folder_is_refused(tmp_path: Path, suffix: str, path: str) -> None:
    if "\0" in path and suffix in {".csv", ".tsv"}:
        pytest.skip("CSV refuses a zero byte itself in some versions of Python")
    table = write_table(tmp_path / f"t{suffix}", [{"path": path, "label": "a"}])
    with pytest.raises(DataError, match=r"is outside .*Only images inside are read"):
        open_images(str(table))


def test_an_absolute_path_inside_the_folder_is_read(tmp_path: Path) -> None:
    records: Records = [{"path": str(tmp_path / "x.jpg"), "label": "a"}]
    collection = open_images(str(write_table(tmp_path / "t.csv", records)), NO_SPLIT)
    assert describe(collection) == {"train": {"x.jpg": "a"}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "none named path or"),
        ("path,label\n", "lists no image"),
        ("a,b\n1,2\n", "has the columns \\['a', 'b'\\], but none named path"),
        ("path,x\n1,2\n", "none named label"),
        ("path,label\nx.jpg\n", r"t\.csv:2 has 1 values for 2 columns"),
        ("path,label\nx.jpg,a,b\n", r"t\.csv:2 has 3 values for 2 columns"),
        ("path,label\nx.jpg,\n", r"t\.csv:2 has the label ''"),
        ("path,label\n,a\n", r"t\.csv:2 has the path ''"),
        ("path,label,split\nx.jpg,a,maybe\n", "names the part 'maybe', which is none of"),
        ('path,label\n"x.jpg,a\n', r"cannot read .*t\.csv as a table"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        open_images(str(tmp_path / "t.csv"))


@pytest.mark.parametrize("label", [True, 1.5, None, ["a"], {"a": 1}])
def test_a_label_is_text_or_a_whole_number(tmp_path: Path, label: object) -> None:
    (tmp_path / "t.jsonl").write_text(json.dumps({"path": "x.jpg", "label": label}))
    with pytest.raises(DataError, match=r"t\.jsonl:1 has the label .*give text or a whole"):
        open_images(str(tmp_path / "t.jsonl"))


def test_a_name_that_drives_a_terminal_is_shown_escaped(tmp_path: Path) -> None:
    records: Records = [{"path": "../\x1b[2Jx.jpg", "label": "a"}]
    with pytest.raises(DataError) as raised:
        open_images(str(write_table(tmp_path / "t.jsonl", records)))
    assert "\x1b" not in str(raised.value)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(
    lambda text: text.strip()
)


@settings(deadline=None)
@given(rows=st.lists(st.tuples(cells, cells, st.sampled_from(sorted(PART_NAMES))), min_size=1))
def test_any_text_survives_a_csv_file(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    table = tmp_path_factory.mktemp("table") / "t.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "split"), *rows])
    assert [(row.path, row.label, row.part) for row in read_rows(table)] == [
        (path, label.strip(), PART_NAMES[part]) for path, label, part in rows
    ]


@settings(deadline=None)
@given(content=st.binary(max_size=200), suffix=st.sampled_from(SUFFIXES))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    table = tmp_path_factory.mktemp("table") / f"t{suffix}"
    table.write_bytes(b"path,label\n" + content)
    try:
        collection = open_images(str(table))
    except ReslabError:
        return
    for images in collection.parts.values():
        for index in range(len(images)):
            assert not images.store.name(index).startswith(("..", os.sep))


def write_image_folder(photos: Path, root: Path, name: str, suffix: str) -> None:
    """As Hugging Face's `imagefolder` has it: images and a table beside them."""
    (root / name).mkdir(parents=True)
    records: Records = []
    for path in sorted(photos.rglob("*.jpg"))[:20]:
        (root / name / path.name).write_bytes(path.read_bytes())
        records.append({"file_name": path.name, "label": path.parent.name})
    write_table(root / name / f"metadata{suffix}", records)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_tables_in_the_folders_of_parts(photos: Path, tmp_path: Path, suffix: str) -> None:
    for name in ("train", "test"):
        write_image_folder(photos, tmp_path, name, suffix)
    collection = open_images(str(tmp_path))
    assert {part: len(images) for part, images in collection.parts.items()} == {
        "train": 20,
        "test": 20,
    }
    store = collection.parts["test"].store
    assert store.name(0).startswith("test/")
    assert store.read(0)


def test_one_table_above_the_folders_of_parts(tmp_path: Path) -> None:
    records: Records = [
        {"file_name": f"{part}/{n}.jpg", "label": "a"} for part in ("train", "val") for n in (1, 2)
    ]
    write_table(tmp_path / "metadata.csv", records)
    assert {part: list(names) for part, names in describe(open_images(str(tmp_path))).items()} == {
        "train": ["train/1.jpg", "train/2.jpg"],
        "validation": ["val/1.jpg", "val/2.jpg"],
    }
