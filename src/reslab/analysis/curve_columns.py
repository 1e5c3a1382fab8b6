"""Which column of a stranger's log holds what: found by its name, or told."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

from reslab.errors import DataError

Scale = Literal["auto", "percent", "fraction"]

_TRAIN = {"train", "training", "trn", "tr"}
_TEST = {"test", "testing", "tst"}
_VALIDATION = {"val", "valid", "validation", "eval", "dev", "evaluation", "holdout"}
_ERROR = {"err", "error", "errors"}
_ACCURACY = {"acc", "accuracy", "top1", "acc1", "prec1", "precision1", "correct"}
_LOSS = {"loss", "nll", "xent", "ce", "crossentropy", "cost"}
# What a name may say beside split and measure; any other word makes it another measurement.
_IDLE = {
    "rate", "pct", "percent", "percentage", "1", "top", "mean", "avg", "average", "epoch", "step",
    "categorical", "sparse", "binary", "multiclass", "running", "cross", "entropy", "set",
    "metrics", "classification", "final", "cls", "full", "value",
}  # fmt: skip
_STEPS = ("epoch", "epochs", "step", "steps", "globalstep", "iteration", "iterations", "iter",
          "iters", "trainerglobalstep", "batch", "update", "updates", "n", "i")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ColumnNames:
    """The columns of a log; None is found by name, or absent."""

    step_column: str | None = None
    """Column of steps or epochs."""
    train_error: str | None = None
    """Column of the training error."""
    test_error: str | None = None
    """Column of the test (or validation) error."""
    train_accuracy: str | None = None
    """Column of the training accuracy: 100 % minus the error."""
    test_accuracy: str | None = None
    """Column of the test (or validation) accuracy."""
    train_loss: str | None = None
    """Column of the training loss."""
    test_loss: str | None = None
    """Column of the test (or validation) loss."""
    learning_rate_column: str | None = None
    """Column of the learning rate."""


def find_columns(header: Sequence[str], named: ColumnNames, origin: str) -> ColumnNames:
    """The column for each meaning; those `named` win over those found.

    Args:
        header: the names in the file.
        named: what the user has told.
        origin: the file, for the error message.

    Raises:
        DataError: if a named column is not there, or several could mean the same.
    """
    found: dict[str, str | None] = {}
    for field in fields(ColumnNames):
        told: str | None = getattr(named, field.name)
        if told is not None and told not in header:
            raise DataError(
                f"{origin} has no column {told!r}: its columns are {list_names(header)}"
            )
        found[field.name] = told or _find(field.name, header, origin)
    return ColumnNames(**found)


def list_names(header: Sequence[str]) -> str:
    """The names of columns in a sentence, at most twenty."""
    more = f" and {len(header) - 20} more" if len(header) > 20 else ""
    return ", ".join(repr(name) for name in header[:20]) + more


def is_percent_by_name(column: str) -> bool:
    """Whether a column's own name says percent."""
    return "%" in column or bool({"pct", "percent", "percentage"} & set(_words(column)))


def is_epoch(column: str) -> bool:
    """Whether a column of steps counts epochs."""
    return bool({"epoch", "epochs"} & set(_words(column)))


def _find(meaning: str, header: Sequence[str], origin: str) -> str | None:
    if meaning == "step_column":
        return _find_step(header)
    if meaning == "learning_rate_column":
        return next((name for name in header if _is_rate(name)), None)
    split, measure = meaning.split("_")
    candidates = [name for name in header if _meaning(name) == (split, measure)]
    if split == "test":
        candidates = _prefer_test(candidates)
    candidates = _prefer_whole_epochs(candidates)
    if len(candidates) > 1:
        raise DataError(
            f"{origin}: {list_names(candidates)} could each be the {split} {measure}: name one "
            f"with --{meaning.replace('_', '-')}"
        )
    return candidates[0] if candidates else None


def _find_step(header: Sequence[str]) -> str | None:
    by_word = {"".join(_words(name)): name for name in reversed(header)}
    return next((by_word[word] for word in _STEPS if word in by_word), None)


def _is_rate(name: str) -> bool:
    words = _words(name)
    return "lr" in words or {"learning", "rate"} <= set(words) or "learningrate" in words


def _meaning(name: str) -> tuple[str, str] | None:
    words = set(_words(name))
    split, measure = _split(words), _measure(words)
    if measure is None:
        return None
    known = _TRAIN | _TEST | _VALIDATION | _ERROR | _ACCURACY | _LOSS | _IDLE
    if words - known:
        return None
    # Keras writes `loss` beside `val_loss`: what names no split is of the training set.
    return (split or "train"), measure


def _split(words: set[str]) -> str | None:
    if words & (_TEST | _VALIDATION):
        return "test"
    return "train" if words & _TRAIN else None


def _measure(words: set[str]) -> str | None:
    if words & _ERROR:
        return "error"
    if words & _ACCURACY or {"top", "1"} <= words:
        return "accuracy"
    return "loss" if words & _LOSS or {"cross", "entropy"} <= words else None


def _prefer_test(candidates: list[str]) -> list[str]:
    tested = [name for name in candidates if set(_words(name)) & _TEST]
    return tested or candidates


def _prefer_whole_epochs(candidates: list[str]) -> list[str]:
    """Of `loss_step` and `loss_epoch` the one over epochs; of `running` and not, the other."""
    for avoided in ({"step"}, {"running"}):
        kept = [name for name in candidates if not set(_words(name)) & avoided]
        candidates = kept or candidates
    if len(candidates) > 1:
        named = [name for name in candidates if set(_words(name)) & (_TRAIN | _TEST | _VALIDATION)]
        candidates = named or candidates
    return candidates


def _words(name: str) -> list[str]:
    """Lower-case words of a name in any spelling: `valTop1Acc`, `Test error (%)`, `train/loss`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = re.findall(r"[a-z]+1?|[0-9]+", spaced.lower())
    joined = [_TOGETHER.get(word, (word,)) for word in words]
    return [part for parts in joined for part in parts]


# Spellings without a break between split and measure.
_TOGETHER = {
    f"{split}{measure}": (split, measure)
    for split in _TRAIN | _TEST | _VALIDATION
    for measure in _ERROR | _ACCURACY | _LOSS
}
