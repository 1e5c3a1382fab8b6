"""Several processes that share a run find what one process finds, and none outlives the others."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from reslab.data.dataset import LabelledImages
from reslab.errors import ConfigError, DataError, RunError
from reslab.evaluation.accuracy import Accuracy
from reslab.runs.directory import RunDirectory
from reslab.training.loop import Observer, train
from reslab.training.rank_processes import lead_ranks
from reslab.training.ranks import ALONE, Ranks
from reslab.training.recipe import WarmUp
from reslab.training.run_config import RunConfig
from reslab.training.shared_evaluation import evaluate_shared
from reslab.training.stop_vote import StopVote
from tests.training.conftest import MakeConfig
from tests.training.test_resume import assert_same_run, start, wait_for_step


def on_ranks(config: RunConfig, ranks: int) -> RunConfig:
    return replace(config, execution=replace(config.execution, ranks=ranks))


def train_until(config: RunConfig, folder: Path, step: int) -> None:
    """Go on with a run until it is interrupted."""

    def interrupt(done: int, _steps: int) -> None:
        if done == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, folder, resume=True, observer=Observer(on_step=interrupt))


def test_a_run_goes_on_with_two_ranks_then_one_then_two(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(steps=18, batch_parts=2, checkpoint_every_steps=5, log_every_steps=1)
    train(config, tmp_path / "whole")
    for ranks, until in ((2, 6), (1, 12)):
        train_until(on_ranks(config, ranks), tmp_path / "changing", until)
    train(on_ranks(config, 2), tmp_path / "changing", resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "changing")


def test_three_ranks_go_on_with_the_bits_of_three_never_interrupted(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    """Sums of three depend on their order, which is to be that of the run's beginning."""
    config = make_config(
        steps=9, batch_size=33, batch_parts=3, checkpoint_every_steps=3, log_every_steps=1
    )
    train(on_ranks(config, 3), tmp_path / "whole")
    train_until(on_ranks(config, 3), tmp_path / "interrupted", 4)
    train(on_ranks(config, 3), tmp_path / "interrupted", resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "interrupted")


