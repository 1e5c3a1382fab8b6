"""Measuring in a process of its own: nothing cached or fragmented by what was measured before."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.3
ONE_LINE = "result: "


def run_isolated(script: Path, task: dict[str, Any], threads: int) -> dict[str, Any]:
    """Run `script`, which calls `serve`, on one task.

    Returns:
        What its function returned, and `tree_memory_bytes`: the highest sum over the process and
        its children of memory, with shared pages divided among those who share them; None where
        the system does not tell.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, str(script)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        output, memory_bytes = _wait(process, json.dumps(task))
    lines = [line for line in output.splitlines() if line.startswith(ONE_LINE)]
    if process.returncode or not lines:
        raise SystemExit(f"{script.name} failed on {task}: see the message above")
    return {**json.loads(lines[-1].removeprefix(ONE_LINE)), "tree_memory_bytes": memory_bytes}


def serve(function: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Carry out the one task that `run_isolated` sends."""
    print(ONE_LINE + json.dumps(function(json.load(sys.stdin))))


def _wait(process: "subprocess.Popen[str]", content: str) -> tuple[str, int | None]:
    highest: int | None = None
    message: str | None = content
    while True:
        try:
            output, _ = process.communicate(message, timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            message = None
            now = _measure_tree(process.pid)
            highest = now if highest is None else max(highest, now or 0)
        else:
            return output, highest


def _measure_tree(root: int) -> int | None:
    """Proportional set size of a process and all below it, in bytes; None without Linux's /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may hold spaces.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        waiting += children.get(pid, [])
        total += _measure_process(pid)
    return total or None


def _measure_process(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
