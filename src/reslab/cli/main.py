"""The installed command `reslab`."""

import sys
from typing import Annotated, Protocol

import tyro
from tyro.conf import subcommand

from reslab.cli.completion import Completion
from reslab.cli.convert import Convert
from reslab.cli.data import Data
from reslab.cli.describe import Describe
from reslab.cli.diagnose import Diagnose
from reslab.cli.evaluate import Evaluate
from reslab.cli.export import Export
from reslab.cli.failures import explain_failure
from reslab.cli.output import flush_output, print_message
from reslab.cli.plan import PlanRun
from reslab.cli.predict import Predict
from reslab.cli.report import Report
from reslab.cli.reproduce import Reproduce
from reslab.cli.runs import Runs
from reslab.cli.study import Study
from reslab.cli.sweep import Sweep
from reslab.cli.track import Track
from reslab.cli.train import Train
from reslab.cli.ui import Ui
from reslab.errors import ReslabError


class Command(Protocol):
    """One verb with its options."""

    def run(self) -> int:
        """Do it; returns the exit code."""


Verb = (
    Annotated[Describe, subcommand("describe")]
    | Annotated[Train, subcommand("train")]
    | Annotated[Data, subcommand("data")]
    | Annotated[Sweep, subcommand("sweep"), tyro.conf.SuppressFixed]
    | Annotated[Runs, subcommand("runs")]
    | Annotated[PlanRun, subcommand("plan")]
    | Annotated[Track, subcommand("track")]
    | Annotated[Study, subcommand("study")]
    | Annotated[Reproduce, subcommand("reproduce")]
    | Annotated[Report, subcommand("report")]
    | Annotated[Diagnose, subcommand("diagnose")]
    | Annotated[Convert, subcommand("convert")]
    | Annotated[Evaluate, subcommand("evaluate")]
    | Annotated[Predict, subcommand("predict")]
    | Annotated[Export, subcommand("export")]
    | Annotated[Ui, subcommand("ui")]
    | Annotated[Completion, subcommand("completion")]
)


def parse(arguments: list[str] | None) -> Command:
    """The verb that a command line asks for; exits with a message if it cannot be understood."""
    command: Command = tyro.cli(
        Verb,
        prog="reslab",
        description="Residual networks, understood and trained (He et al. 2016).",
        args=arguments,
        config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.OmitArgPrefixes),
    )
    return command


def main(arguments: list[str] | None = None) -> None:
    """Run one verb and exit: 0 done, 1 done in part, 2 cannot be done, 130 stopped by a signal."""
    try:
        code = parse(arguments).run()
        flush_output()
    except ReslabError as error:
        print_message(f"reslab: {error}")
        code = error.exit_code
    except KeyboardInterrupt:
        print_message("reslab: interrupted")
        code = 130
    except BrokenPipeError:
        # The reader, `head` for one, has gone; keep the interpreter from complaining at exit.
        sys.stderr.close()
        code = 141
    except (OSError, MemoryError, RuntimeError) as error:
        explanation = explain_failure(error)
        if explanation is None:
            raise
        print_message(f"reslab: {explanation}")
        code = ReslabError.exit_code
    sys.exit(code)
