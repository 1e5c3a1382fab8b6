"""One tracker following one run: from the run's files to the tracker, each record once."""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock

from reslab.runs.directory import RunDirectory
from reslab.tracking.order import Order
from reslab.tracking.position import (
    Position,
    find_place,
    locate_file,
    read_position,
    write_position,
)
from reslab.tracking.tail import Tail
from reslab.tracking.tracker import TrackedRun, Tracker

POLL_SECONDS = 0.5
LOCK_SECONDS = 30.0


class Follower:
    """Tells a tracker of a run's records as they are written.

    Args:
        tracker: who is told.
        order: which run, and where the tracker writes.
    """

    def __init__(self, tracker: Tracker, order: Order) -> None:
        self.tracker = tracker
        self.order = order
        self.run = RunDirectory(Path(order.run_folder))
        self.tail = Tail(self.run.metrics_path)
        self.path = locate_file(order, "json")
        self.position = self._find_position()

    def begin(self) -> None:
        """Open the run with the tracker, with its configuration."""
        Path(self.order.folder).mkdir(parents=True, exist_ok=True)
        before = self.position
        tracked = TrackedRun(
            name=before.name,
            project=self.order.project,
            group=self.order.group,
            folder=Path(self.order.folder),
            config=self.run.read_config()["config"],
            begun_at=before.begun_at,
            handle=before.handle,
        )
        opened = self.tracker.begin(tracked)
        sent = {} if opened.is_new else before.sent
        self._keep(replace(before, handle=opened.handle, sent=sent, ended=None))

    def send_new(self) -> None:
        """Tell what was measured since the last time."""
        records = self.position.select_new(self.tail.read_new())
        if records:
            self.tracker.record(records)
            self._require_space()
            self._keep(self.position.after(records))

    def end(self, state: str) -> None:
        """Tell the rest, and how the run ended."""
        self.send_new()
        result: dict[str, Any] = self.run.read_result() or {}
        self.tracker.end(state, result)
        self._require_space()
        self._keep(replace(self.position, ended=state))

    def _find_position(self) -> Position:
        """The stored one if the tracker writes to the same place as then, else a first one."""
        place = find_place(self.order)
        stored = read_position(self.path)
        if stored is not None and stored.place == place:
            return stored
        name = self.run.path.name
        return Position(
            place=place,
            name=f"{name}-{uuid4().hex[:6]}" if self.order.shared else name,
            begun_at=_find_beginning(self.run),
        )

    def _require_space(self) -> None:
        """Not every tracker says that it could not write.

        Raises:
            OSError: if its disk is full.
        """
        if shutil.disk_usage(self.order.folder).free == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.order.folder)

    def _keep(self, position: Position) -> None:
        self.position = position
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_position(self.path, position)


def _find_beginning(run: RunDirectory) -> float:
    """When the run began, had it gone on without a pause, in seconds since 1970."""
    records = run.read_metrics()
    if not records:
        return run.config_path.stat().st_mtime
    return run.metrics_path.stat().st_mtime - float(records[-1].get("elapsed_seconds", 0.0))


def follow(
    tracker: Tracker,
    order: Order,
    wait_for_end: Callable[[float], str | None],
    on_begin: Callable[[str], None],
) -> None:
    """Follow a run until it ends.

    Args:
        tracker: who is told.
        order: which run.
        wait_for_end: waits so many seconds; returns the state with which the run ended, or None.
        on_begin: told how to look at what is tracked, once that is known.
    """
    run = RunDirectory(Path(order.run_folder))
    state = None
    while not run.exists() and state is None:
        state = wait_for_end(POLL_SECONDS)
    # The process of before, whose run was lost a moment ago, may still be telling the end of it.
    with FileLock(locate_file(order, "lock"), timeout=LOCK_SECONDS):
        follower = Follower(tracker, order)
        follower.begin()
        on_begin(tracker.describe_place())
        while state is None:
            follower.send_new()
            state = wait_for_end(POLL_SECONDS)
        follower.end(state)
