"""The monitor: what strategies log while they trade, a session at a time. It refreshes itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import streamlit as st

from runners.words import metric_text, moment, number, per_cent
from streamlit_app import hints, links
from streamlit_app.monitor import figures, queries, tables
from streamlit_app.monitor.gate import gate
from streamlit_app.tables import table
from streamlit_app.tiles import tiles

REFRESH_SECONDS = 5
KINDS = ("Orders", "Trades", "Risk events", "Daily summaries")


def monitor() -> None:
    st.title("Monitor")
    with hints.explained():
        found = queries.sessions()
        if not found:
            st.info("No strategy has logged anything yet.", icon=":material/inbox:")
            st.markdown(
                "A backtest becomes a session when its strategy logs: set `enable_db_logging: true` among the"
                " parameters of a [new job](/new_job), and `enable_risk_manager: true` for its limits."
            )
            return
        options = [links.option(one["id"], f"{one['strategy']} ({one['kind']})") for one in found]
        left, right = st.columns([3, 1])
        with left:
            chosen = links.choose("Session", options, "session")
        if chosen is None:
            return
        session = links.key_of(chosen)
        window = queries.window(session)
        if window is None:
            _gate(session)
            st.info("Nothing that this session logs has arrived yet.", icon=":material/hourglass_empty:")
            return
        with right:
            day = st.date_input(
                "As of the end of",
                value=None,
                min_value=window[0],
                max_value=window[1],
                key="day",
                bind="query-params",
                format="YYYY-MM-DD",
                help="Empty: the last day of the session.",
            )
        _live(session, day)


@st.fragment(run_every=REFRESH_SECONDS)
def _gate(session: int) -> None:
    with hints.explained():
        gate(session)


@st.fragment(run_every=REFRESH_SECONDS)
def _live(session: int, asked: dt.date | None) -> None:
    with hints.explained():
        standing = queries.standing(session, asked)
        if standing is None or standing["day"] is None:
            st.info("The session has no day so early.", icon=":material/event_busy:")
            return
        day: dt.date = standing["day"]
        limits = _limits(standing)
        gate(session)
        _words(standing)
        _numbers(standing, limits, asked)
        days = queries.days(session, day)
        left, right = st.columns(2)
        with left:
            st.subheader("Value of the portfolio")
            st.altair_chart(figures.value(days))
        with right:
            st.subheader("Profit and loss of each day")
            st.altair_chart(figures.day_profits(days, _allowed(limits, "max_daily_loss")))
        if len(days) == queries.DAYS:
            st.caption(f"The last {queries.DAYS} days.")
        left, right = st.columns(2)
        with left:
            _risk(standing, limits)
        with right:
            _table("Positions", table(standing["positions"], tables.POSITIONS), "Nothing is held.")
        _rows(session, day, days)


def _rows(session: int, day: dt.date, days: list[dict[str, Any]]) -> None:
    """One kind of rows at a time: only those are read and drawn, every few seconds."""
    kind = st.segmented_control(
        "Rows of", KINDS, default=KINDS[0], required=True, key="rows", bind="query-params"
    )
    if kind == "Orders":
        _table(kind, table(queries.orders(session, day), tables.ORDERS), "No order has been sent.")
    elif kind == "Trades":
        _table(kind, table(queries.trades(session, day), tables.TRADES), "No trade has been closed.")
    elif kind == "Risk events":
        _events(session, day)
    else:
        _table(kind, table(days[: queries.ROWS], tables.DAYS), "No day is over.")


def _words(standing: dict[str, Any]) -> None:
    words = f"{standing['kind']} of {' '.join(standing['symbols'])}, {standing['state']}"
    if standing["optimization_run_id"] is not None:
        words += f" · [its run]({links.run_url(standing['optimization_run_id'], standing['strategy'])})"
    if standing["backtest_result_id"] is not None:
        words += (
            f" · [its result]({links.strategy_url(standing['strategy'], standing['backtest_result_id'])})"
        )
    st.markdown(words[:1].upper() + words[1:])
    if standing["error"]:
        st.error(standing["error"].splitlines()[-1], icon=":material/error:")
    st.caption(
        f"Shown: the end of {standing['day']}, of {standing['first_day']} to {standing['last_day']}."
        f" Last written {moment(standing['written_at'])}."
    )


def _numbers(standing: dict[str, Any], limits: list[dict[str, Any]], asked: dt.date | None) -> None:
    allowed = _allowed(limits, "max_daily_loss")
    ends = "" if allowed is None else f", at which a loss of {per_cent(allowed)} ends its entries"

    def rows(words: str, kind: str) -> str:
        session = links.option(standing["session_id"], f"{standing['strategy']} ({standing['kind']})")
        return f"[{words}]({links.monitor_url(session, kind, asked)})"

    numbers = [
        ("Value", number(standing["value"]), rows("by day", "Daily summaries")),
        ("Profit of the day", number(standing["day_profit"]), rows("by day", "Daily summaries")),
        ("Cash", number(standing["cash"]), rows("orders", "Orders")),
        ("Invested", per_cent(standing["exposure"]), "[positions](#positions)"),
        ("Below its peak", per_cent(standing["drawdown"]), "[limits](#risk-limits)"),
        ("Trades", f"{standing['trades']:,}", rows("each of them", "Trades")),
    ]
    tiles(
        {label: value for label, value, _ in numbers}, {label: where for label, _, where in numbers}
    )
    st.caption(
        f"Profit of the day {per_cent(standing['day_return'], 2)}{ends}."
        f" Trades earned {number(standing['net_profit'])} after fees; fees so far {number(standing['fees'])}."
    )


def _limits(standing: dict[str, Any]) -> list[dict[str, Any]]:
    """Each limit that held, with what is used of it, and both as words."""
    return [
        {**one, "words": f"{_shown(one['used'], one['unit'])} of {_shown(one['allowed'], one['unit'])}"}
        for one in standing["usage"]
        if one["allowed"]
    ]


def _allowed(limits: list[dict[str, Any]], name: str) -> float | None:
    return next((float(one["allowed"]) for one in limits if one["limit_name"] == name), None)


def _shown(value: float, unit: str) -> str:
    return metric_text(value, unit, {"fraction": 1, "count": 0}.get(unit, 2))


def _risk(standing: dict[str, Any], limits: list[dict[str, Any]]) -> None:
    st.subheader("Risk limits")
    if standing["watched"] is None:
        st.info("The limits of this session were not recorded.", icon=":material/shield:")
    elif not standing["watched"]:
        st.warning(
            "No risk manager watched this session: nothing limited it. Set enable_risk_manager.",
            icon=":material/shield:",
        )
    elif not limits:
        st.info("Its risk manager kept no limit.", icon=":material/shield:")
    if limits:
        st.altair_chart(figures.usage(limits))


def _events(session: int, day: dt.date) -> None:
    st.subheader("Risk events")
    counts = [one for one in queries.risk_counts(session, day) if one["limit_name"] != "day"]
    if not counts:
        st.caption("No order was refused and no limit was reached.")
        return
    st.altair_chart(figures.risk_events(counts))
    severities = st.multiselect(
        "Severity", list(figures.SEVERITIES), ["critical", "warning"], key="severity", bind="query-params"
    )
    events = queries.risk_events(session, day, severities)
    _table("", table(events, tables.RISK_EVENTS), "There is no event of these severities.")


def _table(heading: str, frame: pd.DataFrame, nothing: str) -> None:
    if heading:
        st.subheader(heading)
    if frame.empty:
        st.caption(nothing)
        return
    tables.shown(frame)
