"""The files that a run reads, on a machine that may have them elsewhere."""

from dataclasses import replace
from pathlib import Path

from reslab.runs.executor import Locate
from reslab.training.run_config import ExecutionConfig

PATHS = ("data_root", "data_path", "weights")


def list_read(execution: ExecutionConfig) -> list[Path]:
    """The files and folders that a run reads; patterns and URLs are everywhere the same."""
    paths = [Path(path) for name in PATHS if (path := getattr(execution, name)) is not None]
    return [path for path in paths if path.exists() or str(path) == execution.data_root]


def relocate(execution: ExecutionConfig, locate: Locate) -> ExecutionConfig:
    """The same execution, with its files where this process finds them."""
    changes: dict[str, str] = {}
    for name in PATHS:
        path = getattr(execution, name)
        # Compared as paths, so that what has not moved keeps its spelling.
        if path is not None and (place := locate(Path(path))) != Path(path):
            changes[name] = str(place)
    return replace(execution, **changes)  # type: ignore[arg-type]
