"""(u) Points in bulk: what a point costs to store, judge and count, and what a run of them costs to close."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from benchmarks.desk import Desk, desk
from benchmarks.processor_time import of
from benchmarks.rounds import markdown, spread
from testing import PROJECT_ROOT, bulk_points

BLOCK = 2000
QUERIES = {
    "board's top 10": "select * from desk.board limit 10",
    "top 10 of the run": "select id, parameters, sharpe_ratio, passed, rejection_reasons"
    " from desk.backtest_results"
    " where optimization_run_id = {run} order by sharpe_ratio desc nulls last limit 10",
    "one result by id": "select * from desk.backtest_results where id = {last}",
    "reasons": "select * from desk.run_rejections where optimization_run_id = {run}",
    "sensitivity": "select * from desk.bulk_sensitivity where optimization_run_id = {run}",
}
BARE = (
    "select count(*), avg(sharpe_ratio), stddev(sharpe_ratio) from desk.bulk_points"
    " where optimization_run_id = {run}"
)


def tables(quick: bool) -> Iterator[str]:
    side = 20 if quick else 100
    with desk() as here, here.connect("owner", autocommit=True) as owner:
        owner.execute("set max_parallel_workers_per_gather = 0")
        owner.execute("update desk.settings set value = '0' where name = 'pilot_points'")
        pairs = [_pair(owner, round_) for round_ in range(1 if quick else 5)]
        plain, bulk = zip(*pairs, strict=True)
        ratios = [one / other for one, other in pairs]
        yield markdown(
            ("server CPU us a point, in turn", "min / median / max"),
            [
                ("complete_work, batches of 50, no curve", spread(plain)),
                (f"complete_block, blocks of {BLOCK:,}", spread(bulk)),
                ("ratio of a round", spread(ratios)),
            ],
        )
        yield _run(here, owner, side)


def _job(owner: psycopg.Connection[Any], seed: int, side: int, bulk: bool) -> tuple[int, int]:
    """A run of side * side * 100 points, and a runner that has its code."""
    ranges = {
        "rsi_period": {"start": 2, "end": side + 1, "step": 1},
        "entry_threshold": {"start": 0, "end": (side - 1) * 0.5, "step": 0.5},
        "exit_threshold": {"start": 0, "end": 99, "step": 1},
    }
    criteria = {"min_sharpe": 0.6, "min_trades": 30, "max_drawdown": 0.4, "max_fee_pct": 0.3}
    config = {
        "symbols": "GOOG", "seed": seed, "success_criteria": criteria, "optimization": {"parameters": ranges}
    }  # fmt: skip
    job = _one(
        owner,
        "insert into desk.jobs (strategy, config) values ('rsi_mean_reversion', %s) returning id",
        json.dumps(config),
    )
    run = _one(owner, "select min(id) from desk.optimization_runs where job_id = %s and role = 'search'", job)
    if bulk and _one(owner, "select desk.make_bulk(%s)", run) is not None:
        raise RuntimeError("the run cannot be a bulk run")
    runner = _one(
        owner,
        "insert into desk.runners (host, pid, version, engines, processes, platform)"
        " values ('bench', 1, 'bench', '{backtrader,bulk}', 2, 'bench') returning id",
    )
    owner.execute(
        "insert into desk.runner_code select %s, code_version_id from desk.run_versions"
        " where optimization_run_id = %s",
        [runner, run],
    )
    return run, runner


def _one(owner: psycopg.Connection[Any], query: str, *values: object) -> Any:
    row = owner.execute(query.encode(), values or None).fetchone()
    return row[0] if row else None


def _cpu(owner: psycopg.Connection[Any]) -> float:
    return of(owner.info.backend_pid).own


def _pair(owner: psycopg.Connection[Any], seed: int) -> tuple[float, float]:
    """Microseconds of the server a point, one by one and in blocks; in transactions that are rolled back."""
    found = []
    for bulk in (False, True):
        run, runner = _job(owner, 100 + 2 * seed + bulk, 20, bulk)
        owner.execute("begin")
        owner.execute("update desk.settings set value = '10000' where name like 'max%item_points'")
        owner.execute("select desk.start_run(%s, %s), desk.cut_work(%s)", [run, runner, run])
        owner.execute("delete from desk.work_items where optimization_run_id = %s", [run])
        token = _one(
            owner,
            "insert into desk.work_items (optimization_run_id, first_ordinal, last_ordinal, state, token,"
            " runner_id, lease_until, deadline_at) values (%s, 1, 40000, 'leased', gen_random_uuid(), %s,"
            " now() + interval '1 h', now() + interval '1 h') returning token",
            run, runner,
        )  # fmt: skip
        item = _one(owner, "select max(id) from desk.work_items")
        count = 20_000 if bulk else 2_000
        began = _cpu(owner)
        if bulk:
            bulk_points.ready(owner)
            for first in range(1, count, BLOCK):
                bulk_points.send(owner, item, token, first, BLOCK, 0)
        else:
            _plain(owner, item, token, count)
        found.append(1e6 * (_cpu(owner) - began) / count)
        owner.execute("rollback")
        owner.execute(
            "select desk.cancel_job(r.job_id) from desk.optimization_runs as r where r.id = %s", [run]
        )
    return found[0], found[1]


def _plain(owner: psycopg.Connection[Any], item: int, token: Any, count: int) -> None:
    made = bulk_points.points(1, count)
    names = bulk_points.COUNTS + bulk_points.REALS
    for first in range(0, count, 50):
        metrics = [
            json.dumps({"starting_cash": 100_000, **{name: made[name][place].item() for name in names}})
            for place in range(first, first + 50)
        ]
        owner.execute(
            "select desk.complete_work(array(select row(%s, %s, u.o, u.m, null, null, null, null, null, null,"
            " null, null, null, null)::desk.point_outcome"
            " from unnest(%s::bigint[], %s::jsonb[]) as u (o, m)))",
            [item, token, list(range(first + 1, first + 51)), metrics],
        )


def _run(here: Desk, owner: psycopg.Connection[Any], side: int) -> str:
    points = side * side * 100
    run, runner = _job(owner, 1, side, True)
    wal = "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8"
    before, began = _one(owner, wal), time.perf_counter()
    command = [sys.executable, "-m", "testing.bulk_points", str(runner), str(run), str(BLOCK)]
    writers = [
        subprocess.Popen(command, env=here.environment, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    waits: dict[str, list[float]] = {name: [] for name in QUERIES}
    while any(writer.poll() is None for writer in writers):
        last = _one(owner, "select max(id) from desk.bulk_points")
        for name, query in QUERIES.items():
            asked = time.perf_counter()
            owner.execute(query.format(run=run, last=last or 0).encode()).fetchall()
            waits[name].append(1e3 * (time.perf_counter() - asked))
        time.sleep(0.3)
    wall = time.perf_counter() - began
    told = [writer.communicate()[0].split() for writer in writers]
    server = sum(float(one[1]) for one in told)
    rows = [
        ("points a second, the close included", f"{points / wall:,.0f}"),
        ("server CPU us a point, the close included", f"{1e6 * server / points:.1f}"),
        ("writers' CPU us a point", f"{1e6 * sum(float(one[2]) for one in told) / points:.1f}"),
        ("WAL bytes a point", f"{(_one(owner, wal) - before) / points:.0f}"),
        ("bytes a point, indexes and samples included", f"{_size(owner) / points:.0f}"),
    ]
    bare = min(_timed(owner, BARE.format(run=run)) for _ in range(3))
    close = sum(
        _timed(owner, f"select desk.{step}")
        for step in (
            f"write_sensitivity({run})", f"judge_family({run})", f"flags_of({run})",
            f"runs_summary(array[{run}])",
        )
    )  # fmt: skip
    owner.execute(
        "update desk.success_criteria set threshold = 0.41"
        " where optimization_run_id = %s and metric = 'max_drawdown'",
        [run],
    )
    again = _timed(owner, f"select desk.rejudge_run({run})")
    rows += [
        ("bare count, mean, deviation: server CPU s", f"{bare:.2f}"),
        ("the close: server CPU s, and times that", f"{close:.2f}, {close / max(bare, 0.01):.0f}x"),
        ("rejudge_run: server CPU s", f"{again:.2f}"),
        *(
            (f"{name} meanwhile, ms: min / median / max", spread(found))
            for name, found in waits.items()
            if found
        ),
    ]
    return markdown((f"a run of {points:,} points, two writers", ""), rows)


def _timed(owner: psycopg.Connection[Any], query: str) -> float:
    began = _cpu(owner)
    owner.execute(query.encode())
    return _cpu(owner) - began


def _size(owner: psycopg.Connection[Any]) -> float:
    return float(
        _one(
            owner,
            "select sum(pg_total_relation_size(c.oid)) from pg_class as c"
            " where c.relnamespace = 'desk'::regnamespace and c.relkind = 'r' and c.relname like 'bulk%'",
        )
    )
