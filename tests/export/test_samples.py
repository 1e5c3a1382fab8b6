from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reslab.data.sources.digits import load_digits
from reslab.errors import ConfigError, DataError
from reslab.export.samples import take_dataset, take_files
from reslab.networks.geometry import ImageGeometry

GREY = ImageGeometry(crop=8, channels=1)
COLOUR = ImageGeometry(resize=16, crop=12)


def _save(path: Path, level: int, size: tuple[int, int] = (20, 16)) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", size, (level, 0, 255)).save(path)


def test_training_images_calibrate_and_test_images_check() -> None:
    digits = load_digits()
    samples = take_dataset("digits", None, GREY, 10_000)
    assert samples.calibration.shape == (512, 1, 8, 8)
    np.testing.assert_array_equal(samples.check, digits.test.images.numpy())


def test_images_of_another_size_are_fitted() -> None:
    samples = take_dataset("digits", None, ImageGeometry(crop=6, channels=1), 3)
    digits = load_digits().test.images.numpy()
    np.testing.assert_array_equal(samples.check[0], digits[0, :, 1:7, 1:7])


def test_other_channels() -> None:
    with pytest.raises(DataError, match="1 channels, the network takes 3"):
        take_dataset("digits", None, COLOUR, 3)


def test_files_are_spread_over_all_folders(tmp_path: Path) -> None:
    for i in range(10):
        _save(tmp_path / f"class{i // 5}" / f"{i}.png", level=i)
    images = take_files([tmp_path], COLOUR, 4)
    assert images.shape == (4, 3, 12, 12)
    assert images[:, 0, 0, 0].tolist() == [0, 2, 5, 7]
    assert (images[:, 2] == 255).all()
    assert take_files([tmp_path], COLOUR, 100).shape == (10, 3, 12, 12)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"not an image")
    with pytest.raises(DataError, match=r"broken\.png"):
        take_files([tmp_path], COLOUR, 4)


def test_nothing_to_take(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no image"):
        take_files([tmp_path], COLOUR, 4)
    with pytest.raises(ConfigError, match="at least 1"):
        take_dataset("digits", None, GREY, 0)
