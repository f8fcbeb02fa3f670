"""(q) The queue from the first tenth of a long search to its last: ten runners, points that cost nothing.

Seconds say what a user sees, and depend on what else the machine does; the CPU time of the server's processes
says whether the queue's own work grows with what has been claimed and recorded before.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.desk import Desk, desk
from benchmarks.rounds import markdown
from testing import PROJECT_ROOT

RUNNERS = 10
POINTS = 100_000
CONFIG = """\
strategy: bench_idle
symbols: [GOOG]
start_date: 2013-01-02
end_date: 2013-01-15
keep_series: passed
success_criteria: {{min_trades: 1}}
optimization:
  parameters:
    one: {{start: 1, end: {rows}, step: 1}}
    other: {{start: 1, end: 100, step: 1}}
"""
RECORDED = "select coalesce(sum(finished + failed), 0) from run_progress"
BACKENDS = "select pid from pg_stat_activity where application_name = 'backdesk work'"


def tables(quick: bool) -> Iterator[str]:
    points = 5_000 if quick else POINTS
    with desk() as here:
        marks = list(_marks(here, points))
    rows = []
    for tenth, (before, after) in enumerate(pairwise(marks), 1):
        done, seconds, cpu = (late - early for early, late in zip(before, after, strict=True))
        rows.append((str(tenth), f"{done:,.0f}", f"{done / seconds:,.0f}", f"{1000 * cpu / done:.2f}"))
    yield (
        f"{points:,} points of a strategy that does nothing, {RUNNERS} runners of one process\n\n"
        + markdown(("tenth", "points", "points a second", "server's CPU ms a point"), rows)
    )


def _marks(here: Desk, points: int) -> Iterator[tuple[float, float, float]]:
    """At each tenth: points recorded, seconds, and CPU seconds of the runners' sessions."""
    path = Path(here.settings.home) / "flat.yaml"
    path.write_text(CONFIG.format(rows=points // 100))
    with here.connect("admin") as admin:
        admin.execute("set search_path = desk")
        admin.execute("update settings set value = '0' where name = 'pilot_points'")
        # What the runners have, so that the job is accepted before they begin.
        here.command("runners.cli", "work", "--drain", "--processes", "1")
        here.command("runners.cli", "queue", str(path))
        runners = [_runner(here) for _ in range(RUNNERS)]
        try:
            tenth = 0
            while tenth <= 10:
                done = _count(admin)
                if done >= max(1, points * tenth // 10):
                    yield done, time.monotonic(), _server_cpu(admin)
                    tenth += 1
                if all(runner.poll() is not None for runner in runners):
                    raise RuntimeError(f"the runners ended after {done} points")
                time.sleep(0.02)
        finally:
            for runner in runners:
                runner.kill()
                runner.wait()


def _runner(here: Desk) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "runners.cli", "work", "--processes", "1"],
        env=here.environment,
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _count(admin: psycopg.Connection[Any]) -> int:
    row: Sequence[Any] | None = admin.execute(RECORDED).fetchone()
    assert row is not None
    return int(row[0])


def _server_cpu(admin: psycopg.Connection[Any]) -> float:
    ticks = 0
    for (pid,) in admin.execute(BACKENDS):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
