from pathlib import Path

import pytest
import torch

from reslab.data.config import DataConfig
from reslab.data.dataset import LabelledImages
from reslab.data.load import compute_per_pixel_mean, divide, load_dataset
from reslab.errors import ConfigError, DataError


def test_holding_out_divides_without_loss_or_overlap() -> None:
    dataset = load_dataset("digits")
    parts = divide(dataset, DataConfig(name="digits", validation_count=137))
    assert parts.validation is not None
    assert (len(parts.train), len(parts.validation)) == (len(dataset.train) - 137, 137)
    together = torch.cat([parts.train.images, parts.validation.images]).flatten(1).numpy()
    assert sorted(map(bytes, together)) == sorted(
        map(bytes, dataset.train.images.flatten(1).numpy())
    )
    other = divide(dataset, DataConfig(name="digits", validation_count=137, split_seed=1))
    assert other.validation is not None
    assert not torch.equal(other.validation.images, parts.validation.images)


def test_something_must_be_left_to_train_on() -> None:
    with pytest.raises(DataError, match="nothing would be left"):
        divide(load_dataset("digits"), DataConfig(name="digits", validation_count=5_000))


def test_a_limit_takes_the_same_images_every_time() -> None:
    parts = divide(load_dataset("digits"), DataConfig(name="digits", validation_count=50))
    first, second = parts.limit(100), parts.limit(100)
    assert first.validation is not None
    assert (len(first.train), len(first.validation), len(first.test)) == (100, 50, 100)
    assert torch.equal(first.train.images, second.train.images)
    assert parts.limit(None) is parts


def test_the_mean_is_that_of_each_pixel() -> None:
    images = torch.randint(0, 256, (50, 3, 4, 4), dtype=torch.uint8)
    expected = (images.double() / 255).mean(dim=0).float()
    torch.testing.assert_close(compute_per_pixel_mean(images), expected)


def test_cifar_needs_its_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--data-root"):
        load_dataset("cifar10")
    with pytest.raises(DataError, match=r"data_batch_1\.bin is missing"):
        load_dataset("cifar10", tmp_path)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(DataError, match="choose one of digits"):
        load_dataset("mnist")
    with pytest.raises(ConfigError, match="choose one of digits"):
        DataConfig(name="mnist")


def test_images_must_be_bytes_with_a_label_each() -> None:
    labels = torch.zeros(2, dtype=torch.int64)
    with pytest.raises(DataError, match="uint8"):
        LabelledImages(torch.zeros(2, 1, 8, 8), labels)
    with pytest.raises(DataError, match="int64"):
        LabelledImages(torch.zeros(3, 1, 8, 8, dtype=torch.uint8), labels)
