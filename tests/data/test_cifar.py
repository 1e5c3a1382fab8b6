import hashlib
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from reslab.data.load import compute_per_pixel_mean
from reslab.data.sources.cifar import CIFAR10, CIFAR100, CifarLayout, download_cifar, load_cifar
from reslab.errors import DataError

SMALL = {
    "cifar10": replace(CIFAR10, images_per_file=(4, 6)),
    "cifar100": replace(CIFAR100, images_per_file=(4, 6)),
}


def write_files(layout: CifarLayout, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    files = dict.fromkeys(layout.train_files, 4) | dict.fromkeys(layout.test_files, 6)
    for name, count in files.items():
        records = generator.integers(0, 256, (count, layout.label_bytes + 3072), dtype=np.uint8)
        records[:, : layout.label_bytes] %= layout.num_classes
        (folder / name).write_bytes(records.tobytes())
    names = "\n".join(f"class-{i}" for i in range(layout.num_classes))
    (folder / layout.names_file).write_text(names + "\n\n")


@pytest.mark.parametrize("layout", SMALL.values(), ids=SMALL)
def test_records_are_labels_and_colour_planes(layout: CifarLayout, tmp_path: Path) -> None:
    write_files(layout, tmp_path / layout.folder)
    dataset = load_cifar(layout, tmp_path)
    record = (tmp_path / layout.folder / layout.train_files[0]).read_bytes()
    assert int(dataset.train.labels[0]) == record[layout.label_bytes - 1]
    green_at_row_2_column_3 = record[layout.label_bytes + 1024 + 2 * 32 + 3]
    assert int(dataset.train.images[0, 1, 2, 3]) == green_at_row_2_column_3
    assert len(dataset.train) == 4 * len(layout.train_files)
    assert len(dataset.test) == 6
    assert len(dataset.class_names) == layout.num_classes


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda b: b[:-1], "cut short"),
        (lambda b: b + b"x", "expected 12,292"),
        (lambda b: b"", "0 bytes"),
        (lambda b: b"\x0a" + b[1:], "record 0 has label 10"),
    ],
)
def test_a_wrong_file_is_named(change: object, complaint: str, tmp_path: Path) -> None:
    layout = SMALL["cifar10"]
    write_files(layout, tmp_path)
    path = tmp_path / "data_batch_3.bin"
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(DataError, match=complaint) as error:
        load_cifar(layout, tmp_path)
    assert "data_batch_3.bin" in str(error.value)


@pytest.mark.parametrize("name", ["data_batch_1.bin", "data_batch_5.bin", "test_batch.bin"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    write_files(SMALL["cifar10"], tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=name):
        load_cifar(SMALL["cifar10"], tmp_path)


def test_class_names_must_be_as_many_as_classes(tmp_path: Path) -> None:
    write_files(SMALL["cifar10"], tmp_path)
    (tmp_path / "batches.meta.txt").write_text("cat dog")
    with pytest.raises(DataError, match="names 2 classes, expected 10"):
        load_cifar(SMALL["cifar10"], tmp_path)


def test_a_download_that_is_not_the_archive_is_not_kept(tmp_path: Path) -> None:
    impostor = tmp_path / "impostor.tar.gz"
    impostor.write_bytes(b"not the archive")
    layout = replace(CIFAR10, url=impostor.as_uri())
    root = tmp_path / "data"
    with pytest.raises(DataError, match="not the official archive"):
        download_cifar(layout, root, lambda received, total: None)
    assert list(root.iterdir()) == []


def test_the_official_archive_is_downloaded_once_and_unpacked(tmp_path: Path) -> None:
    write_files(SMALL["cifar10"], tmp_path / "made" / CIFAR10.folder)
    archive = tmp_path / "archive.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "made" / CIFAR10.folder, arcname=CIFAR10.folder)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    layout = replace(SMALL["cifar10"], url=archive.as_uri(), archive_sha256=digest)
    received: list[int] = []
    root = tmp_path / "data"
    folder = download_cifar(layout, root, lambda done, total: received.append(done))
    assert received[-1] == archive.stat().st_size
    assert len(load_cifar(layout, root).train) == 20
    archive.unlink()
    assert download_cifar(layout, root, lambda done, total: None) == folder
    assert list(root.iterdir()) == [folder]


def test_the_real_data_set_has_its_published_statistics(shared: Path) -> None:
    dataset = load_cifar(CIFAR10, shared / "data")
    assert (len(dataset.train), len(dataset.test)) == (50_000, 10_000)
    assert torch.equal(dataset.train.labels.bincount(), torch.full((10,), 5_000))
    mean = compute_per_pixel_mean(dataset.train.images)
    expected = torch.tensor([0.49140, 0.48216, 0.44653])
    torch.testing.assert_close(mean.mean(dim=(1, 2)), expected, atol=5e-6, rtol=0)