def processes_of(parent: int) -> list[int]:
    """The followers that a process started: its children but for multiprocessing's tracker."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [
        int(child)
        for child in children
        if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()
    ]


def wait_for_end(process: int) -> None:
    deadline = time.monotonic() + 30
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_ranks_end_with_the_bits_of_one(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(
        steps=50, batch_parts=2, log_every_steps=1, warm_up=WarmUp(), train_error_every_steps=20
    )
    train(config, tmp_path / "one")
    train(on_ranks(config, 2), tmp_path / "two")
    assert_same_run(tmp_path / "one", tmp_path / "two")
    records = RunDirectory(tmp_path / "two").read_metrics()
    assert len({r["learning_rate"] for r in records if "learning_rate" in r}) > 1


def test_ranks_must_share_the_parts_equally(make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match="batch_parts is 3"):
        make_config(batch_parts=3)
    assert on_ranks(make_config(), 2).digest == make_config().digest
    for parts, ranks in ((1, 3), (4, 3), (4, 6), (2, 0), (1, 64)):
        with pytest.raises(ConfigError, match=f"ranks is {ranks}"):
            on_ranks(make_config(batch_parts=parts), ranks)


def test_a_run_stops_and_goes_on_with_another_number_of_ranks(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(steps=60, batch_parts=2, checkpoint_every_steps=60)
    train(config, tmp_path / "whole")
    process = start(on_ranks(config, 2), tmp_path / "stopped")
    wait_for_step(tmp_path / "stopped", 5)
    followers = processes_of(process.pid)
    assert len(followers) == 1
    # As some batch systems do: to every process.
    for number in (process.pid, *followers):
        os.kill(number, signal.SIGTERM)
    assert process.communicate(timeout=60)[0].strip() == "stopped"
    wait_for_end(followers[0])
    train(config, tmp_path / "stopped", resume=True)
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")


def test_no_rank_outlives_another(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(steps=60, batch_parts=2, checkpoint_every_steps=7)
    train(config, tmp_path / "whole")
    shared = on_ranks(config, 2)

    process = start(shared, tmp_path / "killed")
    wait_for_step(tmp_path / "killed", 5)
    (follower,) = processes_of(process.pid)
    process.kill()
    process.communicate(timeout=60)
    wait_for_end(follower)

    def kill_follower(step: int, _steps: int) -> None:
        if step == 25:
            for number in processes_of(os.getpid()):
                os.kill(number, signal.SIGKILL)

    with pytest.raises(RunError, match="--resume goes on"):
        train(shared, tmp_path / "killed", resume=True, observer=Observer(on_step=kill_follower))
    assert processes_of(os.getpid()) == []
    train(shared, tmp_path / "killed", resume=True)
    assert_same_run(tmp_path / "killed", tmp_path / "whole")


def add_up_own_number(ranks: Ranks) -> None:
    ranks.add_up([torch.tensor(float(ranks.rank))])


def fail(ranks: Ranks) -> None:
    raise ValueError("a follower's own mistake")


def test_sums_are_of_all_ranks() -> None:
    with lead_ranks(2, add_up_own_number) as ranks:
        total = torch.tensor(10.0)
        ranks.add_up([total])
    assert total == 10 + 1
    assert not torch.distributed.is_initialized()


def test_a_follower_that_fails_ends_the_wait_for_it(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RunError, match="was lost"), lead_ranks(2, fail) as ranks:
        ranks.add_up([torch.zeros(3)])
    assert "a follower's own mistake" in capfd.readouterr().err


def test_a_script_without_a_main_guard_is_told_of_it(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from reslab.training.rank_processes import lead_ranks\nwith lead_ranks(2, print): pass\n"
    )
    done = subprocess.run(
        [sys.executable, script], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert "below `if __name__ == '__main__':`" in done.stderr


def have_an_error_on_the_second(ranks: Ranks) -> None:
    assert ranks.tell(lambda: ranks.rank) == 0

    def work() -> str:
        if ranks.rank == 1:
            raise DataError("the disk of the second process is empty")
        return "done"

    ranks.together(work)


def test_what_fails_on_one_rank_ends_all_and_is_said_once(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with (
        pytest.raises(RunError, match="on process 1 of the run: the disk"),
        lead_ranks(2, have_an_error_on_the_second) as ranks,
    ):
        have_an_error_on_the_second(ranks)
    assert capfd.readouterr().err == ""


def vote(ranks: Ranks) -> int:
    """The step at which this rank hears that the last of them wished to stop at step 3."""
    votes = StopVote(ranks)
    last = ranks.size - 1
    return next(step for step in range(9) if votes.ask(ranks.rank == last and step == 3))


def evaluate_thousand_and_seven(ranks: Ranks) -> Accuracy:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (1_007, 1, 4, 4), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 10, (1_007,), generator=generator)
    weights = torch.randn(16, 10, generator=generator)
    return evaluate_shared(
        lambda pixels: pixels.flatten(1).float() @ weights, LabelledImages(images, labels), ranks
    )


def vote_and_evaluate(ranks: Ranks) -> tuple[int, Accuracy]:
    return vote(ranks), evaluate_thousand_and_seven(ranks)


def test_ranks_stop_together_and_count_every_image_once() -> None:
    """Two batches of 500 and one of 7 do not divide by two."""
    stops_at, alone = vote_and_evaluate(ALONE)
    assert stops_at == 3
    with lead_ranks(2, vote_and_evaluate) as ranks:
        stop_heard_at, shared = vote_and_evaluate(ranks)
    assert stop_heard_at == 4
    assert (shared.n, shared.wrong) == (1_007, alone.wrong)
    assert shared.loss == pytest.approx(alone.loss, rel=1e-12)
