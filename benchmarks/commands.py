"""(b) Whole commands, start-up and database included, on two processes: a config against optstrategy."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.backtests import GOOG, SMA
from benchmarks.contest import ENVIRONMENT, FOLDER, task
from benchmarks.desk import SMA_400, Desk, desk
from benchmarks.rounds import measure, table
from testing import PROJECT_ROOT

PROCESSES = 2


def tables(quick: bool) -> Iterator[str]:
    points = SMA[:40] if quick else SMA
    with desk() as here:
        path = here.settings.home / "task.json"
        path.write_text(json.dumps(task("bench_sma", points, GOOG, processes=PROCESSES)))
        parameters = dict(SMA_400)
        if quick:
            parameters["fast"] = "{start: 5, end: 6, step: 1}"
        rows = measure(
            {
                "optstrategy(maxcpus=2), six analyzers": _wall(len(points), lambda: _optstrategy(path)),
                "runners.optimize_runner --processes 2": _wall(len(points), _searches(here, parameters)),
            },
            1 if quick else 5,
            # Its first command also finds out what a point takes, by a few pilots.
            warm=True,
        )
    title = f"SMA crossing, GOOG, 2,148 bars, grid of {len(points)}, two processes, points / wall seconds"
    yield f"{title}\n\n{table(rows, 'backtests a second')}"


def _wall(points: int, command: Callable[[], None]) -> Callable[[], float]:
    def compete() -> float:
        began = time.perf_counter()
        command()
        return points / (time.perf_counter() - began)

    return compete


def _optstrategy(path: Path) -> None:
    command = [sys.executable, "-W", "ignore", str(FOLDER / "optstrategy.py"), str(path)]
    subprocess.run(command, check=True, env=ENVIRONMENT, cwd=PROJECT_ROOT, capture_output=True)


def _searches(here: Desk, parameters: dict[str, str]) -> Callable[[], None]:
    seeds = itertools.count(1)

    def search() -> None:
        config = here.config("grid", parameters, seed=next(seeds))
        here.command("runners.optimize_runner", "--config", str(config), "--processes", str(PROCESSES))

    return search
