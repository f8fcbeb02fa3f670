"""The one task that a worker may have beside its backtests, in a process of its own.

The loop never waits for it: request and answer are files, and whether it has ended is only looked up.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from runners.engines.base import AdjustedPrices
from runners.worker.queue import Queue
from runners.worker.work_items import Running, Task
from runners.worker.zygote_client import scrubbed

ERROR_LINES = 5
PROBED_DAYS, PROBED_BARS = 1_500, 4_000

# What computes only is not told the way to the database.
ON_PRICES = ("probe_code", "compare_kernel")
"""Tasks that are handed the prices of a run."""
NEEDS_NO_DATABASE = ("suggest", "weigh_parameters", "keep_curve", *ON_PRICES)


@dataclass
class _Process:
    child: subprocess.Popen[bytes]
    answer: IO[bytes]
    complaint: IO[bytes]

    def outcome(self) -> dict[str, Any] | None:
        """What `runners.tasks` answered, or a failure made of how it ended; None while it runs."""
        code = self.child.poll()
        if code is None:
            return None
        try:
            self.answer.seek(0)
            found: dict[str, Any] = json.load(self.answer)
            return found
        except ValueError:
            self.complaint.seek(0)
            lines = self.complaint.read().decode(errors="replace").strip().splitlines()
            said = "\n".join(lines[-ERROR_LINES:])
            # Killed from outside, perhaps for memory: another runner may have more.
            return {"error": f"the task's process ended with code {code}\n{said}".strip(), "again": code < 0}

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.answer.close()
        self.complaint.close()


class TaskSlot:
    """Empty, or one claimed task: first it runs, then its outcome waits until the database has taken it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._task: Task | None = None
        self._process: _Process | None = None
        self._outcome: dict[str, Any] | None = None

    @property
    def empty(self) -> bool:
        return self._task is None

    def running(self) -> Iterator[Running]:
        """For the heartbeat."""
        if self._task is not None:
            yield Running(self._task.item, None)

    def claim(self, queue: Queue, runner_id: int) -> bool:
        """Take a task if there is one and room for it."""
        if self._task is not None:
            return False
        task = queue.claim_task(runner_id)
        if task is None:
            return False
        self._task, self._outcome = task, None
        history = queue.search_history(task.item) if task.kind == "suggest" else None
        request: dict[str, Any] = {"kind": task.kind, "payload": task.payload, "history": history}
        if task.kind in ON_PRICES:
            request["prices"] = _last_bars(queue, task.payload)
        elif task.kind == "weigh_parameters":
            request["points"] = queue.task_points(task.item)
        elif task.kind == "keep_curve":
            run_id = int(task.payload["optimization_run_id"])
            request |= {"settings": queue.settings_document(run_id), "prices": _bars(queue.prices(run_id))}
        self._process = _start(request)
        return True

    def report(self, queue: Queue) -> bool:
        """Hand the outcome over once there is one; True when the slot has become empty."""
        if self._task is None:
            return False
        if self._outcome is None and self._process is not None:
            self._outcome = self._process.outcome()
        if self._outcome is None:
            return False
        word = queue.end_task(self._task.item, self._outcome)
        if "error" in self._outcome:
            self._say(f"task {self._task.kind} {word}: {self._outcome['error']}")
        self.clear()
        return True

    def lose(self, work_item_id: int, reason: str) -> None:
        """The claim is gone: end the process and send nothing."""
        if self._task is not None and self._task.item.work_item_id == work_item_id:
            self._say(f"task {self._task.kind} is no longer held: {reason}")
            self.clear()

    def clear(self) -> None:
        """End the process, if one runs, and forget the task."""
        if self._process is not None:
            self._process.close()
        self._task = self._process = self._outcome = None


def _last_bars(queue: Queue, payload: dict[str, Any]) -> list[tuple[object, ...]]:
    """The end of a run's prices: enough to tell, few enough to be run some dozens of times."""
    prices = queue.prices(int(payload["optimization_run_id"]))
    most = PROBED_DAYS if payload["timeframe"].endswith(("d", "w")) else PROBED_BARS
    first = max(series.epochs[-most:][0] for series in prices)
    return [_since(one, first) for one in prices]


def _bars(prices: Sequence[AdjustedPrices]) -> list[tuple[object, ...]]:
    return [_since(one, one.epochs[0]) for one in prices]


def _since(series: AdjustedPrices, first: int) -> tuple[object, ...]:
    begin = bisect_left(series.epochs, first)
    columns = (series.epochs, series.open, series.high, series.low, series.close, series.volume)
    return series.symbol, *(list(column[begin:]) for column in columns)


def _start(request: dict[str, Any]) -> _Process:
    answer, complaint = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
    environment = scrubbed(os.environ)
    if request["kind"] not in NEEDS_NO_DATABASE:
        environment = {**os.environ, "PYTHONPATH": environment["PYTHONPATH"]}
    with tempfile.TemporaryFile() as asked:
        asked.write(json.dumps(request).encode())
        asked.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "runners.tasks"],
            stdin=asked,
            stdout=answer,
            stderr=complaint,
            env=environment,
            # Ctrl-C on the terminal is for the worker to judge.
            start_new_session=True,
        )
    return _Process(child, answer, complaint)
