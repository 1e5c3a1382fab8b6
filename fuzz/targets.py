"""What is fuzzed: every parser of a file that may come from a stranger.

A target takes any bytes and either accepts them or raises a `ReslabError`; anything else it raises,
more than a few seconds, or more memory than the fuzzer allows is a finding. Where a digest would
turn away every altered file at the door, a second target signs what was altered, as an attacker
can.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save as save_tensors
from torch import Tensor

from reslab.analysis.curve_files import read_curve
from reslab.data.config import DataConfig
from reslab.data.images import decode_image
from reslab.data.load import load_dataset
from reslab.data.sources.cifar import CIFAR10, IMAGE_BYTES, load_cifar
from reslab.data.sources.opening import open_images
from reslab.data.sources.packed import INDEX_FILE
from reslab.errors import ReslabError
from reslab.export.description import METADATA_KEY, decode_description
from reslab.files.documents import read_json
from reslab.files.tensors import read_tensors, write_tensors
from reslab.networks.complexity import describe_network
from reslab.networks.conversion.convert import convert_weights
from reslab.networks.weights import load
from reslab.report.study_page import rebuild_report
from reslab.runs.directory import RunDirectory
from reslab.runs.metrics import MetricsLog, read_last_step, read_latest, read_metrics
from reslab.training.checkpoint import list_checkpoints, restore_newest
from reslab.training.loop import train
from reslab.training.opening import open_session
from reslab.training.plan import plan_network, plan_run
from reslab.training.run_config import ExecutionConfig, RunConfig, run_config_from

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


def curve_seeds() -> Iterable[bytes]:
    """Logs as several libraries write them."""
    yield b"epoch,train_loss,train_err,test_err\n0,2.3,0.9,0.91\n1,1.5,0.5,0.6\n2,0.4,0.1,0.2\n"
    yield b"step;train/acc;val/acc;lr\n0;10,5;9,5;0,1\n100;50,5;49,5;0,1\n"
    yield b"# run 3\nepoch\ttrain_error\tvalid_error\n1\t80%\t81%\n2\tnan\tnan\n"
    yield "\ufeffepoch|train_loss|val_loss\n1|2.0|2.1\n1|1.0|\n2|-|inf\n".encode("utf-16")


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


def state_dict() -> dict[str, Tensor]:
    """A net's weights under torchvision's names, small."""
    return load(make_run()[1].weights_path).network.state_dict()


def convert(path: Path) -> None:
    """Read another library's file as `reslab convert` does."""
    convert_weights(path, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))


def pickle_seeds() -> Iterable[bytes]:
    """State dicts in PyTorch's two formats, nested and not."""
    tensors = {name: tensor.clone() for name, tensor in state_dict().items()}
    for content, new in (
        (tensors, True),
        ({"state_dict": tensors, "epoch": 3}, True),
        (tensors, False),
    ):
        file = BytesIO()
        torch.save(content, file, _use_new_zipfile_serialization=new)
        yield file.getvalue()


def safetensors_seeds() -> Iterable[bytes]:
    """The same as safetensors."""
    yield save_tensors({k: v.contiguous() for k, v in state_dict().items()}, {"format": "pt"})


def hugging_face() -> Target:
    """config.json and preprocessor_config.json of a folder of transformers', one a line."""
    folder = FOLDER / "hugging-face"
    folder.mkdir(exist_ok=True)
    (folder / "model.safetensors").write_bytes(next(iter(safetensors_seeds())))

    def parse(content: bytes) -> None:
        config, _, processor = content.partition(b"\n")
        (folder / "config.json").write_bytes(config)
        (folder / "preprocessor_config.json").write_bytes(processor)
        convert(folder)

    config: dict[str, Any] = {
        "model_type": "resnet", "num_channels": 3, "embedding_size": 4, "hidden_sizes": [4, 8, 16],
        "depths": [1, 1, 1], "layer_type": "basic", "hidden_act": "relu",
        "downsample_in_first_stage": False, "id2label": {"0": "a", "1": "b"},
    }  # fmt: skip
    processor = {
        "crop_pct": 0.875, "do_normalize": True, "do_resize": True, "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.2, 0.2, 0.2], "resample": 3, "size": {"shortest_edge": 224},
        "crop_size": {"height": 224, "width": 224}, "do_center_crop": True,
    }  # fmt: skip
    seed = json.dumps(config).encode() + b"\n" + json.dumps(processor).encode()
    return Target(refusing(parse), lambda: [seed], is_json=True)


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


def image_bytes(kind: str) -> bytes:
    """A small picture."""
    file = BytesIO()
    pixels = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


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


TARGETS: dict[str, Callable[[], Target]] = {
    "weights": lambda: Target(in_file("weights.safetensors", load), weights_seeds),
    "weights-description": weights_description,
    "checkpoint": checkpoint,
    "checkpoint-description": checkpoint_description,
    "run-config": lambda: Target(in_file("config.json", read_config), config_seeds, is_json=True),
    "metrics": lambda: Target(in_file("metrics.jsonl", read_log), log_seeds),
    "metrics-values": lambda: Target(
        in_file("metrics.jsonl", read_log), lambda: [*log_seeds()][1:], is_json=True
    ),
    "curves": lambda: Target(in_file("curve.csv", read_curve), curve_seeds),
    "cifar": lambda: Target(refusing(read_cifar), cifar_seeds),
    "pickled-weights": lambda: Target(in_file("theirs.pth", convert), pickle_seeds),
    "foreign-safetensors": lambda: Target(
        in_file("theirs.safetensors", convert), safetensors_seeds
    ),
    "hugging-face": hugging_face,
    "results": lambda: Target(
        in_file("study/results.json", lambda path: rebuild_report(path.parent)),
        results_seeds,
        is_json=True,
    ),
    "exported-description": lambda: Target(
        refusing(describe_artefact), description_seeds, is_json=True
    ),
    "images": lambda: Target(
        refusing(lambda content: decode_image(content, 3, max_pixels=10**6)), image_seeds
    ),
    "shards": lambda: Target(in_file("shard.tar", read_images_of), shard_seeds),
    "table": table,
    "parquet": lambda: Target(in_file("table.parquet", read_images_of), parquet_seeds),
    "packed-index": lambda: Target(
        in_file(f"packed/{INDEX_FILE}", lambda path: read_images_of(path.parent)),
        packed_seeds,
        is_json=True,
    ),
    "packed-contents": packed_contents,
}
"""Every target by name; made when it is fuzzed."""


def clean_up() -> None:
    """Remove what the targets wrote."""
    shutil.rmtree(FOLDER, ignore_errors=True)
