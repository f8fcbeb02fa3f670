"""(g) Memory of a child that runs 1,000 points, and of a runner that works on a search of 1,000."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks.backtests import GOOG
from benchmarks.contest import task
from benchmarks.contestants import desk as engine
from benchmarks.desk import SMA_1000, Desk, desk
from benchmarks.prices import series
from benchmarks.rounds import markdown, spread
from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import Point
from runners.worker.process_limits import private_megabytes
from testing import PROJECT_ROOT

POINTS = [{"fast": fast, "slow": slow} for fast in range(5, 25) for slow in range(30, 130, 2)]
WARM = 200
KIB = 1024.0


def tables(quick: bool) -> Iterator[str]:
    rounds = 1 if quick else 5
    child = [_child() for _ in range(rounds)]
    rows = [("child, one item of 1,000 points", *_columns(child))]
    with desk() as here:
        runner = [_runner(here, seed) for seed in range(1, rounds + 1)]
    rows.append(("runner (the process with the connection), search of 1,000 points", *_columns(runner)))
    heads = (
        "",
        f"private MB after {WARM} points: min / median / max",
        "private MB at the end",
        "KiB a point in between: min / median / max",
    )
    yield markdown(heads, rows)


def _columns(found: Sequence[tuple[float, float, int]]) -> tuple[str, str, str]:
    growth = [KIB * (last - first) / points for first, last, points in found]
    return spread([one[0] for one in found]), spread([one[1] for one in found]), spread(growth, 2)


def _child() -> tuple[float, float, int]:
    """Private megabytes after the first points and after the last, and the points in between."""
    settings, prices = engine.settings(task("bench_sma", [], GOOG)), series(*GOOG)
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        found: list[float] = []
        points = [Point(number, point) for number, point in enumerate(POINTS)]
        for outcome in BacktraderEngine().run(settings, prices, points, lambda _: None):
            number = outcome.ordinal
            del outcome
            gc.collect()
            if number in (WARM, len(POINTS) - 1):
                found.append(private_megabytes(os.getpid()) or 0.0)
        os.write(writes, " ".join(map(str, found)).encode())
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as pipe:
        first, last = map(float, pipe.read().split())
    os.waitpid(child, 0)
    return first, last, len(POINTS) - WARM


def _runner(here: Desk, seed: int) -> tuple[float, float, int]:
    here.command("runners.cli", "queue", "--force", str(here.config("memory", SMA_1000, seed=seed)))
    worker = subprocess.Popen(
        [sys.executable, "-m", "runners.cli", "work", "--drain", "--processes", "2"],
        env=here.environment,
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    samples: list[tuple[int, float]] = []
    with here.connect("owner") as owner:
        while worker.poll() is None:
            row = owner.execute(
                "select finished + failed from desk.run_progress order by optimization_run_id desc limit 1"
            ).fetchone()
            memory = private_megabytes(worker.pid)
            if row is not None and memory:
                samples.append((int(row[0]), memory))
            time.sleep(0.1)
    warm = [memory for points, memory in samples if WARM <= points <= 2 * WARM]
    late = [memory for points, memory in samples if points >= len(POINTS) - WARM]
    if not warm or not late:
        return 0.0, 0.0, len(POINTS)
    return statistics.median(warm), statistics.median(late), len(POINTS) - 2 * WARM
