"""Parsers of what reslab itself writes: runs, weights, studies, exported nets."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from parsers import FOLDER, Target, in_file, make_run
from torch import Tensor

from reslab.data.load import load_dataset
from reslab.errors import ReslabError
from reslab.export.description import METADATA_KEY, decode_description
from reslab.files.documents import read_json
from reslab.files.tensors import read_tensors, write_tensors
from reslab.networks.complexity import describe_network
from reslab.networks.weights import load
from reslab.runs.metrics import MetricsLog, read_last_step, read_latest, read_metrics
from reslab.training.checkpoint import list_checkpoints, restore_newest
from reslab.training.opening import open_session
from reslab.training.run_config import run_config_from


def weights_seeds() -> Iterable[bytes]:
    """A trained net."""
    yield make_run()[1].weights_path.read_bytes()


def sign(path: Path, tensors: dict[str, Tensor], content: bytes) -> None:
    """Write tensors with any JSON as their description, and the digest that fits."""
    document = json.loads(content)
    if not isinstance(document, dict):
        raise ReslabError
    document.pop("digest", None)
    write_tensors(path, tensors, document)


def as_description(source: Callable[[], Path], read: Callable[[Path], object]) -> Target:
    """The description of a file of tensors, altered and signed anew."""
    tensors, document = read_tensors(source())
    path = FOLDER / "signed" / source().name
    path.parent.mkdir(exist_ok=True)

    def parse(content: bytes) -> None:
        with suppress(ReslabError):
            try:
                sign(path, tensors, content)
            except (ValueError, RecursionError):
                return
            read(path)

    return Target(parse, lambda: [json.dumps(document).encode()], is_json=True)


def weights_description() -> Target:
    """What a weights file says of its network."""
    return as_description(lambda: make_run()[1].weights_path, load)


def checkpoint() -> Target:
    """A checkpoint as a run would go on from."""
    config, run = make_run()
    session = open_session(config, load_dataset("digits", None))
    folder = FOLDER / "checkpoints"
    newest = list_checkpoints(run.checkpoints_path)[0]
    parse = in_file(f"checkpoints/{newest.name}", lambda _: restore_newest(session, folder))
    return Target(parse, lambda: [newest.read_bytes()])


def checkpoint_description() -> Target:
    """What a checkpoint says beside its tensors."""
    config, run = make_run()
    session = open_session(config, load_dataset("digits", None))
    newest = list_checkpoints(run.checkpoints_path)[0]
    return as_description(lambda: newest, lambda path: restore_newest(session, path.parent))


def config_seeds() -> Iterable[bytes]:
    """The configuration of a run, without the seal that would turn every altered one away."""
    document = read_json(make_run()[1].config_path)
    yield json.dumps(document["config"]).encode()


def read_config(path: Path) -> None:
    """Decode a configuration and build the network's shapes, as a diagnosis does."""
    config = run_config_from(read_json(path), str(path))
    describe_network(config.network)


def read_log(path: Path) -> None:
    """Read all measurements, then those at the end, then drop the last."""
    last, latest = read_last_step(path), read_latest(path, ("test_error_pct",))
    records = read_metrics(path)
    if records and path.stat().st_size < 2**15:
        assert records[-1]["step"] == last == latest["step"]  # noqa: S101
    MetricsLog(path).forget_after(last)
    assert read_metrics(path) == [r for r in records if r["step"] <= last]  # noqa: S101


def log_seeds() -> Iterable[bytes]:
    """Measurements with checksums, and without as in older runs."""
    content = make_run()[1].metrics_path.read_bytes()
    yield content
    lines = [
        json.dumps({k: v for k, v in json.loads(line).items() if k != "crc32"})
        for line in content.splitlines()
    ]
    yield ("\n".join(lines) + "\n").encode()


def results_seeds() -> Iterable[bytes]:
    """What a study leaves."""
    setting = {
        "data": "digits", "budget": None, "steps": 4, "seeds": 1, "depths": [8, 14], "width": 4,
        "weights": [],
    }  # fmt: skip
    for study in ("degradation", "shortcuts", "responses", "landscape"):
        document = {"study": study, "setting": setting, "run_folders": ["runs", "../others"]}
        yield json.dumps(document).encode()


def description_seeds() -> Iterable[bytes]:
    """What an exported file says of itself."""
    document = read_tensors(make_run()[1].weights_path)[1]
    normalisation = {"mean": [0.5], "mean_shape": [1, 1, 1], "std": [0.2]}
    kept = {key: document[key] for key in ("network", "geometry", "class_names")}
    yield json.dumps(
        {
            "format": "reslab artefact 1", "precision": "fp32", **kept, "provenance": {},
            "normalisation": normalisation,
        }
    ).encode()  # fmt: skip


def describe_artefact(content: bytes) -> None:
    """Decode the description of an exported file."""
    text = content.decode("utf-8", "surrogateescape")
    decode_description({METADATA_KEY: text}, Path("net.onnx"))
