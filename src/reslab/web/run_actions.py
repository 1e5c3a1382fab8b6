"""Stopping runs and going on with them."""

from collections.abc import Callable, Sequence

from reslab.errors import ReslabError
from reslab.runs.directory import RunDirectory
from reslab.web.context import Context
from reslab.web.holders import stop_run

RESUME_MODULE = "reslab.web.resume"
LOG_FILE = "page.log"


def stop_chosen(context: Context, names: Sequence[str]) -> str:
    """Ask those that are running to stop; returns what to say."""
    return _act(context, names, "running", "asked to stop; its state is saved first", _stop)


def resume_chosen(context: Context, names: Sequence[str]) -> str:
    """Go on with those that were stopped, each by its stored configuration; returns what to say."""
    return _act(context, names, "stopped", "resumed", _resume)


def _stop(_context: Context, _name: str, run: RunDirectory) -> None:
    stop_run(run)


def _resume(context: Context, name: str, run: RunDirectory) -> None:
    context.jobs.start(name, RESUME_MODULE, [str(run.path)], run.path / LOG_FILE)


def _act(
    context: Context,
    names: Sequence[str],
    state: str,
    done: str,
    act: Callable[[Context, str, RunDirectory], None],
) -> str:
    states = context.table.states(names)
    succeeded, problems = 0, []
    for name in (name for name in names if states.get(name) == state):
        try:
            act(context, name, context.workspace.locate_run(name))
            succeeded += 1
        except ReslabError as error:
            problems.append(context.workspace.publish(str(error)))
    said = f"{succeeded} {'run' if succeeded == 1 else 'runs'} {done}." if succeeded else ""
    return " ".join([said, *problems]).strip() or f"None of the chosen runs is {state}."


def tell_failures(context: Context) -> list[str]:
    """What went wrong with commands that this page started; each is told once."""
    return [
        context.workspace.publish(f"{job.name}: {' '.join(job.last_words()) or 'it ended at once'}")
        for job in context.jobs.take_failed()
    ]
