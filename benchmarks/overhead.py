"""(k) What of a runner's CPU is not spent in backtests: a runner of two children works on an SMA grid.

The runner is warm and goes on, so that no imports are counted. A child is forked from the zygote for each
work item; what it takes is known when it has ended.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import processor_time
from benchmarks.desk import SMA_400, SMA_1000, Desk, desk
from benchmarks.rounds import markdown, spread
from runners.jobs.queueing import queue, read_configs
from testing import PROJECT_ROOT

PROCESSES = 2
SECONDS = 600.0
SESSION = "select pid from pg_stat_activity where application_name = 'backdesk work'"
METHOD = """\
A grid of {points} points, `bench_sma` on 2,148 daily bars of GOOG, one runner, {processes} children at a
time, keep_series {keep}, {rounds} rounds; CPU, user and kernel, by /proc, from the insert of the job
until its run is closed. *Children*: all that the forked processes take, from the fork to their end: the
backtest, the fork's copies of pages, packing and writing of results. *Zygote*: forks and reaps them.
*Worker*: the process with the connection: claims, reads what children send, records. *Its session*: the
PostgreSQL process that serves it, which judges. *Rest of the server*: checkpointer, WAL writer, vacuum,
without the sessions of this benchmark. The runner is worker, zygote and children."""


@dataclass(frozen=True)
class Reading:
    children: float
    zygote: float
    worker: float
    session: float
    rest: float

    @property
    def runner(self) -> float:
        return self.children + self.zygote + self.worker


def tables(quick: bool) -> Iterator[str]:
    rounds = 1 if quick else 5
    parameters = SMA_400 if quick else SMA_1000
    with desk() as here, here.connect("admin") as admin, _runner(here) as worker:
        while not admin.execute(SESSION).fetchall():
            time.sleep(0.1)
        seed = 1
        _measure(here, admin, worker, SMA_400, seed, "passed")
        for keep in ("passed", "all"):
            found = []
            for _ in range(rounds):
                seed += 1
                found.append(_measure(here, admin, worker, parameters, seed, keep))
            yield _table(found, keep, 400 if quick else 1000)


@contextmanager
def _runner(here: Desk) -> Iterator[int]:
    runner = subprocess.Popen(
        [sys.executable, "-m", "runners.cli", "work", "--processes", str(PROCESSES)],
        env=here.environment,
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield runner.pid
    finally:
        runner.terminate()
        runner.wait(timeout=60)


def _measure(
    here: Desk, admin: psycopg.Connection[Any], worker: int, parameters: dict[str, str], seed: int, keep: str
) -> Reading:
    """CPU seconds from before a job is queued until its run is closed and the children have ended."""
    config = read_configs([here.config("overhead", parameters, seed=seed, keep=keep)])
    with here.connect("director") as director:
        before = _read(admin, worker)
        (queued,) = queue(director, config, force=True)
        deadline = time.monotonic() + SECONDS
        while not _over(admin, queued.job_id) or processor_time.children(_zygote(worker)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the job was not over after {SECONDS:.0f} s")
            time.sleep(0.05)
        after = _read(admin, worker)
        # A session of the benchmark's own, which the server's processes include.
        queueing = processor_time.of(director.info.backend_pid).own
    return Reading(
        after.children - before.children,
        after.zygote - before.zygote,
        after.worker - before.worker,
        after.session - before.session,
        after.rest - before.rest - queueing,
    )


def _over(admin: psycopg.Connection[Any], job_id: int) -> bool:
    """True when it is done; RuntimeError when it ended otherwise."""
    row = admin.execute("select state from desk.jobs where id = %s", (job_id,)).fetchone()
    assert row is not None
    if row[0] not in ("waiting", "running", "done"):
        raise RuntimeError(f"job {job_id} is {row[0]}")
    return bool(row[0] == "done")


def _read(admin: psycopg.Connection[Any], worker: int) -> Reading:
    ((session,),) = admin.execute(SESSION).fetchall()
    zygote = processor_time.of(_zygote(worker))
    return Reading(
        zygote.children,
        zygote.own,
        processor_time.of(worker).own,
        processor_time.of(session).own,
        processor_time.of_server(admin, without=[session]),
    )


def _zygote(worker: int) -> int:
    for child in processor_time.children(worker):
        if b"runners.worker.zygote" in Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    raise RuntimeError("the runner has no zygote")


def _table(found: Sequence[Reading], keep: str, points: int) -> str:
    method = METHOD.replace("\n", " ")
    method = method.format(points=f"{points:,}", processes=PROCESSES, keep=keep, rounds=len(found))
    columns = {
        "children": [one.children for one in found],
        "zygote": [one.zygote for one in found],
        "worker": [one.worker for one in found],
        "its session": [one.session for one in found],
        "rest of the server": [one.rest for one in found],
    }
    lines = [
        (name, spread([1000 * seconds / points for seconds in values], 3)) for name, values in columns.items()
    ]
    outside = [100 * (one.worker + one.zygote) / one.runner for one in found]
    lines.append(("share outside the children, runner", spread(outside) + " %"))
    judged = [
        100 * (one.worker + one.zygote + one.session) / (one.runner + one.session) for one in found
    ]
    lines.append(("share outside the children, runner and its session", spread(judged) + " %"))
    return f"{method}\n\n{markdown(('', 'CPU ms a point: min / median / max'), lines)}"
