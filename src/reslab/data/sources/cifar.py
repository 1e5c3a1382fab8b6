"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009) in the official binary layout; never a pickle."""

import hashlib
import tarfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from reslab.data.dataset import Dataset, LabelledImages
from reslab.errors import DataError

IMAGE_BYTES = 3 * 32 * 32


@dataclass(frozen=True, kw_only=True)
class CifarLayout:
    """How one of the two data sets lies on disk."""

    name: str
    train_files: tuple[str, ...]
    test_files: tuple[str, ...]
    images_per_file: tuple[int, int]
    """Records in each training file and in each test file."""
    label_bytes: int
    """Bytes before each image; the last is the class."""
    num_classes: int
    names_file: str
    folder: str
    """The folder inside the official archive."""
    url: str
    archive_sha256: str
    """Of the official archive."""


CIFAR10 = CifarLayout(
    name="cifar10",
    train_files=tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    test_files=("test_batch.bin",),
    images_per_file=(10_000, 10_000),
    label_bytes=1,
    num_classes=10,
    names_file="batches.meta.txt",
    folder="cifar-10-batches-bin",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    archive_sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
CIFAR100 = CifarLayout(
    name="cifar100",
    train_files=("train.bin",),
    test_files=("test.bin",),
    images_per_file=(50_000, 10_000),
    label_bytes=2,
    num_classes=100,
    names_file="fine_label_names.txt",
    folder="cifar-100-binary",
    url="https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    archive_sha256="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
)

DownloadProgress = Callable[[int, int], None]
"""Called with the bytes received so far and in total."""


def load_cifar(layout: CifarLayout, root: Path) -> Dataset:
    """Read the data set from the folder that holds its `.bin` files.

    Args:
        layout: `CIFAR10` or `CIFAR100`.
        root: that folder, or the one around it.

    Raises:
        DataError: if a file is missing, has the wrong length, or holds a label out of range.
    """
    folder = _find_folder(layout, root)
    train_count, test_count = layout.images_per_file
    train = [_read_records(folder / name, layout, train_count) for name in layout.train_files]
    test = [_read_records(folder / name, layout, test_count) for name in layout.test_files]
    return Dataset(
        name=layout.name,
        class_names=_read_class_names(folder / layout.names_file, layout),
        train=_join(train),
        test=_join(test),
    )


def download_cifar(layout: CifarLayout, root: Path, progress: DownloadProgress) -> Path:
    """Download the official archive into `root` once, check its digest, and unpack it there.

    Returns:
        The folder with the `.bin` files.

    Raises:
        DataError: if the download fails or is not the official archive; `root` is then unchanged.
    """
    folder = root / layout.folder
    if folder.is_dir():
        return folder
    root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=root, prefix=".download-") as temporary:
        archive = Path(temporary) / "archive.tar.gz"
        _fetch(layout, archive, progress)
        with tarfile.open(archive) as tar:
            tar.extractall(temporary, filter="data")
        try:
            (Path(temporary) / layout.folder).rename(folder)
        except OSError:
            # Processes that share a run ask for the same data; one of them has been faster.
            if not folder.is_dir():
                raise
    return folder


def _find_folder(layout: CifarLayout, root: Path) -> Path:
    for folder in (root, root / layout.folder):
        if (folder / layout.train_files[0]).is_file():
            return folder
    raise DataError(
        f"{root} does not hold {layout.name}: {layout.train_files[0]} is missing. Give the folder "
        f"of the official binary version ({layout.url}) with --data-root, or add --download."
    )


def _read_records(path: Path, layout: CifarLayout, count: int) -> LabelledImages:
    record_bytes = layout.label_bytes + IMAGE_BYTES
    try:
        size = path.stat().st_size
        if size != count * record_bytes:
            raise DataError(
                f"{path} has {size:,} bytes, expected {count * record_bytes:,} ({count:,} records "
                f"of {record_bytes:,}): it is cut short or not {layout.name}. Download it again."
            )
        content = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror}. Download {layout.name} again from {layout.url}."
        ) from error
    records = torch.from_numpy(content.reshape(count, record_bytes))
    labels = records[:, layout.label_bytes - 1].long()
    if int(labels.max()) >= layout.num_classes:
        bad = int((labels >= layout.num_classes).nonzero()[0])
        raise DataError(
            f"{path}: record {bad} has label {int(labels[bad])}, expected 0 to "
            f"{layout.num_classes - 1}. The file is damaged or not {layout.name}: get it again."
        )
    return LabelledImages(records[:, layout.label_bytes :].reshape(count, 3, 32, 32), labels)


def _read_class_names(path: Path, layout: CifarLayout) -> tuple[str, ...]:
    try:
        names = tuple(path.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the class names in {path}: {error}") from error
    if len(names) != layout.num_classes:
        raise DataError(f"{path} names {len(names)} classes, expected {layout.num_classes}")
    return names


def _join(parts: list[LabelledImages]) -> LabelledImages:
    images = torch.cat([part.images for part in parts])
    return LabelledImages(images, torch.cat([part.labels for part in parts]))


def _fetch(layout: CifarLayout, archive: Path, progress: DownloadProgress) -> None:
    sha256 = hashlib.sha256()
    received = 0
    try:
        with urllib.request.urlopen(layout.url, timeout=60) as response, archive.open("wb") as file:  # noqa: S310
            total = int(response.headers.get("Content-Length", 0))
            while chunk := response.read(1 << 20):
                file.write(chunk)
                sha256.update(chunk)
                received += len(chunk)
                progress(received, total)
    except OSError as error:
        raise DataError(
            f"cannot download {layout.url}: {error}. Download it by hand, unpack it, and give the "
            "folder with --data-root."
        ) from error
    if sha256.hexdigest() != layout.archive_sha256:
        raise DataError(
            f"{layout.url} gave {received:,} bytes with SHA-256 {sha256.hexdigest()}, expected "
            f"{layout.archive_sha256}: not the official archive. Nothing was kept."
        )
