"""Tables of a trading session."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from runners.words import NOTHING
from streamlit_app.monitor.queries import ROWS
from streamlit_app.tables import Columns, in_per_cent, written

MARKS = {"critical": "▲ critical", "warning": "● warning", "info": "· info"}
GATE_MARKS = {
    "refused": "✘ refused",
    "filled": "✔ filled",
    "rejected": "✘ rejected",
    "unresolved": "▲ unresolved",
}
MONEY = st.column_config.NumberColumn(format="%.2f")
PRICE = st.column_config.NumberColumn(format="%.2f")
PER_CENT = st.column_config.NumberColumn(format="%.1f%%")
COLUMNS: dict[str, Any] = {
    "value": MONEY, "open profit": MONEY, "net profit": MONEY, "fees": MONEY, "begin": MONEY, "end": MONEY,
    "lowest": MONEY, "highest": MONEY, "profit of the day": MONEY, "profit of trades": MONEY,
    "average price": PRICE, "price": PRICE, "entry": PRICE, "exit": PRICE,
    "of the portfolio": PER_CENT, "profit of the day (%)": PER_CENT,
    "price seen": PRICE,
    "message": st.column_config.TextColumn(width="large"), "why": st.column_config.TextColumn(width="large"),
    "rule": st.column_config.TextColumn(width=170),
}  # fmt: skip


def bar(at: datetime | None) -> str:
    """A bar's time with its zone; daily bars are days and have none."""
    if at is None:
        return NOTHING
    midnight = (at.hour, at.minute, at.second) == (0, 0, 0)
    return at.strftime("%Y-%m-%d") if midnight else at.strftime("%Y-%m-%d %H:%M %Z")


def shown(frame: pd.DataFrame) -> None:
    """A table that says when there are more rows than it has."""
    st.dataframe(
        frame,
        column_config=COLUMNS,
        hide_index=True,
        placeholder=NOTHING,
        height="content" if len(frame) <= 10 else 385,
    )
    if len(frame) == ROWS:
        st.caption(f"The newest {ROWS}.")


POSITIONS: Columns = {
    "symbol": "symbol",
    "shares": "size",
    "average price": "average_price",
    "price": "price",
    "value": "value",
    "of the portfolio": in_per_cent("share"),
    "open profit": "open_profit",
    "since": written("since", lambda since: bar(datetime.fromisoformat(since) if since else None)),
}
ORDERS: Columns = {
    "order": "order_ref",
    "symbol": "symbol",
    "side": "side",
    "type": "type",
    "shares": "size",
    "filled": "filled",
    "price": "price",
    "average price": "average_price",
    "fees": "fees",
    "status": "status",
    "tag": "tag",
    "sent": written("sent_at", bar),
    "changed": written("changed_at", bar),
}
TRADES: Columns = {
    "symbol": "symbol",
    "shares": "size",
    "entry": "entry_price",
    "exit": "exit_price",
    "net profit": "net_profit",
    "fees": "fees",
    "entered": written("entry_time", bar),
    "left": written("exit_time", bar),
}
GATE: Columns = {
    "decided": written("decided_at", lambda at: at.strftime("%Y-%m-%d %H:%M:%S")),
    "symbol": "symbol",
    "shares": "quantity",
    "state": written("state", lambda state: GATE_MARKS.get(state, state)),
    "why": "reason",
    "rule": "rule",
    "type": "type",
    "price": "price",
    "price seen": "decision_price",
    "filled": "filled",
    "average price": "average_price",
    "times": "times_refused",
    "tag": "tag",
    "key": "key",
}
RISK_EVENTS: Columns = {
    "bar": written("bar_time", bar),
    "severity": written("severity", MARKS.__getitem__),
    "limit": "limit_name",
    "message": "message",
    "symbol": "symbol",
    "shares": "size",
    "price": "price",
}
DAYS: Columns = {
    "day": written("session_date", str),
    "begin": "begin_value",
    "end": "end_value",
    "profit of the day": "day_profit",
    "profit of the day (%)": in_per_cent("day_return"),
    "lowest": "low_value",
    "highest": "high_value",
    "orders": "orders",
    "fills": "fills",
    "trades": "trades",
    "profit of trades": "profit",
    "fees": "fees",
    "risk events": "risk_events",
}
