"""Tables of a trading session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from runners.words import NOTHING

MARKS = {"critical": "▲ critical", "warning": "● warning", "info": "· info"}
MONEY = st.column_config.NumberColumn(format="%.2f")
PRICE = st.column_config.NumberColumn(format="%.2f")
PER_CENT = st.column_config.NumberColumn(format="%.1f%%")
COLUMNS: dict[str, Any] = {
    "value": MONEY, "open profit": MONEY, "net profit": MONEY, "fees": MONEY, "begin": MONEY, "end": MONEY,
    "lowest": MONEY, "highest": MONEY, "profit of the day": MONEY, "profit of trades": MONEY,
    "average price": PRICE, "price": PRICE, "entry": PRICE, "exit": PRICE,
    "of the portfolio": PER_CENT, "profit of the day (%)": PER_CENT,
    "message": st.column_config.TextColumn(width="large"),
}  # fmt: skip


def positions(found: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "symbol": one["symbol"],
            "shares": one["size"],
            "average price": one["average_price"],
            "price": one["price"],
            "value": one["value"],
            "of the portfolio": None if one["share"] is None else 100 * one["share"],
            "open profit": one["open_profit"],
            "since": bar(datetime.fromisoformat(one["since"]) if one["since"] else None),
        }
        for one in found
    )


def orders(found: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "order": one["order_ref"],
            "symbol": one["symbol"],
            "side": one["side"],
            "type": one["type"],
            "shares": one["size"],
            "filled": one["filled"],
            "price": one["price"],
            "average price": one["average_price"],
            "fees": one["fees"],
            "status": one["status"],
            "tag": one["tag"],
            "sent": bar(one["sent_at"]),
            "changed": bar(one["changed_at"]),
        }
        for one in found
    )


def trades(found: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "symbol": one["symbol"],
            "shares": one["size"],
            "entry": one["entry_price"],
            "exit": one["exit_price"],
            "net profit": one["net_profit"],
            "fees": one["fees"],
            "entered": bar(one["entry_time"]),
            "left": bar(one["exit_time"]),
        }
        for one in found
    )


def risk_events(found: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "bar": bar(one["bar_time"]),
            "severity": MARKS[one["severity"]],
            "limit": one["limit_name"],
            "message": one["message"],
            "symbol": one["symbol"],
            "shares": one["size"],
            "price": one["price"],
        }
        for one in found
    )


def days(found: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "day": one["session_date"].isoformat(),
            "begin": one["begin_value"],
            "end": one["end_value"],
            "profit of the day": one["day_profit"],
            "profit of the day (%)": None if one["day_return"] is None else 100 * one["day_return"],
            "lowest": one["low_value"],
            "highest": one["high_value"],
            "orders": one["orders"],
            "fills": one["fills"],
            "trades": one["trades"],
            "profit of trades": one["profit"],
            "fees": one["fees"],
            "risk events": one["risk_events"],
        }
        for one in found
    )


def bar(at: datetime | None) -> str:
    """A bar's time with its zone; daily bars are days and have none."""
    if at is None:
        return NOTHING
    midnight = (at.hour, at.minute, at.second) == (0, 0, 0)
    return at.strftime("%Y-%m-%d") if midnight else at.strftime("%Y-%m-%d %H:%M %Z")
