"""What the tests share: where the reference data is, and a small folder of photographs."""

import os
import signal
from pathlib import Path

import pytest
import torch
from PIL import Image

from reslab.data.load import load_dataset

PHOTOS = 120

# A shell that starts the tests in the background has them ignore this signal, and with them every
# process that they start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data sets and published weights; tests that need it skip where it is absent."""
    default = Path(__file__).parents[1].parent / "shared"
    folder = Path(os.environ.get("RESLAB_SHARED", default))
    if not (folder / "README.md").is_file():
        pytest.skip(f"reference data not found: set RESLAB_SHARED (looked in {folder})")
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 JPEGs of 48×40 pixels in ten class folders, made of digits; not to be written to."""
    root = tmp_path_factory.mktemp("photos")
    train = load_dataset("digits").train.select(torch.arange(PHOTOS))
    for number, (image, label) in enumerate(zip(train.images, train.labels.tolist(), strict=True)):
        folder = root / f"digit {label}"
        folder.mkdir(exist_ok=True)
        picture = Image.fromarray(image[0].numpy()).resize((48, 40), Image.Resampling.BICUBIC)
        picture.convert("RGB").save(folder / f"{number:03}.jpg", quality=95)
    return root
