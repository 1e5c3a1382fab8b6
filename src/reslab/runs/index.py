"""Finding runs in a folder by what they are."""

from pathlib import Path

from reslab.errors import ConfigError
from reslab.files.documents import read_json
from reslab.runs.directory import CONFIG_FILE, RunDirectory


def find_runs(folder: Path) -> list[RunDirectory]:
    """Every run below `folder`, in order of path."""
    return [RunDirectory(path.parent) for path in sorted(folder.rglob(CONFIG_FILE))]


def find_by_digest(folder: Path, digest: str) -> RunDirectory | None:
    """The run below `folder` whose configuration has this digest, if there is one."""
    for run in find_runs(folder):
        try:
            stored = read_json(run.config_path)
        except ConfigError:
            # A damaged configuration is some other run's trouble, not a reason to find nothing.
            continue
        if isinstance(stored, dict) and stored.get("digest") == digest:
            return run
    return None
