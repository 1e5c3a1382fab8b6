"""Processes that share a run, started by PyTorch's elastic launcher, and anew when one is lost.

This is what torchrun does on one machine, for those who would rather not type it.
"""

import logging
import signal
import sys
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from reslab.errors import ReslabError, RunError
from reslab.files.documents import read_json, write_json
from reslab.runs.directory import RunDirectory
from reslab.training.launch import find_launch
from reslab.training.loop import Observer, train
from reslab.training.ranks import RankLostError, ToldError
from reslab.training.result import RunResult, run_result_from
from reslab.training.run_config import RunConfig
from reslab.training.start import open_run

Watch = Callable[[], AbstractContextManager[Observer]]

LOST_CODE = 3
"""Exit code of a process whose run another one has left."""
STOPPED_CODE = 130
HEARD = [
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")
    if hasattr(signal, name)
]


def launch_training(
    config: RunConfig, folder: Path, *, restarts: int, resume: bool = False, watch: Watch
) -> RunResult:
    """Carry out one run, or the rest of it, in `config.execution.ranks` processes of this machine.

    When one is lost all start anew from the last checkpoint. An error that would come again, such
    as a missing data set, ends the run at once. A signal stops all, which save the state.

    Args:
        config: the run; on `cuda` each process has a GPU of its own.
        folder: as of `train`.
        restarts: how often to start anew.
        resume: as of `train`.
        watch: gives the first process its observer; can be pickled.

    Raises:
        RunError: as of `train`, and if processes were lost more often than `restarts`.
        ConfigError: as of `train`.
        DataError: as of `train`.
        KeyboardInterrupt: if a signal came before there was a state to save.
    """
    _, ended = open_run(RunDirectory(folder), config, resume=resume)
    if ended is not None:
        return ended
    with TemporaryDirectory(prefix="reslab-launch-") as name:
        reports = Path(name)
        with _quiet_launcher():
            launcher = elastic_launch(_describe(config.execution.ranks, restarts), _work)
            try:
                launcher(config, folder, resume, watch, reports)
            except ChildFailedError as error:
                _raise_reported(reports)
                raise _explain(error.get_first_failure()[1], restarts) from error
            except SignalException:
                # What the processes have reported until then counts.
                pass
        _raise_reported(reports)
        return _read_result(reports)


def _describe(processes: int, restarts: int) -> LaunchConfig:
    return LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=str(uuid.uuid4()),
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=restarts,
        signals_to_handle=",".join(number.name for number in HEARD),
    )


def _work(config: RunConfig, folder: Path, resume: bool, watch: Watch, reports: Path) -> None:
    """What each process does; it reports in files, as a signal leaves no return value."""
    launch = find_launch()
    rank, again = (0, False) if launch is None else (launch.rank, launch.restarts > 0)
    if any(reports.glob("error-*")):
        return
    try:
        with watch() if rank == 0 else nullcontext(Observer()) as observer:
            result = train(config, folder, resume=resume or again, observer=observer)
    except ToldError:
        return
    except RankLostError:
        sys.exit(LOST_CODE)
    except ReslabError as error:
        # It would come again: the others are not to start anew for it.
        write_json(reports / f"error-{rank}.json", str(error))
        return
    except Exception:
        # The launcher keeps it to itself.
        traceback.print_exc()
        raise
    if rank == 0:
        write_json(reports / "result.json", asdict(result))
    if result.state == "stopped":
        sys.exit(STOPPED_CODE)


def _raise_reported(reports: Path) -> None:
    for error in sorted(reports.glob("error-*")):
        raise RunError(read_json(error))


def _read_result(reports: Path) -> RunResult:
    path = reports / "result.json"
    if not path.is_file():
        raise KeyboardInterrupt
    return run_result_from(read_json(path), str(path))


def _explain(failure: ProcessFailure, restarts: int) -> RunError:
    cause = f"with exit code {failure.exitcode}"
    if failure.exitcode < 0:
        cause = f"killed by {signal.Signals(-failure.exitcode).name}"
    which = "a process" if failure.exitcode == LOST_CODE else f"process {failure.local_rank}"
    again = f" after {restarts} restart{'s' * (restarts > 1)}" if restarts else ""
    return RunError(
        f"{which} of the run was lost{again}, {cause}: the same command with --resume goes on from "
        "the last checkpoint"
    )


@contextmanager
def _quiet_launcher() -> Iterator[None]:
    """Keep the launcher's diary off stderr, and let go of the signals that it hears."""
    level = logging.root.manager.disable
    hears = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in HEARD if hears}
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(level)
        for number, handler in handlers.items():
            signal.signal(number, handler)
