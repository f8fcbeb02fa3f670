"""A walk-forward on real prices comes out the same whether its runners live or are killed again and again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from runners.prices.load import load
from runners.prices.sample import read_sample
from testing import desks
from testing.desks import Desk

pytestmark = pytest.mark.search

CONFIG: dict[str, Any] = {
    "symbols": ["AAPL", "IBM"],
    "start_date": "2004-01-02",
    "end_date": "2008-12-31",
    "commission": 0.001,
    "success_criteria": {"min_trades": 5},
    "in_sample_criteria": {"min_sharpe": 0},
    "optimization": {
        "type": "Walk-Forward",
        "search": "Euler Search",
        "target_metric": "Sharpe Ratio",
        "walk_forward": {"in_sample": 189, "out_of_sample": 126, "embargo": 3, "warm_up": 20},
        "parameters": {
            "rsi_period": {"start": 3, "end": 9, "step": 3, "min_step": 1},
            "entry_threshold": [35, 40],
        },
    },
}

# A trend follower, whose winners are what is open at the end of a test.
TREND: dict[str, Any] = {
    **CONFIG,
    "symbols": "AAPL",
    "end_date": "2008-09-30",
    "slippage": 0.0005,
    "optimization": {
        "type": "Walk-Forward",
        "target_metric": "Sharpe Ratio",
        "walk_forward": {"unit": "months", "in_sample": 12, "out_of_sample": 4, "warm_up": 60},
        "parameters": {"fast": 10, "slow": [30, 60]},
    },
}

# All that a walk-forward found, free of ids and times.
FOLDS = """
select f.fold, f.in_sample_start, f.in_sample_end, f.out_of_sample_start, f.out_of_sample_end, f.state,
       f.efficiency, c.ordinal, c.parameters, c.sharpe_ratio, t.parameters, t.ending_value, t.sharpe_ratio,
       t.total_trades
from desk.walk_forward_folds as f
left join desk.backtest_results as c on c.id = f.chosen_result_id
left join desk.backtest_results as t on t.id = f.out_of_sample_result_id
order by f.fold
"""
# What the account did; what its trades earned, by the raw metric and one by one; the tests' own trades alone.
EARNED = """
select b.ending_value - b.starting_cash, b.trade_profit_sum,
  (select sum(t.profit) from desk.result_trades as t where t.backtest_result_id = b.id),
  (select sum(o.trade_profit_sum) from desk.walk_forward_folds as f
    join desk.backtest_results as o on o.id = f.out_of_sample_result_id where f.optimization_run_id = r.id),
  b.starting_cash
