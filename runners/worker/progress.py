"""How far the work is: a bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from runners.terminal import bars, drawing_console, say

if TYPE_CHECKING:
    from rich.console import Console

LINE_SECONDS = 5.0


@dataclass(frozen=True)
class Standing:
    """What this worker has done, and what is left for all workers together."""

    done: int
    failed: int
    left: int
    running: int
    passed: int = 0
    best: str | None = None


class WorkProgress:
    """Shows a Standing as often as it is given one; it decides itself when to draw."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or drawing_console()
        self._bar = bars(self._console, "{task.description}")
        self._task = self._bar.add_task("backtests", total=None, state="") if self._bar else None
        self._shown = Standing(0, 0, 0, 0)
        self._last_line = 0.0

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, standing: Standing, *, final: bool = False) -> None:
        finished = standing.done + standing.failed
        state = _state(standing)
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=finished, total=finished + standing.left, state=state)
            self._shown = standing
            return
        now = time.monotonic()
        counts = (standing.done, standing.failed)
        if counts == (self._shown.done, self._shown.failed) or (
            not final and now - self._last_line < LINE_SECONDS
        ):
            return
        self._shown, self._last_line = standing, now
        self.say(f"{finished} of {finished + standing.left} backtests{state and ', ' + state}")

    def say(self, text: str) -> None:
        """One line above the bar."""
        say(self._console, text)


def _state(standing: Standing) -> str:
    parts = []
    if standing.running:
        parts.append(f"{standing.running} running")
    if standing.passed:
        parts.append(f"{standing.passed} passed")
    if standing.failed:
        parts.append(f"{standing.failed} failed")
    if standing.best:
        parts.append(f"best {standing.best}")
    return ", ".join(parts)
