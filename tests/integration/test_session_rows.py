"""What strategies log reaches the database: all of it when they end or raise, all but a buffer at a kill."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from runners.prices import load, sample
from strategies.risk_limits import FRACTIONS, HIGHEST, RiskLimits
from strategies.run_context import ROWS_AT_ONCE
from strategies.session_rows import COLUMNS
from testing import desks
from testing.desks import Desk

CHATTY = '''
import os, signal
from strategies.base_strategy import BaseStrategy


class Chatty(BaseStrategy):
    """Buys or sells on every bar."""

    params = (("enable_db_logging", True), ("enable_risk_manager", True), ("how", "well"), ("bars", 100))

    def next(self):
        if len(self) == self.p.bars and self.p.how == "raise":
            raise ValueError("enough")
        if len(self) == self.p.bars and self.p.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        self.buy(size=1) if len(self) % 2 else self.sell(size=1)
'''


@pytest.fixture(scope="module")
def logged(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk that has run the strategy once well, once into an exception, once into a kill."""
    folder = tmp_path_factory.mktemp("strategies")
    (folder / "chatty.py").write_text(CHATTY)
    with desks.environment({"BACKDESK_STRATEGIES": str(folder)}):
        desk.publish_strategies()
        series = next(one for one in sample.read_sample().series if one.symbol == "GOOG")
        with desk.connect("director") as director:
            load.load(director, series)
            director.execute("update settings set value = '0.1' where name = 'retry_seconds'")
            director.execute(
                "insert into risk_limits (limit_name, threshold) values ('max_position_shares', 0)"
            )
            for how in ("well", "raise", "kill"):
                config = {
                    "symbols": "GOOG",
                    "start_date": "2009-01-02",
                    "end_date": "2010-12-31",
                    "risk_limits": {"max_position_shares": 5, "max_daily_loss": 1},
                    "optimization": {"parameters": {"how": how, "bars": 400}},
                }
                director.execute(
                    "insert into jobs (strategy, config) values ('chatty', %s)", (json.dumps(config),)
                )
        process = subprocess.run(
            [sys.executable, "-m", "runners.cli", "work", "--processes", "1", "--drain"],
            env={**os.environ, **desk.environment},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        yield desk


def rows(desk: Desk, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    with desk.connect("admin") as admin:
        admin.execute("set search_path = desk")
        return admin.execute(query, parameters).fetchall()


COUNTED = (
    "daily_summaries",
    "order_events",
    "fills",
    "position_history",
    "session_trades",
    "risk_events",
    "portfolio_snapshots",
)


def bars_logged(desk: Desk, how: str) -> tuple[list[str], list[int], list[int]]:
    """By attempt: the session's state, its days, its rows in all tables."""
    counts = [f"(select count(*) from {table} as x where x.session_id = t.id)" for table in COUNTED]
    found = rows(
        desk,
        f"select t.state, {counts[0]}, {' + '.join(counts)}"
        " from trading_sessions as t join optimization_runs as r on r.id = t.optimization_run_id"
        " where r.config #> '{optimization,parameters,how}' @> to_jsonb(%s::text) order by t.id",
        how,
    )
    return [row[0] for row in found], [row[1] for row in found], [row[2] for row in found]


def test_a_finished_session_is_whole(logged: Desk) -> None:
    states, days, _ = bars_logged(logged, "well")
    assert states == ["finished"]
    ((sessions, orders, trades, fees),) = rows(
        logged,
        "select b.sessions, b.total_orders, b.total_trades, b.total_fees from backtest_results as b"
        " where outcome = 'finished'",
    )
    assert days == [sessions]
    ((session,),) = rows(logged, "select id from trading_sessions where state = 'finished'")
    assert rows(
        logged,
        "select count(*) filter (where o.filled <> 0), round(sum(o.fees)::numeric, 6),"
        " (select count(*) from session_trades as t where t.session_id = %s)"
        " from orders as o where o.session_id = %s",
        session,
        session,
    ) == [(orders, round(Decimal(fees), 6), trades)]
    assert rows(
        logged,
        "select end_value = (select ending_value from backtest_results where outcome = 'finished')"
        " from daily_summaries where session_id = %s order by session_date desc limit 1",
        session,
    ) == [(True,)]


def test_a_strategy_that_raises_loses_nothing(logged: Desk) -> None:
    states, days, _ = bars_logged(logged, "raise")
    assert states == ["failed"]
    # On bar 400 it raised before the bar was over.
    assert days == [399]
    ((error,),) = rows(logged, "select error from trading_sessions where state = 'failed'")
    assert error.startswith("ValueError: enough")


def test_a_kill_loses_a_buffer_at_most(logged: Desk) -> None:
    states, _, counts = bars_logged(logged, "kill")
    (whole,) = bars_logged(logged, "raise")[2]
    assert set(states) == {"open"}
    assert len(states) >= 2, "a crash is tried again, each time as a session of its own"
    for count in counts:
        assert 0 < whole - count <= ROWS_AT_ONCE


def test_a_session_keeps_the_limits_that_its_risk_manager_had(logged: Desk) -> None:
    """Those of the job over the manager's own, from the first row on: also where the strategy was killed."""
    found = rows(logged, "select watched, risk_limits from trading_sessions")
    assert len(found) >= 4
    for watched, limits in found:
        assert watched
        assert limits == RiskLimits.of({"max_position_shares": 5, "max_daily_loss": 1}).as_dict()


def test_limits_are_the_same_in_sql_and_in_code(logged: Desk) -> None:
    query = "select name, unit, highest, default_value from risk_limit_definitions"
    known = rows(logged, query + " where 'strategy' = any (kept_by)")
    assert {name for name, *_ in known} == set(RiskLimits().as_dict())
    for name, unit, highest, default in known:
        own = RiskLimits().as_dict()[name]
        assert default == (None if own is None else float(own)), name  # type: ignore[arg-type]
        assert (unit == "switch") == isinstance(own, bool), name
        assert (unit == "fraction") == (name in FRACTIONS), name
        assert highest == (1 if unit == "switch" else HIGHEST[name]), name


def test_a_column_that_postgresql_does_not_know_would_be_noticed(logged: Desk) -> None:
    """Rows go by name, so each name of ours has to stand in the function that stores them."""
    ((source,),) = rows(logged, "select prosrc from pg_proc where proname = 'write_session_rows'")
    for table, columns in COLUMNS.items():
        (taken,) = re.findall(rf"p_rows -> '{table}'\) as [eo] \((.*?)\)\n", source, re.DOTALL)[:1]
        names = {one.split()[0] for one in taken.split(",")}
        assert set(columns) - names <= {"error", "seq"}, table
        assert names <= set(columns), table


def test_limits_of_the_job_are_kept(logged: Desk) -> None:
    # A config's limit comes before the table's, which would forbid every share.
    ((most, refused),) = rows(
        logged,
        "select max(abs(size)), (select count(*) from risk_events where limit_name = 'max_position_shares')"
        " from position_history",
    )
    assert most == 1
    assert refused == 0
