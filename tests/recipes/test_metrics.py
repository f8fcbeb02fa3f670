"""Raw metrics and metrics are added as docs/architecture.md says."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from testing.desks import Desk
from tests.chaos.arena import FIXTURES

RAW = """
alter table desk.backtest_results add column quotes_missed bigint;
comment on column desk.backtest_results.quotes_missed is 'Raw: quotes that were missed.';
alter type desk.raw_metrics add attribute quotes_missed bigint;
"""


def test_a_raw_metric_is_a_migration(desk_with: Callable[..., Desk]) -> None:
    desk = desk_with(migration=RAW)
    with desk.connect("admin") as session:
        session.execute("set search_path = desk, tap")
        session.execute("create schema tap")
        session.execute(FIXTURES.read_bytes())
        session.execute("select tap.given_desk()")
        session.execute("select tap.given_job(1), tap.given_runner()")
        session.execute("select tap.drain(1, tap.metrics('{\"quotes_missed\": 3}'))")
        assert session.execute("select id, quotes_missed from backtest_results").fetchall() == [(1, 3)]
        assert different(session, 3) == {}
        assert different(session, 4) == {"quotes_missed": [3, 4]}
        may = "select has_column_privilege('desk_importer', 'backtest_results', 'quotes_missed', 'insert')"
        assert session.execute(may).fetchone() == (True,)


def different(session: psycopg.Connection[tuple[object, ...]], missed: int) -> object:
    """What a reproduction of the point finds that misses so many quotes."""
    row = session.execute(
        "select record_reproduction(1, 'linux', tap.metrics(jsonb_build_object('engine_metrics', '{}'::jsonb,"
        " 'quotes_missed', %s::int)), '{}', '{}', '{}', '{}')",
        [missed],
    ).fetchone()
    return row and row[0]
