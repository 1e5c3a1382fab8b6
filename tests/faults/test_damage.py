"""Files cut short at any length, or with bytes changed: refused by name, or read as they were."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reslab.errors import ReslabError
from reslab.files.documents import read_json, write_sealed_json
from reslab.files.tensors import read_tensors
from reslab.networks.weights import describe_classifier, load
from reslab.runs.directory import RunDirectory
from reslab.training.checkpoint import list_checkpoints
from reslab.training.result import run_result_from
from reslab.training.run_config import run_config_from

# Of each kind of file; with five kinds, 1,000 in all.
CASES = 200
# A weights file of 26 kB at each of its lengths takes minutes: every length of its head, and then
# some that share no period with the tensors.
LENGTHS_OF_HEAD = 256
STRIDE = 211


def read_weights(path: Path) -> Any:
    classifier = load(path)
    tensors = {name: tensor.tolist() for name, tensor in classifier.state_dict().items()}
    return tensors, describe_classifier(classifier)


def read_checkpoint(path: Path) -> Any:
    tensors, document = read_tensors(path)
    return {name: tensor.tolist() for name, tensor in tensors.items()}, document


def read_config(path: Path) -> Any:
    stored = RunDirectory(path.parent).read_config()
    return run_config_from(stored["config"], str(path))


def read_result(path: Path) -> Any:
    return run_result_from(RunDirectory(path.parent).read_result(), str(path))


def read_measurements(path: Path) -> Any:
    return RunDirectory(path.parent).read_metrics()


KINDS: dict[str, Callable[[Path], Any]] = {
    "weights.safetensors": read_weights,
    "checkpoint": read_checkpoint,
    "config.json": read_config,
    "result.json": read_result,
    "metrics.jsonl": read_measurements,
}


@pytest.fixture(params=KINDS)
def damaged(
    request: pytest.FixtureRequest, whole: Path
) -> Iterator[tuple[Path, bytes, Callable[[Path], Any]]]:
    """A file of a run, its content, and what reads it; restored afterwards."""
    run = RunDirectory(whole)
    is_checkpoint = request.param == "checkpoint"
    path = list_checkpoints(run.checkpoints_path)[0] if is_checkpoint else whole / request.param
    content = path.read_bytes()
    yield path, content, KINDS[request.param]
    path.write_bytes(content)


def assert_refused_or_unaffected(
    path: Path, content: bytes, read: Callable[[Path], Any], expected: Any
) -> bool:
    """Returns whether it was refused."""
    path.write_bytes(content)
    try:
        found = read(path)
    except ReslabError as error:
        if path.name not in str(error):
            pytest.fail(f"no file is named: {error}")
        return True
    assert found == expected
    return False


def test_cut_at_any_length(damaged: tuple[Path, bytes, Callable[[Path], Any]]) -> None:
    path, content, read = damaged
    expected = read(path)
    lengths = range(len(content))
    if path.suffix == ".safetensors":
        head = lengths[:LENGTHS_OF_HEAD]
        lengths_cut = [*head, *lengths[LENGTHS_OF_HEAD::STRIDE], *lengths[-LENGTHS_OF_HEAD:]]
    else:
        lengths_cut = [*lengths]
    refused = [
        assert_refused_or_unaffected(path, content[:length], read, expected)
        for length in lengths_cut
    ]
    # All but the last byte or two, which may be the end of a line.
    assert sum(refused) >= len(lengths_cut) - 2


def test_bytes_changed_at_random(damaged: tuple[Path, bytes, Callable[[Path], Any]]) -> None:
    path, content, read = damaged
    expected = read(path)
    generator = random.Random(path.name)  # noqa: S311
    refused = 0
    for _ in range(CASES):
        changed = bytearray(content)
        for _ in range(generator.randint(1, 4)):
            changed[generator.randrange(len(changed))] ^= generator.randrange(1, 256)
        refused += assert_refused_or_unaffected(path, bytes(changed), read, expected)
    # What is not refused, are changes of white space and of names that nobody asks for.
    assert refused > CASES * 0.8


def test_a_measurement_and_the_results_of_a_study_are_sealed(tmp_path: Path) -> None:
    path = tmp_path / "measurement.json"
    document = {"decades": [0.5, 1.25], "names": ["layer1.0.bn1"], "net": {"depth": 20}}
    write_sealed_json(path, document)
    content = path.read_bytes()
    for position in range(len(content)):
        for flipped in (1, 4, 128):
            changed = bytearray(content)
            changed[position] ^= flipped
            path.write_bytes(changed)
            try:
                found = read_json(path)
            except ReslabError:
                continue
            assert {key: found[key] for key in document} == document
