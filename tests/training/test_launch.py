"""What a launcher says is believed if it makes sense."""

import pytest

from reslab.cli.train_sharing import plan_sharing
from reslab.errors import ConfigError
from reslab.training.launch import VARIABLES, Launch, find_launch


def launched(patch: pytest.MonkeyPatch, *values: str, **others: str) -> None:
    for name, value in zip(VARIABLES, values, strict=True):
        patch.setenv(name, value)
    for name, value in others.items():
        patch.setenv(name, value)


def test_a_process_started_by_itself_has_no_launch(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert find_launch() is None
    # Some batch systems set these alone.
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert find_launch() is None


def test_torchruns_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    launched(
        monkeypatch, "5", "8", "1", "4", "node0", "29500",
        TORCHELASTIC_RESTART_COUNT="2", TORCHELASTIC_MAX_RESTARTS="3",
    )  # fmt: skip
    assert find_launch() == Launch(
        rank=5, size=8, local_rank=1, local_size=4, restarts=2, max_restarts=3
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (("0", "two", "0", "1"), "WORLD_SIZE is 'two'"),
        (("-1", "2", "0", "1"), "RANK is '-1'"),
        (("2", "2", "0", "1"), "contradict"),
        (("0", "2", "1", "1"), "contradict"),
        (("0", "2", "0", "4"), "contradict"),
    ],
)
def test_nonsense_is_refused(
    values: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched(monkeypatch, *values, "node0", "29500")
    with pytest.raises(ConfigError, match=words):
        find_launch()


CHOICES = {
    "device": "cpu", "gpus": None, "ranks": None, "restarts": None, "bn": None, "batch_parts": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({}, (1, None, None)),
        ({"ranks": 4}, (4, None, None)),
        ({"ranks": 4, "bn": "local"}, (4, 4, None)),
        ({"ranks": 4, "bn": "synchronised", "restarts": 2}, (4, 1, 2)),
        ({"ranks": 4, "bn": "local", "batch_parts": 4}, (4, 4, None)),
    ],
)
def test_options_are_resolved(
    choices: dict[str, object], expected: tuple[int, int | None, int | None]
) -> None:
    found = plan_sharing(**{**CHOICES, **choices})  # type: ignore[arg-type]
    assert (found.ranks, found.batch_parts, found.restarts) == expected


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"ranks": 4, "bn": "local", "batch_parts": 2}, "means 4 batch parts"),
        ({"bn": "synchronised", "batch_parts": 2}, "means 1 batch part here"),
        ({"gpus": 2}, "leave out --ranks and --device"),
        ({"gpus": 2, "device": "auto", "ranks": 4}, "leave out --ranks and --device"),
        ({"gpus": 0, "device": "auto"}, "positive number"),
        ({"gpus": 999, "device": "auto"}, "a GPU for each of 999 processes"),
        ({"restarts": -1}, "0 or more"),
    ],
)
def test_contradictions_are_refused(choices: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        plan_sharing(**{**CHOICES, **choices})  # type: ignore[arg-type]


def test_launched_processes_start_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    launched(monkeypatch, "1", "2", "1", "2", "localhost", "29500")
    assert plan_sharing(**CHOICES).ranks == 2  # type: ignore[arg-type]
    for name in ("gpus", "ranks", "restarts"):
        with pytest.raises(ConfigError, match=f"leave out --{name}"):
            plan_sharing(**{**CHOICES, name: 2})  # type: ignore[arg-type]
