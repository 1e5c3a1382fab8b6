"""Every target of the fuzzer accepts its seeds, and what a few dozen alterations make of them."""

import random
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "fuzz"
NAMES = (
    "weights", "weights-description", "checkpoint", "checkpoint-description", "run-config",
    "metrics", "metrics-values", "curves", "cifar", "pickled-weights", "foreign-safetensors",
    "hugging-face", "results", "exported-description", "images", "shards", "table", "parquet",
    "packed-index", "packed-contents",
)  # fmt: skip
ALTERED = 25


@pytest.fixture(scope="module")
def fuzz() -> Iterator[ModuleType]:
    """The targets, as the script finds them."""
    if not Path("/dev/shm").is_dir():  # noqa: S108
        pytest.skip("the targets keep their files in /dev/shm, which this system has not")
    sys.path.insert(0, str(FOLDER))
    yield import_module("targets")
    import_module("parsers").clean_up()
    sys.path.remove(str(FOLDER))


def alter_bytes(content: bytes, _: int) -> bytes:
    generator = random.Random(content)  # noqa: S311
    changed = bytearray(content)
    for _ in range(generator.randint(1, 8)):
        changed[generator.randrange(len(changed))] = generator.randrange(256)
    return bytes(changed[: generator.choice([len(changed), generator.randint(1, len(changed))])])


def test_all_targets_are_tried(fuzz: ModuleType) -> None:
    assert tuple(fuzz.TARGETS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_target_takes_what_it_is_given(name: str, fuzz: ModuleType) -> None:
    if name == "parquet":
        pytest.importorskip("pyarrow")
    mutate_json = import_module("mutation").mutate_json
    target = fuzz.TARGETS[name]()
    for seed in target.seeds():
        target.parse(seed)
        content = seed
        for i in range(ALTERED):
            content = (
                mutate_json(content, 10**6, i, alter_bytes)
                if target.is_json
                else alter_bytes(seed + bytes([i]), 0)
            )
            target.parse(content)
