"""`python -m reslab.web.resume RUN`: go on with a run by its stored configuration alone."""

import sys
from pathlib import Path

from reslab.errors import ReslabError
from reslab.runs.directory import RunDirectory
from reslab.training.loop import Observer, train
from reslab.training.run_config import run_config_from


def resume(folder: Path) -> int:
    """Train what is left of the run; returns the exit code.

    Raises:
        ReslabError: if the folder holds no run, or another process writes it.
    """
    run = RunDirectory(folder)
    config = run_config_from(run.read_config()["config"], str(run.config_path))
    observer = Observer(on_message=lambda text: print(text, flush=True))  # noqa: T201
    return 130 if train(config, folder, resume=True, observer=observer).state == "stopped" else 0


if __name__ == "__main__":
    try:
        sys.exit(resume(Path(sys.argv[1])))
    except ReslabError as error:
        sys.exit(str(error))
