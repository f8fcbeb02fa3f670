"""Writers of a bulk run are killed in the middle of blocks, and the server once.

Every ordinal is there once, and what is counted is what is there.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runners.database import embedded
from testing import desks
from testing.desks import Desk
from tests.chaos.test_chaos import crash_server

pytestmark = pytest.mark.queue

FIXTURES = Path(__file__).parents[1] / "pgtap" / "fixtures.sql"
KILLS = 10


@pytest.fixture
def own_server(database_url: str | None) -> Iterator[Desk]:
    """A server that may be killed."""
    if database_url is not None:
        pytest.skip("the server of DATABASE_URL is not killed")
    with (
        desks.server(None) as settings,
        desks.migrated(settings) as desk,
        desks.environment(desk.environment),
    ):
        yield desk


def connected(desk: Desk) -> psycopg.Connection[Any]:
    admin = desk.connect("admin")
    admin.execute("set search_path = desk, tap")
    return admin


def writer(desk: Desk, run_id: int) -> subprocess.Popen[str]:
    with connected(desk) as admin:
        row = admin.execute("select tap.given_runner('a', '{backtrader,bulk}')").fetchone()
    assert row is not None
    command = [sys.executable, "-m", "testing.bulk_points", str(row[0]), str(run_id), "500"]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        command, env={**os.environ, **desk.environment}, stdout=quiet, stderr=quiet, text=True
    )


@pytest.mark.parametrize("points", [50_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_killed_writers_record_each_point_once(own_server: Desk, points: int) -> None:
    chance = random.Random(7)
    with connected(own_server) as admin:
        admin.execute("create schema tap")
        admin.execute(FIXTURES.read_bytes())
        admin.execute("select tap.given_desk(), tap.given_runner('a', '{backtrader,bulk}')")
        for name, value in {
            "lease_seconds": 2,
            "retry_seconds": 0.05,
            "max_lost_attempts": 20,
            "pilot_points": 0,
        }.items():
            admin.execute("update settings set value = %s where name = %s", (json.dumps(value), name))
        grid = {"start": 1, "end": points // 1000, "step": 1}, {"start": 1001, "end": 2000, "step": 1}
        config = {
            "symbols": "AAPL",
            "optimization": {"parameters": dict(zip(("fast", "slow"), grid, strict=True))},
        }
        row = admin.execute("select tap.run_of(tap.given_job(1, %s))", [json.dumps(config)]).fetchone()
        assert row is not None
        run_id = row[0]
        assert admin.execute("select desk.make_bulk(%s)", [run_id]).fetchone() == (None,)
    writers = [writer(own_server, run_id), writer(own_server, run_id)]
    kills = 0
    until = time.monotonic() + 60 + points / 2_000
    while time.monotonic() < until:
        time.sleep(chance.uniform(0.1, 0.4))
        if kills < KILLS:
            victim = chance.randrange(2)
            writers[victim].kill()
            kills += 1
            if kills == KILLS // 2:
                crash_server(own_server.settings, "kill -9")
                embedded.start(own_server.settings)
        for place, one in enumerate(writers):
            if one.poll() is not None:
                writers[place] = writer(own_server, run_id)
        with connected(own_server) as admin:
            found = admin.execute("select status from optimization_runs where id = %s", [run_id]).fetchone()
        if found == ("completed",) and kills == KILLS:
            break
    for one in writers:
        one.kill()
        one.wait()
    with connected(own_server) as admin:
        books = admin.execute(BOOKS, [run_id]).fetchone()
    assert books == (points, points, 1, points, True, True, True, "completed"), (books, kills)


BOOKS = """
select count(*), count(distinct b.ordinal), min(b.ordinal), max(b.ordinal),
       max(p.finished) = count(*) filter (where b.outcome = 'finished')
         and max(p.failed) = count(*) filter (where b.outcome = 'failed'),
       max(p.passed) = count(*) filter (where b.passed),
       (select sum(v.points) from bulk_verdicts as v where v.optimization_run_id = max(b.optimization_run_id))
         = (select count(*) from bulk_points as n where n.optimization_run_id = max(b.optimization_run_id)),
       (select r.status from optimization_runs as r where r.id = max(b.optimization_run_id))
from backtest_results as b
join run_progress as p on p.optimization_run_id = b.optimization_run_id
where b.optimization_run_id = %s
"""
