"""Raw metrics and metrics are added as docs/adding.md says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg

from testing.desks import Desk

RAW = """
alter table desk.backtest_results add column quotes_missed bigint;
comment on column desk.backtest_results.quotes_missed is 'Raw: quotes that were missed.';
alter type desk.raw_metrics add attribute quotes_missed bigint;
"""

METRIC = """
alter table desk.backtest_results add column fee_a_trade double precision;
comment on column desk.backtest_results.fee_a_trade is 'Fees over closed trades.';
"""
ROW = """
insert into desk.metric_definitions (
  metric, title, aliases, unit, direction, max_key, max_phrase, short_name, decimals, description)
values (
  'fee_a_trade', 'Fee a Trade', '{}', 'money', 'min', 'max_fee_a_trade', 'Trades too dear', 'Fee a trade',
  2, 'Fees over closed trades.');
"""
FORMULA = (
    "judgement/judgement.sql",
    "  p_result.fee_pct := ",
    "  p_result.fee_a_trade := p_result.total_fees / nullif(p_result.total_trades, 0);\n",
)


def test_a_raw_metric_is_a_migration(
    desk_with: Callable[..., Desk], story: Callable[[psycopg.Connection[Any]], None]
) -> None:
    desk = desk_with(migration=RAW)
    with desk.connect("admin") as session:
        story(session)
        session.execute("select tap.given_job(1), tap.given_runner()")
        session.execute("select tap.drain(1, tap.metrics('{\"quotes_missed\": 3}'))")
        assert session.execute("select id, quotes_missed from backtest_results").fetchall() == [(1, 3)]
        assert different(session, 3) == {}
        assert different(session, 4) == {"quotes_missed": [3, 4]}
        may = "select has_column_privilege('desk_importer', 'backtest_results', 'quotes_missed', 'insert')"
        assert session.execute(may).fetchone() == (True,)


def test_a_metric_is_a_migration_a_row_and_a_formula(
    desk_with: Callable[..., Desk], story: Callable[[psycopg.Connection[Any]], None]
) -> None:
    desk = desk_with(ROW, METRIC, FORMULA)
    config = {
        "symbols": "AAPL",
        "success_criteria": {"max_fee_a_trade": 5},
        "optimization": {"target_metric": "Fee a Trade", "parameters": {"fast": [2, 3]}},
    }
    with desk.connect("admin") as session:
        story(session)
        job = "insert into jobs (strategy, config) values ('sma_crossover', %s)"
        session.execute(job, [json.dumps(config)])
        session.execute("select tap.drain(tap.given_runner(), tap.metrics())")
        found = session.execute("select fee_a_trade, rejection_reasons from backtest_results").fetchall()
        assert found == [(20.0, ["Trades too dear: 20.00 > 5.00"])] * 2
        best = session.execute("select target_metric, best_value from job_progress").fetchall()
        assert best == [("fee_a_trade", 20.0)]
        known = session.execute(
            "select config_schema()"
            " #>> '{properties,success_criteria,properties,max_fee_a_trade,description}',"
            " (select value from backtest_figures(tap.metrics()) where metric = 'fee_a_trade')"
        ).fetchone()
        assert known == ("Fees over closed trades.", 20.0)


def different(session: psycopg.Connection[tuple[object, ...]], missed: int) -> object:
    """What a reproduction of the point finds that misses so many quotes."""
    row = session.execute(
        "select record_reproduction(1, 'linux', tap.metrics(jsonb_build_object('engine_metrics', '{}'::jsonb,"
        " 'quotes_missed', %s::int)), '{}', '{}', '{}', '{}')",
        [missed],
    ).fetchone()
    return row and row[0]
