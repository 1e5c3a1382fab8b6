"""A run that is killed, stopped or damaged ends as if nothing had happened."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from reslab.errors import CheckpointError, RunError
from reslab.files.documents import write_json
from reslab.files.tensors import read_tensors, write_tensors
from reslab.networks.weights import load
from reslab.runs.directory import RunDirectory
from reslab.training.checkpoint import list_checkpoints
from reslab.training.loop import Observer, train
from reslab.training.run_config import RunConfig
from tests.training.conftest import MakeConfig

TRAIN_IN_A_PROCESS = """
import json, sys
from pathlib import Path
from reslab.training.loop import train
from reslab.training.run_config import run_config_from
config = run_config_from(json.loads(Path(sys.argv[1]).read_text()), sys.argv[1])
print(train(config, Path(sys.argv[2]), resume=True).state)
"""


def start(config: RunConfig, folder: Path) -> "subprocess.Popen[str]":
    config_path = folder.with_suffix(".json")
    write_json(config_path, config.to_document())
    command = [sys.executable, "-c", TRAIN_IN_A_PROCESS, str(config_path), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def comparable_metrics(folder: Path) -> list[dict[str, object]]:
    timings = {"elapsed_seconds", "images_per_second"}
    records = RunDirectory(folder).read_metrics()
    return [{k: v for k, v in record.items() if k not in timings} for record in records]


def assert_same_run(a: Path, b: Path) -> None:
    ours, theirs = (load(folder / "weights.safetensors").state_dict() for folder in (a, b))
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert comparable_metrics(a) == comparable_metrics(b)
    newest = [list_checkpoints(RunDirectory(folder).checkpoints_path)[0] for folder in (a, b)]
    assert newest[0].name == newest[1].name


def wait_for_step(folder: Path, step: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        records = RunDirectory(folder).read_metrics()
        if records and records[-1]["step"] >= step:
            return
        time.sleep(0.002)
    raise TimeoutError(f"{folder} did not reach step {step}")


def test_kill_at_random_steps_then_resume_ends_bit_identical(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(steps=60, checkpoint_every_steps=7, train_error_every_steps=20)
    train(config, tmp_path / "whole")
    generator = random.Random(0)  # noqa: S311
    for step in sorted(generator.randrange(1, 55) for _ in range(3)):
        process = start(config, tmp_path / "killed")
        wait_for_step(tmp_path / "killed", step)
        process.kill()
        process.communicate(timeout=60)
    process = start(config, tmp_path / "killed")
    assert process.communicate(timeout=60)[0].strip() == "finished"
    assert_same_run(tmp_path / "killed", tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_cleanly_between_checkpoints(
    number: signal.Signals, make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(steps=80, checkpoint_every_steps=80)
    train(config, tmp_path / "whole")
    process = start(config, tmp_path / "stopped")
    wait_for_step(tmp_path / "stopped", 5)
    process.send_signal(number)
    assert process.communicate(timeout=60)[0].strip() == "stopped"
    assert process.returncode == 0
    assert len(list_checkpoints(RunDirectory(tmp_path / "stopped").checkpoints_path)) == 1
    assert train(config, tmp_path / "stopped", resume=True).state == "finished"
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")


@pytest.mark.parametrize("damage", ["truncate", "flip"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_used(
    damage: str, make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(steps=20, checkpoint_every_steps=5)
    train(config, tmp_path / "whole")
    folder = tmp_path / "damaged"
    train(config, folder)
    run = RunDirectory(folder)
    run.result_path.unlink()
    newest = list_checkpoints(run.checkpoints_path)[0]
    content = bytearray(newest.read_bytes())
    if damage == "truncate":
        content = content[: len(content) // 2]
    else:
        content[-100] ^= 1
    newest.write_bytes(content)
    messages: list[str] = []
    train(config, folder, resume=True, observer=Observer(on_message=messages.append))
    assert len(messages) == 1
    assert newest.name in messages[0]
    assert "the checkpoint before it" in messages[0]
    assert_same_run(folder, tmp_path / "whole")


def test_a_checkpoint_of_another_run_is_refused(make_config: MakeConfig, tmp_path: Path) -> None:
    train(make_config(seed=1), tmp_path / "other")
    train(make_config(), tmp_path / "run")
    run, other = RunDirectory(tmp_path / "run"), RunDirectory(tmp_path / "other")
    run.result_path.unlink()
    newest = list_checkpoints(run.checkpoints_path)[0]
    newest.write_bytes(list_checkpoints(other.checkpoints_path)[0].read_bytes())
    with pytest.raises(CheckpointError, match="of another run"):
        train(make_config(), tmp_path / "run", resume=True)


def test_a_last_line_cut_short_is_dropped(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(steps=10, checkpoint_every_steps=5)
    train(config, tmp_path / "whole")
    train(config, tmp_path / "cut")
    run = RunDirectory(tmp_path / "cut")
    run.result_path.unlink()
    with run.metrics_path.open("ab") as file:
        file.write(b'{"kind": "train", "st')
    train(config, tmp_path / "cut", resume=True)
    assert_same_run(tmp_path / "cut", tmp_path / "whole")
    assert all(json.loads(line) for line in run.metrics_path.read_text().splitlines())


def test_nothing_in_a_checkpoint_is_pickled(make_config: MakeConfig, tmp_path: Path) -> None:
    train(make_config(), tmp_path / "run")
    kinds = {path.suffix for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert kinds - {""} == {".json", ".jsonl", ".safetensors"}
    assert os.path.getsize(tmp_path / "run" / ".lock") == 0  # noqa: PTH202


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"step": 10**6}, "claims step 1000000 of 10"),
        ({"step": "5"}, "expected int"),
        ({"window_steps": -1}, "claims step"),
        ({"progress": {"warmed_up": 1}}, "progress"),
        ({"compiled": None, "elapsed_seconds": None}, "elapsed_seconds"),
    ],
)
def test_a_checkpoint_that_contradicts_itself_is_passed_over(
    change: dict[str, object], complaint: str, make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(steps=10, checkpoint_every_steps=5)
    train(config, tmp_path / "whole")
    train(config, tmp_path / "run")
    run = RunDirectory(tmp_path / "run")
    run.result_path.unlink()
    newest = list_checkpoints(run.checkpoints_path)[0]
    tensors, document = read_tensors(newest)
    del document["digest"]
    write_tensors(newest, tensors, {**document, **change})
    messages: list[str] = []
    train(config, run.path, resume=True, observer=Observer(on_message=messages.append))
    assert complaint in messages[0]
    assert_same_run(run.path, tmp_path / "whole")


def test_a_run_that_diverged_ends_so_again(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(steps=30, learning_rate=1e12, log_every_steps=3)
    before = train(config, tmp_path / "run")
    assert before.state == "diverged"
    run = RunDirectory(tmp_path / "run")
    records = run.read_metrics()
    run.result_path.unlink()
    after = train(config, tmp_path / "run", resume=True)
    assert (after.state, after.steps_done) == ("diverged", before.steps_done)
    assert run.read_metrics() == records


def test_measurements_that_are_lost_are_missed(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(steps=10, checkpoint_every_steps=5)
    train(config, tmp_path / "run")
    run = RunDirectory(tmp_path / "run")
    lines = run.metrics_path.read_bytes().splitlines(keepends=True)
    run.metrics_path.write_bytes(b"".join(lines[:-4]))
    with pytest.raises(RunError, match=r"metrics\.jsonl does not end as the run did"):
        run.read_metrics()
    run.result_path.unlink()
    with pytest.raises(RunError, match=r"metrics\.jsonl ends at step"):
        train(config, run.path, resume=True)
    assert run.metrics_path.read_bytes() == b"".join(lines[:-4])


def test_what_a_killed_process_left_half_written_is_removed(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    run = RunDirectory(tmp_path / "run")
    run.checkpoints_path.mkdir(parents=True)
    leftovers = [run.path / ".result.json.x.part", run.checkpoints_path / ".step-1.y.part"]
    for leftover in leftovers:
        leftover.touch()
    train(make_config(), run.path, resume=True)
    assert not any(leftover.exists() for leftover in leftovers)
