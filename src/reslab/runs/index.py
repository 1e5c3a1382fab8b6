"""Finding the runs in a folder."""

from pathlib import Path

from reslab.runs.directory import CONFIG_FILE, RunDirectory


def find_runs(folder: Path) -> list[RunDirectory]:
    """Every run below `folder`, in order of path."""
    return [RunDirectory(path.parent) for path in sorted(folder.rglob(CONFIG_FILE))]