from desk.optimization_runs as r
join desk.backtest_results as b on b.optimization_run_id = r.id
where r.optimization_type = 'Walk-Forward'
order by r.id
"""
CURVE = """
select e.sessions, e.equity, b.sharpe_ratio, b.max_drawdown, b.total_trades, b.total_fees, b.passed, r.summary
from desk.optimization_runs as r
join desk.backtest_results as b on b.optimization_run_id = r.id
join desk.equity_curves as e on e.backtest_result_id = b.id
where r.optimization_type = 'Walk-Forward'
"""
POINTS = """
select f.fold, b.ordinal, b.parameters, b.outcome, b.ending_value, b.total_trades
from desk.walk_forward_folds as f
join desk.backtest_results as b on b.optimization_run_id = f.in_sample_run_id
order by f.fold, b.ordinal
"""


@contextmanager
def stocked(template: Desk) -> Iterator[Desk]:
    with desks.clone(template) as desk:
        desk.publish_strategies()
        with desk.connect("director") as director:
            for series in read_sample().series:
                if series.symbol in CONFIG["symbols"]:
                    load(director, series)
        with desk.connect("owner") as owner:
            # A point that is killed again and again must not be given up.
            owner.execute("update desk.settings set value = '50' where name = 'max_attempts'")
            owner.execute("update desk.settings set value = '0' where name = 'retry_seconds'")
        yield desk


def queue(desk: Desk, strategy: str = "rsi_mean_reversion", config: dict[str, Any] = CONFIG) -> None:
    with desk.connect("director") as director:
        director.execute(
            "insert into desk.jobs (strategy, config) values (%s, %s)", (strategy, json.dumps(config))
        )


def runner(desk: Desk, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "runners.cli", "work", "--processes", "1", *options],
        env={**os.environ, **desk.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def findings(desk: Desk) -> list[list[tuple[Any, ...]]]:
    with desk.connect("owner") as owner:
        return [owner.execute(query).fetchall() for query in (FOLDS, CURVE, POINTS)]


def assert_that_trades_earned_what_the_account_did(desk: Desk) -> None:
    queue(desk, "sma_crossover", TREND)
    assert runner(desk, "--drain").wait(120) == 0
    with desk.connect("owner") as owner:
        stitched = owner.execute(EARNED).fetchall()
    for change, trades, one_by_one, _, cash in stitched:
        assert trades == pytest.approx(change, abs=1e-9 * cash)
        assert one_by_one == pytest.approx(change, abs=1e-9 * cash)
    change, *_, closed_alone, _ = stitched[1]
    assert closed_alone < 0 < change, "its closed trades lost while it gained"


def killed_until_over(desk: Desk, watched: Any, most: int, seconds: float = 300) -> int:
    """One runner works; another is killed as often as it has got work, and replaced. The number of kills."""
    kills, victim, deadline = 0, None, time.monotonic() + seconds
    steady: subprocess.Popen[bytes] | None = None
    try:
        while time.monotonic() < deadline:
            (state,) = watched.execute("select state from desk.jobs").fetchone()
            if state in ("done", "failed"):
                return kills
            if victim is None:
                victim = runner(desk)
            held = watched.execute(
                "select count(*) from desk.work_items as w join desk.runners as r on r.id = w.runner_id"
                " where r.pid = %s and w.state = 'leased'",
                (victim.pid,),
            ).fetchone()
            if held[0] and kills < most:
                victim.kill()
                victim.wait()
                kills += 1
                # Its lease would run out in a minute.
                watched.execute(
                    "update desk.work_items as w set lease_until = now() - interval '1 s'"
                    " from desk.runners as r where r.id = w.runner_id and r.pid = %s and w.state = 'leased'",
                    (victim.pid,),
                )
                victim = None
            if 2 * kills >= most and steady is None:
                steady = runner(desk)
            time.sleep(0.01)
        raise AssertionError("the walk-forward did not end in time")
    finally:
        for process in (victim, steady):
            if process is not None:
                process.terminate()
                process.wait(30)


@pytest.mark.parametrize("most", [2, pytest.param(8, marks=pytest.mark.long)])
def test_killed_runners_change_nothing(template_desk: Desk, most: int) -> None:
    with ExitStack() as stack:
        calm = stack.enter_context(stocked(template_desk))
        stormy = stack.enter_context(stocked(template_desk))
        queue(calm)
        assert runner(calm, "--drain").wait(120) == 0
        expected = findings(calm)
        assert_that_trades_earned_what_the_account_did(calm)

        queue(stormy)
        with stormy.connect("admin") as watched:
            kills = killed_until_over(stormy, watched, most)
            expired = watched.execute(
                "select count(*) from desk.job_events where event = 'expiry' and to_state = 'expired'"
            ).fetchone()
        assert expired is not None
        assert expired[0] >= kills >= min(most, 5)
        folds, curve, points = findings(stormy)

    assert len(folds) >= 8
    assert sum(fold[5] == "done" for fold in folds) >= 4
    assert len(points) == len({(point[0], json.dumps(point[2])) for point in points}), "no point twice"
    assert folds == expected[0]
    assert points == expected[2]
    assert curve == expected[1]
    assert len(curve[0][0]) == 126 * len(folds)
