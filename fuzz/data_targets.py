"""Parsers of data sets."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from parsers import FOLDER, Target, image_bytes, in_file, refusing

from reslab.data.sources.cifar import CIFAR10, IMAGE_BYTES, load_cifar
from reslab.data.sources.opening import open_images
from reslab.data.sources.packed import INDEX_FILE

CIFAR = replace(
    CIFAR10, train_files=("train.bin",), test_files=("test.bin",), images_per_file=(2, 1)
)


def read_cifar(content: bytes) -> None:
    """The bytes as training file, test file and names, a zero byte of each kind between them."""
    folder = FOLDER / "cifar"
    folder.mkdir(exist_ok=True)
    train_bytes, test_bytes = 2 * (1 + IMAGE_BYTES), 1 + IMAGE_BYTES
    (folder / "train.bin").write_bytes(content[:train_bytes])
    (folder / "test.bin").write_bytes(content[train_bytes : train_bytes + test_bytes])
    (folder / CIFAR.names_file).write_bytes(content[train_bytes + test_bytes :])
    dataset = load_cifar(CIFAR, folder)
    assert int(dataset.train.labels.max()) < 10  # noqa: S101


def cifar_seeds() -> Iterable[bytes]:
    """Three images and ten names."""
    record = bytes([3]) + bytes(IMAGE_BYTES)
    yield 3 * record + "\n".join(f"class{i}" for i in range(10)).encode()


def image_seeds() -> Iterable[bytes]:
    """The same picture in every format."""
    return map(image_bytes, ("JPEG", "PNG", "BMP", "GIF", "PPM", "TIFF", "WEBP"))


def shard_seeds() -> Iterable[bytes]:
    """A tar file of two images with their labels."""
    import tarfile  # noqa: PLC0415

    for format_ in (tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        file = BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=format_) as tar:
            members = {"a.cls": b"1", "a.jpg": b"x" * 9, "b" * 90 + ".json": b'{"label": 0}'}
            for name, content in {**members, "b" * 90 + ".png": b"y"}.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, BytesIO(content))
        yield file.getvalue()


def read_images_of(path: Path) -> None:
    """Open a data set and read what it lists."""
    collection = open_images(str(path))
    for images in collection.parts.values():
        for index in range(min(len(images), 4)):
            images.store.name(index)
            images.store.read(index)


def table_seeds() -> Iterable[bytes]:
    """Tables of paths and labels."""
    yield b"path,label\na.png,cat\nb.png,dog\n"
    yield b"file_name,class,split\n./a.png,1,train\nsub/../b.png,2,test\n"
    yield b'path,label\n"a\nb.png","c""d"\n../x.png,e\n'


def parquet_seeds() -> Iterable[bytes]:
    """A Parquet file of images, and one of paths."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    image = {"bytes": image_bytes("PNG"), "path": None}
    for table in (
        pa.table({"image": [image, image], "label": [0, 1]}),
        pa.table({"path": ["a.png", "b.png"], "label": ["x", "y"]}),
    ):
        sink = BytesIO()
        pq.write_table(table, sink)
        yield sink.getvalue()


def packed_seeds() -> Iterable[bytes]:
    """The index of packed shards."""
    entry = {
        "file": "train-00000.tar", "part": "train", "images": 1, "bytes": 1, "sha256": "0",
        "contents_sha256": "0",
    }  # fmt: skip
    document = {"version": 1, "plan": "0", "class_names": ["a"], "shards": [entry], "left_out": []}
    yield json.dumps(document).encode()


def packed_contents() -> Target:
    """What lies beside a packed shard, with the digest that fits in the index."""
    folder = FOLDER / "packed-contents"
    folder.mkdir(exist_ok=True)
    (folder / "train-00000.tar").write_bytes(b"x" * 100)
    index = json.loads(next(iter(packed_seeds())))

    def parse(content: bytes) -> None:
        (folder / "train-00000.json").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        index["shards"][0] |= {"contents_sha256": digest, "bytes": 100}
        (folder / INDEX_FILE).write_text(json.dumps(index))
        read_images_of(folder)

    contents = {
        "sha256": "0", "bytes": 100, "plan": "0", "names": ["a.png", "b.png"],
        "sources": ["a", "b"],
        "offsets": [0, 50], "sizes": [50, 50], "labels": [0, 0], "left_out": [],
    }  # fmt: skip
    return Target(refusing(parse), lambda: [json.dumps(contents).encode()], is_json=True)


def table() -> Target:
    """A CSV file of paths and labels, two of which exist."""
    for name in ("a.png", "b.png"):
        (FOLDER / name).write_bytes(image_bytes("PNG"))
    return Target(in_file("table.csv", read_images_of), table_seeds)
