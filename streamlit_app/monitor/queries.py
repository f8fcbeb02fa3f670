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


def on_account(session: int) -> dict[str, Any] | None:
    """How a session on an account stands, with what reduces or halts it and what was refused, by rule."""
    found = rows(
        "select l.*,"
        " (select coalesce(jsonb_agg(jsonb_build_object('rule', h.rule, 'reason', h.reason)"
        " order by h.halt_id),"
        " '[]') from desk.halts_now as h where (h.account is null or h.account = l.account)"
        " and (h.trading_session_id is null or h.trading_session_id = l.trading_session_id)) as halts,"
        " o.allowed, o.refused, o.refused_by"
        " from desk.live_sessions as l cross join lateral ("
        " select coalesce(sum(c.orders) filter (where c.rule is null), 0)::bigint as allowed,"
        " coalesce(sum(c.times), 0)::bigint as refused,"
        " jsonb_agg(jsonb_build_object('rule', c.rule, 'times', c.times) order by c.times desc, c.rule)"
        " filter (where c.rule is not null) as refused_by"
        " from (select g.rule, count(*) as orders, sum(g.times_refused) as times from desk.live_orders as g"
        " where g.trading_session_id = l.trading_session_id group by g.rule) as c) as o"
        " where l.trading_session_id = %(session)s",
        {"session": session},
    )
    return found[0] if found else None


def gate_orders(session: int, shown: str) -> list[dict[str, Any]]:
    """Its newest orders: all, those that were refused, or those that may still be filled."""
    return rows(
        "select decided_at, symbol, quantity, type, price, decision_price, state, filled, average_price,"
        " rule, reason, times_refused, tag, key from desk.live_orders"
        " where trading_session_id = %(session)s"
        " and (%(shown)s = 'All' or (state = 'refused') = (%(shown)s = 'Refused'))"
        " and (%(shown)s <> 'On their way' or is_open)"
        f" order by order_id desc limit {ROWS}",
        {"session": session, "shown": shown},
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
