"""What the monitor reads: sessions of trading, and one of them as it stood at the end of a day."""

from __future__ import annotations

import datetime as dt
from typing import Any

from streamlit_app.database import rows

ROWS = 100
"""Rows of a table at the most; the newest."""
DAYS = 260
"""Days of a chart at the most: a year, of which each can still be told from the next."""


def sessions() -> list[dict[str, Any]]:
    """The newest sessions: those that are open first."""
    return rows(
        "select t.id, t.kind, t.state, s.name as strategy from desk.trading_sessions as t"
        " join desk.strategies as s on s.id = t.strategy_id"
        " order by t.kind = 'backtest', t.state = 'open' desc, t.id desc limit 500"
    )


def window(session: int) -> tuple[dt.date, dt.date] | None:
    """The first and the last day of a session; none before its first is over."""
    found = rows(
        "select min(session_date) as first, max(session_date) as last from desk.daily_summaries"
        " where session_id = %(session)s",
        {"session": session},
    )[0]
    return None if found["first"] is None else (found["first"], found["last"])


def standing(session: int, day: dt.date | None) -> dict[str, Any] | None:
    """How it stood at the end of a day, with what it held then and what was used of its limits."""
    found = _all("select * from desk.session_standing(%(session)s, %(day)s)", session, day)
    return found[0] if found else None


def days(session: int, day: dt.date) -> list[dict[str, Any]]:
    """Days up to this one, the newest first."""
    return _all(
        "select session_date, begin_value, end_value, end_value - begin_value as day_profit,"
        " (end_value - begin_value) / nullif(begin_value, 0) as day_return, low_value,"
        " high_value, orders, fills, trades, profit, fees, risk_events from desk.daily_summaries"
        " where session_id = %(session)s and session_date <= %(day)s"
        f" order by session_date desc limit {DAYS}",
        session,
        day,
    )


def orders(session: int, day: dt.date) -> list[dict[str, Any]]:
    return _all(
        "select order_ref, symbol, side, type, size, price, filled, average_price, fees, status, tag,"
        " sent_at, changed_at from desk.orders"
        " where session_id = %(session)s and (sent_at at time zone 'UTC')::date <= %(day)s"
        " order by status in ('created', 'submitted', 'accepted', 'partial') desc, order_ref desc"
        f" limit {ROWS}",
        session,
        day,
    )


def trades(session: int, day: dt.date) -> list[dict[str, Any]]:
    return _all(
        "select symbol, entry_time, exit_time, size, entry_price, exit_price, net_profit, fees"
        " from desk.session_trades"
        " where session_id = %(session)s and (exit_time at time zone 'UTC')::date <= %(day)s"
        f" order by seq desc limit {ROWS}",
        session,
        day,
    )


def risk_events(session: int, day: dt.date, severities: list[str]) -> list[dict[str, Any]]:
    return rows(
        "select bar_time, severity, limit_name, message, observed, threshold, symbol, size, price"
        " from desk.risk_events where session_id = %(session)s and severity = any (%(severities)s)"
        " and (bar_time at time zone 'UTC')::date <= %(day)s"
        f" order by seq desc limit {ROWS}",
        {"session": session, "day": day, "severities": severities},
    )


def risk_counts(session: int, day: dt.date) -> list[dict[str, Any]]:
    """Events by limit and severity; `day` and `info` only say that a day began."""
    return _all(
        "select limit_name, severity, count(*) as events from desk.risk_events"
        " where session_id = %(session)s and (bar_time at time zone 'UTC')::date <= %(day)s"
        " group by limit_name, severity order by limit_name, severity",
        session,
        day,
    )


def _all(query: str, session: int, day: dt.date | None) -> list[dict[str, Any]]:
    return rows(query, {"session": session, "day": day})
