"""The folder that was chosen: what is in it, and nothing outside it."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from reslab.errors import ConfigError
from reslab.runs.directory import RunDirectory

WEIGHTS_SUFFIX = ".safetensors"
RESULTS_FILE = "results.json"
SKIPPED = ("checkpoints", "measurements", "figures")
KEEP_SECONDS = 3.0
_ABSOLUTE_PATH = re.compile(r"(?<![\w./])/(?:[^\s/:'\",;()]+/)+([^\s/:'\",;()]*)")


class Workspace:
    """Finds things by their name below the folder, which is all that a browser ever sees of a path.

    Args:
        folder: the one chosen; it must exist.

    Raises:
        ConfigError: if there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ConfigError(f"{folder} is not a folder: name the one your runs are in")
        self.folder = folder.resolve()
        self._found: tuple[float, list[str]] = (-KEEP_SECONDS, [])

    def locate(self, name: str) -> Path:
        """The path of a name, links followed.

        Raises:
            ConfigError: if it is not in the folder.
        """
        path = (self.folder / name).resolve() if "\0" not in name else None
        if path is None or not path.is_relative_to(self.folder):
            raise ConfigError(f"{name!r} is not in the folder that this page shows")
        return path

    def locate_run(self, name: str) -> RunDirectory:
        """The run of that name.

        Raises:
            ConfigError: if there is none.
        """
        run = RunDirectory(self.locate(name))
        if not run.exists():
            raise ConfigError(f"there is no run {name!r} any more: choose one from the table")
        return run

    def locate_weights(self, name: str) -> Path:
        """The weights file of that name.

        Raises:
            ConfigError: if there is none.
        """
        path = self.locate(name)
        if path.suffix != WEIGHTS_SUFFIX or not path.is_file():
            raise ConfigError(f"there is no weights file {name!r}: choose one from the list")
        return path

    def list_weights(self) -> list[str]:
        """Names of all weights files, shallow ones first."""
        return [name for name in self._list_files() if name.endswith(WEIGHTS_SUFFIX)]

    def list_results(self) -> list[str]:
        """Names of all folders with a `results.json`."""
        paths = (Path(name) for name in self._list_files())
        return [path.parent.as_posix() for path in paths if path.name == RESULTS_FILE]

    def publish(self, text: str) -> str:
        """A message without the paths of this machine: names below the folder, else the last part.

        Args:
            text: meant for the terminal.
        """
        text = text.replace(f"{self.folder}/", "").replace(str(self.folder), "the folder")
        return _ABSOLUTE_PATH.sub(r"\1", text)

    def _list_files(self) -> list[str]:
        listed_at, names = self._found
        if time.monotonic() - listed_at > KEEP_SECONDS:
            names = sorted(self._walk(), key=lambda name: (name.count("/"), name))
            self._found = (time.monotonic(), names)
        return names

    def _walk(self) -> Iterator[str]:
        for path, folders, files in os.walk(self.folder):
            folders[:] = [name for name in folders if name not in SKIPPED and name[0] != "."]
            below = Path(path).relative_to(self.folder)
            for file in files:
                if file == RESULTS_FILE or file.endswith(WEIGHTS_SUFFIX):
                    yield (below / file).as_posix()
