"""What every target needs: a folder, a run to take files from, errors that are right answers."""

import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from reslab.data.config import DataConfig
from reslab.errors import ReslabError
from reslab.runs.directory import RunDirectory
from reslab.training.loop import train
from reslab.training.plan import plan_network, plan_run
from reslab.training.run_config import ExecutionConfig, RunConfig

FOLDER = Path(tempfile.mkdtemp(prefix="reslab-fuzz-", dir="/dev/shm"))


DATA = DataConfig(name="digits")


@dataclass(frozen=True)
class Target:
    """A parser, and files that it accepts to begin with."""

    parse: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]
    is_json: bool = False
    """Whether it is altered as JSON, line by line."""


def refusing(parse: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """The parser with its own errors taken as the right answer."""

    def parse_or_refuse(content: bytes) -> None:
        with suppress(ReslabError):
            parse(content)

    return parse_or_refuse


def in_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], None]:
    """A parser that reads a file of that name."""
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)

    def parse(content: bytes) -> None:
        path.write_bytes(content)
        read(path)

    return refusing(parse)


def make_run() -> tuple[RunConfig, RunDirectory]:
    """A run of a few steps, made once."""
    config = plan_run(
        plan_network("resnet8", DATA, width=4),
        DATA,
        steps=4,
        execution=ExecutionConfig(device="cpu", threads=1),
        recipe_changes={"batch_size": 8, "evaluation_images": 8},
    )
    folder = FOLDER / "run"
    train(config, folder, resume=True)
    return config, RunDirectory(folder)


def image_bytes(kind: str) -> bytes:
    """A small picture."""
    file = BytesIO()
    pixels = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def clean_up() -> None:
    """Remove what the targets wrote."""
    shutil.rmtree(FOLDER, ignore_errors=True)
