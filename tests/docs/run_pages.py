"""Run the code of pages as a reader would, each page in an empty folder and a process of its own.

    python -m tests.docs.run_pages OUT PAGE PAGE …

PyTorch is imported once and each page then forked from here, so that a page costs its commands and
not the start of each. Writes OUT/outcomes.json: for each page the failures, as texts.
"""

import io
import json
import multiprocessing
import os
import shlex
import subprocess
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from reslab.cli.main import main, parse
from tests.docs.markdown_blocks import REPOSITORY, CodeBlock, read_blocks

SHELL_WORDS = set("|<>;&*$`")
SHELLS = {"sh", "console"}
CIFAR = "data/cifar-10-batches-bin"


class PageFailure(Exception):  # noqa: N818
    """A block did not do what the page says."""


class PageRunner:
    """Takes the blocks of a page one after another; later ones see what earlier ones left."""

    def __init__(self, shared: Path | None) -> None:
        self.shared = shared
        self.names: dict[str, Any] = {"__name__": "__page__"}
        self.printed = ""

    def run(self, block: CodeBlock) -> None:
        """Do with a block what its language and mark ask for.

        Raises:
            PageFailure: if it ends otherwise than the page says.
        """
        if block.mark == "output":
            check_output(block.text, self.printed)
        elif block.mark == "file":
            Path(block.value).parent.mkdir(parents=True, exist_ok=True)
            Path(block.value).write_text(block.text)
        elif block.language == "python":
            self._run_python(block)
        elif block.language in SHELLS:
            self._run_lines(block)

    def _run_python(self, block: CodeBlock) -> None:
        code = compile(block.text, "page", "exec")
        if block.mark == "not run":
            return
        stdout = io.StringIO()
        with redirect_stdout(stdout):
            exec(code, self.names)  # noqa: S102
        self.printed = stdout.getvalue()

    def _run_lines(self, block: CodeBlock) -> None:
        lines = block.text.replace("\\\n", " ").splitlines()
        commands = [line for line in lines if line.strip() and not line.startswith("#")]
        for i, command in enumerate(commands):
            if block.mark == "not run":
                parse_command(command)
                continue
            shortened = block.mark == "smoke" and command.startswith("reslab ")
            last = block.mark == "exit" and i == len(commands) - 1
            self._run_command(
                f"{command} {block.value}" if shortened else command,
                expected=int(block.value) if last else 0,
            )

    def _run_command(self, command: str, *, expected: int) -> None:
        if "--data-root" in command:
            if self.shared is None:
                return
            command = command.replace("--data-root DIR", f"--data-root {self.shared / CIFAR}")
        code, self.printed, errors = call(command)
        if code != expected:
            raise PageFailure(f"{command}\nended with {code}, not {expected}:\n{errors}")


def call(command: str) -> tuple[int, str, str]:
    """Carry out one line; returns exit code, standard output and standard error."""
    if SHELL_WORDS & set(command) or not command.startswith("reslab "):
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr
    stdout, stderr = io.StringIO(), io.StringIO()
    with redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            main(shlex.split(command)[1:])
        except SystemExit as exit_:
            code = int(exit_.code or 0)
    return code, stdout.getvalue(), stderr.getvalue()


def parse_command(command: str) -> None:
    """Check that the command line understands a call of `reslab`; other programs are left alone.

    Raises:
        PageFailure: if it does not.
    """
    words = shlex.split(command, comments=True)
    if words[:1] != ["reslab"]:
        return
    stderr = io.StringIO()
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(stderr):
            parse(words[1:])
    except SystemExit as exit_:
        if exit_.code:
            raise PageFailure(f"{command}\nis not understood:\n{stderr.getvalue()}") from None


def check_output(promised: str, printed: str) -> None:
    """Compare line by line, spaces at the ends left out; `…` alone stands for any lines.

    Raises:
        PageFailure: at the first promised line that is not there.
    """
    lines = [line.rstrip() for line in printed.splitlines()]
    skipping = False
    for line in promised.splitlines():
        if line.strip() in ("…", "..."):
            skipping = True
            continue
        while skipping and lines and lines[0] != line.rstrip():
            lines.pop(0)
        if not lines or lines.pop(0) != line.rstrip():
            raise PageFailure(f"the page promises the line\n{line}\nbut printed was\n{printed}")
        skipping = False
    if lines and not skipping:
        raise PageFailure(f"printed, but not on the page:\n{lines[0]}")


def run_page(page: Path, folder: Path, shared: Path | None) -> list[str]:
    """Run a page in `folder`; returns what went wrong, at most one entry."""
    folder.mkdir(parents=True)
    os.chdir(folder)
    for name in ("examples", "results"):
        (folder / name).symlink_to(REPOSITORY / name)
    runner = PageRunner(shared)
    for block in read_blocks(page):
        try:
            runner.run(block)
        except PageFailure as failure:
            return [f"line {block.line}: {failure}"]
        except Exception:  # noqa: BLE001
            return [f"line {block.line}: {traceback.format_exc()}"]
    return []


def _run_and_report(page: Path, folder: Path, shared: Path | None, results: Any) -> None:
    results.put(run_page(page, folder, shared))


def run_pages(pages: list[Path], out: Path, shared: Path | None) -> dict[str, list[str]]:
    """Run each page in a process forked from this one."""
    context = multiprocessing.get_context("fork")
    outcomes = {}
    for page in pages:
        results = context.SimpleQueue()
        name = str(page.relative_to(REPOSITORY))
        folder = out / name.replace("/", "-").removesuffix(".md")
        process = context.Process(target=_run_and_report, args=(page, folder, shared, results))
        process.start()
        process.join()
        ended = results.empty()
        outcomes[name] = [f"ended with {process.exitcode}"] if ended else results.get()
    return outcomes


if __name__ == "__main__":
    import torch  # noqa: F401

    root = os.environ.get("RESLAB_SHARED")
    found = run_pages(
        [Path(name).resolve() for name in sys.argv[2:]],
        Path(sys.argv[1]).resolve(),
        Path(root) if root else None,
    )
    (Path(sys.argv[1]) / "outcomes.json").write_text(json.dumps(found))
