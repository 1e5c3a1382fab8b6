"""Every fast path takes the steps of the simple one: the same seed, the first 50 losses."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from reslab.errors import ConfigError, RunError
from reslab.networks.weights import load
from reslab.runs.directory import RunDirectory
from reslab.training.capturing import record
from reslab.training.checkpoint import list_checkpoints
from reslab.training.loop import Observer, train
from reslab.training.opening import load_data, open_session
from reslab.training.recipe import WarmUp
from reslab.training.run_config import RunConfig
from reslab.training.session import TrainingSession
from reslab.training.start import own_state
from reslab.training.together import Place, train_together
from tests.training.conftest import MakeConfig
from tests.training.test_resume import assert_same_run

STEPS = 50
on_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU on this machine")

# Relative to the loss of the simple path, of the first step and of any of the first 50: rounding
# errors grow from step to step at a learning rate of 0.1. bfloat16 keeps 8 bits, TF32 11.
TOLERANCES = {"compiled": (1e-6, 1e-3), "tf32": (1e-3, 0.05), "bfloat16": (1e-2, 0.25)}


def execute(config: RunConfig, **changes: Any) -> RunConfig:
    return replace(config, execution=replace(config.execution, **changes))


def train_with(config: RunConfig, precision: str) -> RunConfig:
    return replace(config, recipe=replace(config.recipe, precision=precision))  # type: ignore[arg-type]


def run(config: RunConfig, folder: Path) -> list[float]:
    train(config, folder)
    return [r["loss"] for r in RunDirectory(folder).read_metrics() if r["kind"] == "train"]


def take_steps(session: TrainingSession, count: int = STEPS) -> list[float]:
    """Losses, read from the sums only after all steps, so that nothing waits in between."""
    sums = []
    for _ in range(count):
        session.advance()
        sums.append(session.window.loss.clone())
    losses = torch.stack(sums).diff(prepend=torch.zeros(1, device=sums[0].device))
    return [float(loss) for loss in losses]


def state_of(session: TrainingSession) -> dict[str, torch.Tensor]:
    momentum = [state["momentum_buffer"] for state in session.optimizer.state.values()]
    state = {f"momentum.{i}": tensor for i, tensor in enumerate(momentum)}
    return {k: v.detach().clone() for k, v in {**state, **session.classifier.state_dict()}.items()}


def assert_same_state(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []


@pytest.fixture
def config(make_config: MakeConfig) -> RunConfig:
    return make_config(steps=STEPS, log_every_steps=16, milestones=(20, 35), flip=True)


def test_the_step_to_be_recorded_is_the_eager_one(config: RunConfig) -> None:
    """As on a GPU: warmed up without a trace, given its images and learning rate by a counter."""
    found = []
    for prepare in (False, True):
        with own_state(config):
            session = open_session(config, load_data(config))
            if prepare:
                session.take_steps_by(record)
            found.append((take_steps(session), state_of(session)))
    assert found[0][0] == found[1][0]
    assert_same_state(found[0][1], found[1][1])


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the operations that are called, those of the backward pass too."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[Any] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        self.seen.add(func.overloadpacket)
        return func(*args, **(kwargs or {}))


def test_no_operation_of_the_step_waits_for_a_number(config: RunConfig) -> None:
    """A recording would fail on one; this much of it can be seen without a GPU."""
    aten = torch.ops.aten
    waits = {aten._local_scalar_dense, aten.nonzero, aten.equal, aten.masked_select}
    config = train_with(config, "bfloat16")
    config = replace(config, recipe=replace(config.recipe, batch_parts=2))
    session = open_session(config, load_data(config))
    session.advance()
    with Watch() as within:
        session.advance()
    assert {aten.convolution, aten.convolution_backward, aten._fused_sgd_} <= within.seen
    assert not within.seen & waits
    with Watch() as reading:
        float(session.window.loss)
    assert reading.seen & waits


def test_a_recording_may_begin_anywhere_in_a_run(config: RunConfig) -> None:
    with own_state(config):
        simple, late = (open_session(config, load_data(config)) for _ in range(2))
        whole = take_steps(simple, 30)
        first = take_steps(late, 21)
        late.take_steps_by(record)
        total = late.window.loss.clone()
        rest = take_steps(late, 9)
    assert first == whole[:21]
    assert rest[0] == pytest.approx(float(total) + whole[21], rel=1e-6)
    assert_same_state(state_of(simple), state_of(late))


def test_warming_up_leaves_no_trace(config: RunConfig) -> None:
    with own_state(config):
        session = open_session(config, load_data(config))
        take_steps(session, 3)
        before, random_before = state_of(session), torch.get_rng_state()
        calls: list[str] = []

        def note(
            step: Callable[[], None], warm_up: Callable[[], None], _device: torch.device
        ) -> Callable[[], None]:
            warm_up()
            calls.append("warmed up")
            return step

        session.take_steps_by(note)
        assert calls == ["warmed up"]
        assert_same_state(session_state := state_of(session), before)
        assert torch.equal(torch.get_rng_state(), random_before)
        take_steps(session, 1)
        assert not torch.equal(session_state["momentum.0"], state_of(session)["momentum.0"])


def test_a_run_prepared_for_recording_ends_with_the_same_bits(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    """With a warm-up that ends within the run, an interruption, and evaluations in between."""
    config = make_config(
        steps=60, warm_up=WarmUp(), milestones=(), log_every_steps=3,
        test_every_steps=10, checkpoint_every_steps=25,
    )  # fmt: skip
    train(config, tmp_path / "simple")
    recorded = execute(config, capture="always")
    train(recorded, tmp_path / "recorded")
    assert_same_run(tmp_path / "simple", tmp_path / "recorded")
    run = RunDirectory(tmp_path / "recorded")
    rates = {r["learning_rate"] for r in run.read_metrics() if r["kind"] == "train"}
    assert rates == {0.01, 0.1}
    run.result_path.unlink()
    list_checkpoints(run.checkpoints_path)[0].unlink()
    train(recorded, tmp_path / "recorded", resume=True)
    assert_same_run(tmp_path / "simple", tmp_path / "recorded")


@pytest.mark.parametrize("capture", ["never", "always"])
def test_runs_together_end_with_the_bits_of_each_alone(
    capture: str, make_config: MakeConfig, tmp_path: Path
) -> None:
    configs = [
        execute(config, capture=capture)
        for config in (
            make_config("resnet8", steps=STEPS, seed=0),
            make_config("plain14", steps=STEPS, seed=1, warm_up=WarmUp()),
            make_config("resnet8", steps=20, seed=1, flip=True),
        )
    ]
    places = [Place(config, tmp_path / f"together{i}") for i, config in enumerate(configs)]
    results = train_together(places)
    assert [result.steps_done for result in results] == [STEPS, STEPS, 20]
    for i, config in enumerate(configs):
        train(config, tmp_path / f"alone{i}")
        assert_same_run(tmp_path / f"alone{i}", tmp_path / f"together{i}")
    assert train_together(places) == results


def test_runs_together_go_on_where_they_stopped(make_config: MakeConfig, tmp_path: Path) -> None:
    configs = [make_config(steps=30, seed=seed, checkpoint_every_steps=30) for seed in (0, 1)]
    places = [Place(config, tmp_path / f"together{config.seed}") for config in configs]
    taken: list[int] = []

    def interrupt(step: int, _steps: int) -> None:
        taken.append(step)
        if len(taken) == 21:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_together(places, observer=Observer(on_step=interrupt))
    # In turn, and the locks are free again.
    assert taken == [step for step in range(1, 11) for _ in range(2)] + [11]
    assert [result.state for result in train_together(places)] == ["finished"] * 2
    for place in places:
        train(place.config, tmp_path / f"alone{place.config.seed}")
        assert_same_run(tmp_path / f"alone{place.config.seed}", place.folder)


def test_runs_together_keep_the_callers_random_state(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    train_together([Place(make_config(steps=2), tmp_path / "run")])
    assert torch.equal(torch.rand(2), expected)


def test_what_cannot_train_together_is_refused(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(batch_parts=2)
    with pytest.raises(ConfigError, match="at least one"):
        train_together([])
    for changes, words in (
        ({"device": "auto"}, "one device"),
        ({"data_root": "elsewhere"}, "one data set"),
        ({"ranks": 2}, "take ranks 1"),
    ):
        places = [Place(config, tmp_path / "a"), Place(execute(config, **changes), tmp_path / "b")]
        with pytest.raises(ConfigError, match=words):
            train_together(places)
    with pytest.raises(RunError, match="another process"):
        train_together([Place(config, tmp_path / "same")] * 2)


def test_bfloat16_takes_the_same_steps_to_its_rounding(config: RunConfig, tmp_path: Path) -> None:
    config = replace(config, recipe=replace(config.recipe, log_every_steps=1))
    full = run(config, tmp_path / "float32")
    rounded = run(train_with(config, "bfloat16"), tmp_path / "bfloat16")
    first, any_ = TOLERANCES["bfloat16"]
    assert rounded != full
    assert rounded[0] == pytest.approx(full[0], rel=first)
    assert rounded == pytest.approx(full, rel=any_)
    state = load(tmp_path / "bfloat16" / "weights.safetensors").state_dict()
    assert {tensor.dtype for tensor in state.values() if tensor.is_floating_point()} == {
        torch.float32
    }


@on_cuda
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
@pytest.mark.parametrize("parts", [1, 2])
def test_a_replayed_recording_takes_the_eager_steps(
    precision: str, parts: int, make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(
        steps=60, warm_up=WarmUp(), log_every_steps=1, test_every_steps=10, batch_parts=parts
    )
    config = execute(train_with(config, precision), device="cuda")
    with torch.backends.cudnn.flags(enabled=True, deterministic=True):
        eager = run(execute(config, capture="never"), tmp_path / "eager")
        recorded = run(execute(config, capture="always"), tmp_path / "recorded")
    assert recorded == eager
    assert_same_run(tmp_path / "eager", tmp_path / "recorded")


@on_cuda
def test_recorded_runs_together_end_with_the_bits_of_each_alone(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    configs = [
        execute(make_config(name, steps=STEPS, seed=seed), device="cuda", capture="always")
        for name, seed in (("resnet8", 0), ("resnet8", 1), ("plain14", 0))
    ]
    places = [Place(config, tmp_path / f"together{i}") for i, config in enumerate(configs)]
    with torch.backends.cudnn.flags(enabled=True, deterministic=True):
        train_together(places)
        for i, config in enumerate(configs):
            train(config, tmp_path / f"alone{i}")
            assert_same_run(tmp_path / f"alone{i}", tmp_path / f"together{i}")


@on_cuda
@pytest.mark.parametrize("path", ["compiled", "tf32", "bfloat16"])
def test_the_gpus_paths_take_the_cpus_steps_to_rounding(
    path: str, make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(steps=STEPS, log_every_steps=1)
    simple = run(config, tmp_path / "cpu")
    config = execute(config, device="cuda", compile="always" if path == "compiled" else "never")
    fast = run(config if path == "compiled" else train_with(config, path), tmp_path / "gpu")
    first, any_ = TOLERANCES[path]
    assert fast[0] == pytest.approx(simple[0], rel=first)
    assert fast == pytest.approx(simple, rel=any_)
