"""The compiled step is the eager one to rounding, and is taken where it pays back."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reslab.runs.directory import RunDirectory
from reslab.training.checkpoint import list_checkpoints
from reslab.training.compiling import weigh
from reslab.training.loop import Observer, train
from tests.training.conftest import MakeConfig


def read_losses(folder: Path) -> list[float]:
    return [r["loss"] for r in RunDirectory(folder).read_metrics() if r["kind"] == "train"]


# What PyTorch says to itself when its compiler is first imported.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")
def test_fifty_compiled_steps_are_the_eager_ones_to_rounding(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Neither help from earlier compilations nor traces for later ones.
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    config = make_config("plain8", steps=50, batch_parts=2, log_every_steps=1)
    train(config, tmp_path / "eager")
    compiled = replace(config, execution=replace(config.execution, compile="always"))
    messages: list[str] = []
    train(compiled, tmp_path / "compiled", observer=Observer(on_message=messages.append))
    assert messages[0].startswith("training step compiled, in ")
    environment = json.loads(RunDirectory(tmp_path / "compiled").environment_path.read_text())
    assert environment["compile"]["compiled"]
    assert environment["compile"]["compile_seconds"] > 0
    eager, ours = read_losses(tmp_path / "eager"), read_losses(tmp_path / "compiled")
    assert len(ours) == 50
    assert ours[0] == pytest.approx(eager[0], rel=1e-6)
    # Rounding errors grow from step to step, the more the larger the learning rate.
    assert ours == pytest.approx(eager, rel=1e-3)


def test_compiling_must_pay_back_within_the_run() -> None:
    assert not weigh(20, steps_left=300, step_seconds=0.4).compiled
    assert weigh(20, steps_left=64_000, step_seconds=0.4).compiled
    # The deeper the network, the longer it takes to compile.
    assert not weigh(200, steps_left=10_000, step_seconds=0.4).compiled
    assert weigh(20, steps_left=10_000, step_seconds=0.4).compiled


def test_a_short_run_is_told_why_it_is_not_compiled(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(steps=12, checkpoint_every_steps=6)
    messages: list[str] = []
    observer = Observer(on_message=messages.append)
    train(config, tmp_path / "run", observer=observer)
    assert len(messages) == 1
    assert "not compiled: over 12 steps of" in messages[0]
    run = RunDirectory(tmp_path / "run")
    assert not json.loads(run.environment_path.read_text())["compile"]["compiled"]

    # Resumed it goes on as it was, without deciding again.
    run.result_path.unlink()
    list_checkpoints(run.checkpoints_path)[0].unlink()
    train(config, tmp_path / "run", resume=True, observer=observer)
    assert len(messages) == 1
