"""A desk, runners that can be hurt, and the books that must be right afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from testing.desks import Desk

PROJECT = Path(__file__).resolve().parents[2]
FIXTURES = PROJECT / "tests" / "pgtap" / "fixtures.sql"

# Every number of the desk's clocks that a test would otherwise wait for.
CLOCKS = {"lease_seconds": 2, "retry_seconds": 0.05, "max_lost_attempts": 20, "item_seconds": 0.2}


@dataclass(frozen=True)
class Books:
    """What the desk has written down of a run, beside what its points really went through."""

    points: int
    recorded: int
    finished: int
    counted: int
    attempts: int
    retries: int
    unexplained: int
    executions: int
    refused: int
    closings: int
    status: str

    def check(self) -> None:
        assert self.recorded == self.points, f"lost or doubled: {self}"
        assert self.finished == self.points, f"some failed: {self}"
        assert self.counted == self.points, f"the counters are wrong: {self}"
        assert (self.status, self.closings) == ("completed", 1), f"not closed exactly once: {self}"
        assert self.unexplained == 0, f"attempts without an event: {self}"
        assert self.attempts == self.points + self.retries, f"attempts do not add up: {self}"
        assert self.executions >= self.points, f"recorded without having run: {self}"


class Arena:
    """Runners on one desk; `hurt` is for whatever a test does to them."""

    def __init__(self, desk: Desk, folder: Path, seed: int, runners: Desk) -> None:
        self.desk = desk
        self.folder = folder
        self.random = random.Random(seed)
        self.runners: list[int] = []
        with self.connect() as admin:
            admin.execute("create schema tap")
            admin.execute(FIXTURES.read_bytes())
            admin.execute("select tap.given_desk()")
            for name, value in CLOCKS.items():
                admin.execute("update settings set value = %s where name = %s", (json.dumps(value), name))
            row = admin.execute("select tap.strategies()").fetchone()
        assert row is not None
        (folder / "strategies.json").write_text(json.dumps(row[0]))
        self._launcher = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.launcher", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **runners.environment, "PYTHONPATH": str(PROJECT)},
            cwd=PROJECT,
            text=True,
        )

    def connect(self) -> psycopg.Connection[Any]:
        connection = self.desk.connect("admin")
        connection.execute("set search_path = desk, analytics, tap")
        connection.execute("set client_min_messages = warning")
        return connection

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.connect() as admin:
            return admin.execute(query, parameters).fetchall()

    def queue(self, points: int) -> int:
        """A job of so many points, a multiple of 100; returns its run."""
        parameters = {
            "fast": {"start": 1, "end": points // 100, "step": 1},
            "slow": {"start": 901, "end": 1000, "step": 1},
        }
        config = {"symbols": "AAPL", "keep_series": "passed", "optimization": {"parameters": parameters}}
        ((job_id,),) = self.rows(
            "insert into jobs (strategy, config) values ('sma_crossover', %s) returning id",
            json.dumps(config),
        )
        ((run_id,),) = self.rows("select id from optimization_runs where job_id = %s", job_id)
        return int(run_id)

    def start(self, count: int, *, seconds: float = 0.001) -> None:
        for _ in range(count):
            assert self._launcher.stdin is not None
            assert self._launcher.stdout is not None
            self._launcher.stdin.write(f"{seconds}\n")
            self._launcher.stdin.flush()
            self.runners.append(int(self._launcher.stdout.readline()))

    def connected(self, count: int) -> None:
        """Until so many runners have registered."""
        began = time.monotonic()
        while self.rows("select count(*) from runners where stopped_at is null") < [(count,)]:
            assert time.monotonic() - began < 30, self.log()
            time.sleep(0.02)

    def kill(self, pid: int) -> None:
        """As `kill -9` of the runner; its zygote and children end by themselves."""
        self.runners.remove(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def recorded(self, run_id: int) -> int:
        query = "select finished + failed from run_progress where optimization_run_id = %s"
        ((count,),) = self.rows(query, run_id)
        return int(count)

    def wait(self, run_id: int, seconds: float = 120) -> float:
        """Until the run is over; seconds that it took."""
        began = time.monotonic()
        while True:
            with suppress(psycopg.OperationalError):
                ((status,),) = self.rows("select status from optimization_runs where id = %s", run_id)
                if status in ("completed", "failed", "cancelled"):
                    return time.monotonic() - began
            assert time.monotonic() - began < seconds, f"not over: {self.books(run_id)}\n{self.log()}"
            time.sleep(0.05)

    def while_running(self, run_id: int, times: int, hurt: Callable[[], None], pause: float) -> int:
        """Do something to the runners so many times, or until the run is over; how often it was done.

        Where the machine is faster than the pauses, progress sets the pace: the run must not end first.
        """
        ((points,),) = self.rows("select total from run_progress where optimization_run_id = %s", run_id)
        for done in range(times):
            with suppress(psycopg.OperationalError):
                ((status,),) = self.rows("select status from optimization_runs where id = %s", run_id)
                if status == "completed":
                    return done
            hurt()
            until = time.monotonic() + self.random.uniform(0.5, 1.5) * pause
            while time.monotonic() < until and self._behind(run_id, 0.9 * points * (done + 1) / times):
                time.sleep(0.01)
        return times

    def _behind(self, run_id: int, points: float) -> bool:
        try:
            return self.recorded(run_id) < points
        except psycopg.OperationalError:
            return True

    def books(self, run_id: int) -> Books:
        log = self.folder / "executions"
        lines = log.read_text().split("\n") if log.exists() else []
        executions = Counter(line.partition(" ")[0] for line in lines)[str(run_id)]
        ((found,),) = self.rows(BOOKS, run_id)
        return Books(executions=executions, **found)

    def log(self) -> str:
        path = self.folder / "runners.log"
        return path.read_text()[-3000:] if path.exists() else ""

    def close(self) -> None:
        assert self._launcher.stdin is not None
        self._launcher.stdin.close()
        for pid in self.runners:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._launcher.kill()
        self._launcher.wait()


@contextmanager
def arena(desk: Desk, folder: Path, seed: int = 1, runners: Desk | None = None) -> Iterator[Arena]:
    """`runners` is the desk as they reach it, where that is another way."""
    made = Arena(desk, folder, seed, runners or desk)
    try:
        yield made
    finally:
        made.close()


# An attempt beyond the first is explained by a retry event that names its point.
BOOKS = """
with run as (select %s::bigint as id),
retries as (
  select (e.details ->> 'ordinal')::bigint as ordinal, count(*) as times
  from job_events as e, run where e.optimization_run_id = run.id and e.event = 'retry' group by 1)
select jsonb_build_object(
  'points', p.total, 'counted', p.finished + p.failed, 'status', r.status,
  'recorded', count(distinct b.ordinal), 'finished', count(*) filter (where b.outcome = 'finished'),
  'attempts', sum(b.attempt), 'retries', coalesce(sum(t.times), 0),
  'unexplained', count(*) filter (where b.attempt <> 1 + coalesce(t.times, 0)),
  'refused', (
    select count(*) from job_events as e where e.optimization_run_id = r.id and e.event = 'refusal'),
  'closings', (
    select count(*) from job_events as e
    where e.optimization_run_id = r.id and e.event = 'run' and e.to_state = 'completed'))
from run
join optimization_runs as r on r.id = run.id
join run_progress as p on p.optimization_run_id = r.id
left join backtest_results as b on b.optimization_run_id = r.id
left join retries as t on t.ordinal = b.ordinal
group by r.id, p.optimization_run_id
"""
