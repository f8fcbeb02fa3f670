"""Competitors as processes of their own, each warm and waiting for its turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.prices import csv_files
from testing import PROJECT_ROOT

FOLDER = Path(__file__).parent / "contestants"
OURS = ("desk", "queue_desk")
"""Contestants that import the desk."""
STRATEGIES = Path(__file__).parent / "strategies"
ENVIRONMENT = os.environ | {
    "BACKDESK_STRATEGIES": str(STRATEGIES),
    "PYTHONPATH": str(PROJECT_ROOT),
    "OMP_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "TQDM_DISABLE": "1",
}


class ContestError(RuntimeError):
    """A competitor ended instead of answering."""


@dataclass(frozen=True)
class Answer:
    """What a task took; `values` are what the competitor tells: of backtests, the account's last values."""

    points: int
    cpu: float
    wall: float
    values: list[float]

    @property
    def rate(self) -> float:
        """Points a CPU second."""
        return self.points / self.cpu


class Contestant:
    """One process that answers tasks."""

    def __init__(self, process: subprocess.Popen[str], name: str) -> None:
        self._process = process
        self._name = name

    def answer(self, task: dict[str, Any]) -> Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise ContestError(f"{self._name} has ended") from error
        line = self._process.stdout.readline()
        if not line:
            raise ContestError(f"{self._name} ended with {self._process.wait()}")
        return Answer(**json.loads(line))


@contextmanager
def contestants(
    scripts: Mapping[str, Sequence[str]], environments: Mapping[str, Mapping[str, str]] | None = None
) -> Iterator[dict[str, Contestant]]:
    """Start one process a script; `scripts` maps names to command lines, `environments` to more variables."""
    with ExitStack() as stack:
        running = {}
        for name, command in scripts.items():
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=ENVIRONMENT | dict((environments or {}).get(name, {})),
                cwd=PROJECT_ROOT,
            )
            stack.callback(_end, process)
            running[name] = Contestant(process, name)
        yield running


def _end(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def script(name: str, python: str | Path = sys.executable) -> list[str]:
    if name in OURS:
        return [str(python), "-m", f"benchmarks.contestants.{name}"]
    return [str(python), "-W", "ignore", str(FOLDER / f"{name}.py")]


def task(
    strategy: str, points: Sequence[dict[str, Any]], prices: tuple[str, int, int], **more: Any
) -> dict[str, Any]:
    """`prices` are kind, bars and feeds, see benchmarks.prices.series."""
    files = [str(path) for path in csv_files(*prices)]
    return {"strategy": strategy, "points": list(points), "series": prices, "files": files, **more}
