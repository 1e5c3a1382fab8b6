"""Waiting for many remote processes at once, while the life of each is written down in one piece.

A life is a generator. It yields what it waits for, an answer or a pause, and is sent the answer, or
thrown what went wrong.
"""

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

# A place only reads and writes files when asked, its job being a process beside it.
ANSWER_SECONDS = 120.0


@dataclass(frozen=True)
class Answer:
    """Waits for what a remote call returns."""

    ref: Any
    within_seconds: float = ANSWER_SECONDS


@dataclass(frozen=True)
class Pause:
    """Waits."""

    seconds: float


class Silent(Exception):  # noqa: N818
    """An answer did not come in time."""


Life = Generator[Answer | Pause, Any, None]


class _Tended:
    def __init__(self, life: Life) -> None:
        self.life = life
        self.wait: Answer | Pause = Pause(0)
        self.since = time.monotonic()

    @property
    def waited_seconds(self) -> float:
        return time.monotonic() - self.since


class Tender:
    """Lets lives go on, each when it has what it waits for.

    Args:
        ray: connected.
    """

    def __init__(self, ray: Any) -> None:
        self.ray = ray
        self.tended: list[_Tended] = []

    def __len__(self) -> int:
        return len(self.tended)

    def add(self, life: Life) -> None:
        """Begin a life."""
        self.tended.append(_Tended(life))

    def take_turns(self, seconds: float) -> None:
        """Wait so long at most for an answer, and let go on whatever can.

        Raises:
            Exception: what a life does not catch.
        """
        waiting = {t.wait.ref: t for t in self.tended if isinstance(t.wait, Answer)}
        if waiting:
            answered, _ = self.ray.wait(list(waiting), timeout=seconds)
            for ref in answered:
                self._answer(waiting[ref], ref)
        else:
            time.sleep(seconds)
        for tended in list(self.tended):
            self._look_at_clock(tended)

    def close(self) -> None:
        """End all lives."""
        while self.tended:
            self.tended.pop().life.close()

    def _answer(self, tended: _Tended, ref: Any) -> None:
        try:
            answer = self.ray.get(ref, timeout=ANSWER_SECONDS)
        except self.ray.exceptions.RayError as error:
            self._go_on(tended, error=error)
        else:
            self._go_on(tended, answer)

    def _look_at_clock(self, tended: _Tended) -> None:
        wait = tended.wait
        if isinstance(wait, Pause):
            if tended.waited_seconds >= wait.seconds:
                self._go_on(tended)
        elif tended.waited_seconds > wait.within_seconds:
            self._go_on(tended, error=Silent(f"no answer for {wait.within_seconds:.0f} s"))

    def _go_on(
        self, tended: _Tended, answer: Any = None, *, error: Exception | None = None
    ) -> None:
        try:
            tended.wait = tended.life.send(answer) if error is None else tended.life.throw(error)
        except StopIteration:
            self.tended.remove(tended)
        tended.since = time.monotonic()
