"""Each tracker by its real package, offline: what was sent is read back by the package's reader."""

import json
import math
import sqlite3
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reslab.tracking.order import Tracking
from reslab.tracking.track import send_stored
from reslab.tracking.tracker import name_metrics
from tests.tracking.conftest import WriteRun, make_records

Series = dict[str, list[tuple[int, float]]]


def read_tensorboard(folder: Path) -> tuple[Series, str]:
    from tensorboard.backend.event_processing.event_accumulator import (  # noqa: PLC0415
        EventAccumulator,
    )

    (run,) = (folder / "tensorboard").iterdir()
    read = EventAccumulator(str(run), size_guidance={"scalars": 0, "tensors": 0})
    read.Reload()
    tags = read.Tags()
    # Files begun in the same second are read in any order.
    series = {tag: sorted((e.step, e.value) for e in read.Scalars(tag)) for tag in tags["scalars"]}
    assert {"_hparams_/session_start_info", "_hparams_/session_end_info"} <= set(tags["tensors"])
    return series, read.Tensors("config")[0].tensor_proto.string_val[0].decode()


def read_wandb(folder: Path) -> tuple[Series, str]:
    from wandb.proto import wandb_internal_pb2  # noqa: PLC0415

    series: Series = {}
    config = ""
    for path in sorted((folder / "wandb").glob("offline-run-*/*.wandb")):
        for content in read_leveldb_log(path.read_bytes()):
            record = wandb_internal_pb2.Record()  # type: ignore[attr-defined]
            record.ParseFromString(content)
            config += "".join(item.value_json for item in record.run.config.update)
            row = {
                item.key or "/".join(item.nested_key): json.loads(item.value_json)
                for item in record.history.item
            }
            for name, value in row.items():
                if not name.startswith("_"):
                    series.setdefault(name, []).append((row["_step"], float(value)))
    return series, config


def read_leveldb_log(content: bytes) -> Iterator[bytes]:
    """The records of W&B's offline file: a header of 7 bytes, then LevelDB's log format."""
    position, record = 7, b""
    while position + 7 <= len(content):
        if 32_768 - position % 32_768 < 7:
            position += 32_768 - position % 32_768
        _, length, kind = struct.unpack_from("<IHB", content, position)
        record += content[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):
            yield record
            record = b""


def read_mlflow(folder: Path) -> tuple[Series, str]:
    from mlflow.tracking import MlflowClient  # noqa: PLC0415

    client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow/mlflow.db")
    experiment = client.get_experiment_by_name("reslab")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    series = {
        name: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)]
        for name in run.data.metrics
    }
    assert run.info.status == "FINISHED"
    return series, json.dumps(run.data.params)


def read_trackio(folder: Path) -> tuple[Series, str]:
    series: Series = {}
    with sqlite3.connect(folder / "trackio" / "reslab.db") as database:
        rows = database.execute("select step, metrics from metrics order by step, id").fetchall()
        (config,) = database.execute("select config from configs").fetchone()
    for step, metrics in rows:
        for name, value in json.loads(metrics).items():
            if name not in ("state",):
                number = math.nan if value in (None, "NaN") else float(value)
                series.setdefault(name, []).append((step, number))
    return series, str(config)


READERS: dict[str, Callable[[Path], tuple[Series, str]]] = {
    "tensorboard": read_tensorboard,
    "wandb": read_wandb,
    "mlflow": read_mlflow,
    "trackio": read_trackio,
}


def expected_series() -> Series:
    series: Series = {}
    for record in make_records(range(1, 41)):
        for name, value in name_metrics(record).items():
            series.setdefault(name, []).append((record["step"], value))
    return series


def rounded(series: Series) -> Any:
    """To single precision, in which TensorBoard keeps scalars; NaN as a word."""
    return {
        name: [(step, f"{value:.5g}") for step, value in points] for name, points in series.items()
    }


# MLflow's own, of the database library it reads with.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")
@pytest.mark.parametrize("tracker", READERS)
def test_a_run_stopped_and_resumed_is_one_series_without_repeats(
    tracker: str, write_run: WriteRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(tracker)
    monkeypatch.setenv("WANDB_MODE", "offline")
    folder, tracking = tmp_path / "r8", Tracking(trackers=(tracker,))
    said: list[str] = []
    write_run(folder, 25)
    assert send_stored(folder, tracking, said.append) == {}
    # Steps 11 to 25 are taken again, after the checkpoint at 10.
    write_run(folder, 40, resumed_from=10)
    assert send_stored(folder, tracking, said.append) == {}
    assert send_stored(folder, tracking, said.append) == {}

    series, config = READERS[tracker](folder / "trackers")
    results = {name: points for name, points in series.items() if name.startswith("result/")}
    measured = {name: points for name, points in series.items() if name not in results}
    assert rounded(measured) == rounded(expected_series())
    assert "0.1" in config
    assert "resnet8" in config
    if tracker != "wandb":
        assert results["result/test_error_pct"] == [(40, 40.0)]
    assert len(said) == 2
    assert all(str(tmp_path) in line for line in said)


def test_deleted_tracker_files_are_made_again_whole(write_run: WriteRun, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    folder, tracking = tmp_path / "r8", Tracking(trackers=("tensorboard",))
    write_run(folder, 40)
    send_stored(folder, tracking, print)
    elsewhere = Tracking(trackers=("tensorboard",), folder=str(tmp_path / "elsewhere"))
    send_stored(folder, elsewhere, print)
    series, _ = read_tensorboard(tmp_path / "elsewhere")
    assert [step for step, _ in series["train/loss"]] == [10, 20, 30, 40]


def test_runs_of_one_name_stay_apart_in_a_shared_folder(
    write_run: WriteRun, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard")
    tracking = Tracking(trackers=("tensorboard",), folder=str(tmp_path / "all"), shared=True)
    for parent in ("a", "b"):
        write_run(tmp_path / parent / "r8", 20)
        send_stored(tmp_path / parent / "r8", tracking, print)
    assert len(list((tmp_path / "all" / "tensorboard").iterdir())) == 2
