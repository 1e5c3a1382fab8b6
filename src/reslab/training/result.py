"""How a run ended."""

from dataclasses import dataclass
from typing import Any, Literal

from reslab.files.documents import from_document


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The last measurements of a run; stored as `result.json` once it has finished or diverged."""

    state: Literal["finished", "diverged", "stopped"]
    """`diverged`: the loss became infinite or NaN. `stopped`: by a signal, to be resumed."""
    network: str
    family: Literal["plain", "residual"]
    depth: int
    """Weighted layers."""
    data: str
    seed: int
    digest: str
    """Of the run's configuration."""
    steps_done: int
    train_error_pct: float | None
    """Of the whole training set in evaluation mode; None if never evaluated."""
    train_loss: float | None
    running_train_error_pct: float | None
    """Of the net as it trained, over the last batches logged."""
    validation_error_pct: float | None
    """None where nothing was held out."""
    test_error_pct: float | None
    test_loss: float | None
    elapsed_seconds: float
    images_per_second: float
    """Over the whole run, evaluations included."""
    waited_for_images_pct: float = 0.0
    """Share of the time since the last start in which a step had to wait for its images."""
    unreadable_images: int = 0
    """Images that could not be read since the last start, and were passed over."""


def run_result_from(document: Any, origin: str) -> RunResult:
    """Decode a stored result.

    Raises:
        ConfigError: if a key is unknown or missing, or a value has the wrong type.
    """
    return from_document(document, RunResult, origin)
