"""How far jobs are: a bar each on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg.rows import class_row

from runners.terminal import bars, drawing_console, say

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

LINE_SECONDS = 5.0

STANDINGS = """
select job_id, state, strategy, coalesce(config_file, '') as config_file,
       total, finished, failed, passed, summary, error, reused, flags, not is_open as over
from desk.job_progress
where job_id = any(%s)
order by job_id
"""


@dataclass(frozen=True)
class JobStanding:
    """A job as job_progress has it."""

    job_id: int
    state: str
    strategy: str
    config_file: str
    total: int
    finished: int
    failed: int
    passed: int
    summary: str | None
    error: str | None
    reused: int = 0
    flags: Sequence[str] = ()
    over: bool = False

    @property
    def recorded(self) -> int:
        return self.finished + self.failed


def standings(connection: psycopg.Connection[Any], job_ids: Sequence[int]) -> list[JobStanding]:
    """How the jobs stand now, in order of their ids."""
    with connection.cursor(row_factory=class_row(JobStanding)) as cursor:
        return cursor.execute(STANDINGS, (list(job_ids),)).fetchall()


class JobsProgress:
    """Shows standings as often as it is given them; it decides itself when to draw."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or drawing_console()
        self._bars = bars(self._console, "job {task.fields[job_id]}  {task.description}")
        self._tasks: dict[int, TaskID] = {}
        self._shown: dict[int, str] = {}
        self._last_lines = 0.0

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def show(self, jobs: Sequence[JobStanding]) -> None:
        if self._bars:
            for job in jobs:
                self._draw(self._bars, job)
        else:
            self._print(jobs)

    def say(self, text: str) -> None:
        """One line above the bars."""
        say(self._console, text)

    def _draw(self, bars: Progress, job: JobStanding) -> None:
        if job.job_id not in self._tasks:
            self._tasks[job.job_id] = bars.add_task(job.strategy, job_id=job.job_id, state="", start=False)
        task = self._tasks[job.job_id]
        if job.state not in ("held", "waiting") and not job.over:
            bars.start_task(task)
        bars.update(task, completed=job.recorded, total=job.total, state=_state(job))
        if job.over:
            bars.stop_task(task)

    def _print(self, jobs: Sequence[JobStanding]) -> None:
        """A line for each job that moved, every few seconds, and always for one that ended."""
        now = time.monotonic()
        due = now - self._last_lines >= LINE_SECONDS
        for job in jobs:
            line = f"job {job.job_id}  {job.strategy}: {job.recorded} of {job.total}, {_state(job)}"
            if self._shown.get(job.job_id) != line and (due or job.over):
                self._shown[job.job_id] = line
                self._last_lines = now
                self.say(line)


def _state(job: JobStanding) -> str:
    parts = [f"{job.passed} passed"] if job.finished else []
    if job.failed:
        parts.append(f"{job.failed} failed")
    if job.state == "held":
        parts.append("held while pilot points run")
    elif job.state not in ("running", "done"):
        parts.append(job.state)
    return ", ".join(parts) or job.state
