"""Rows that `DBLogger` writes: tuples while a strategy runs, by name when they leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

Row = tuple[str, tuple[object, ...]]
"""A table's name and values by COLUMNS."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "session": ("seq", "state", "symbols", "cash", "risk_limits", "error"),
    "order_events": (
        "seq", "bar_time", "order_ref", "status", "symbol", "side", "type", "size", "price", "limit_price",
        "filled", "average_price", "fees", "tag",
    ),
    "fills": ("seq", "bar_time", "order_ref", "symbol", "size", "price", "fee"),
    "position_history": (
        "seq", "bar_time", "symbol", "change", "size_before", "size", "price", "average_price", "profit",
    ),
    "session_trades": (
        "seq", "symbol", "entry_time", "exit_time", "size", "entry_price", "exit_price",
        "profit", "net_profit", "fees",
    ),
    "risk_events": (
        "seq", "bar_time", "limit_name", "severity", "message", "observed", "threshold", "symbol", "size",
        "price",
    ),
    "portfolio_snapshots": ("seq", "bar_time", "cash", "value", "exposure", "positions"),
    "daily_summaries": (
        "seq", "session_day", "begin_value", "end_value", "low_value", "high_value", "orders", "fills",
        "trades", "profit", "fees", "risk_events",
    ),
}  # fmt: skip


def by_name(rows: Iterable[Row]) -> dict[str, list[dict[str, object]]]:
    """Rows by table, as `desk.write_session_rows` reads them."""
    tables: dict[str, list[dict[str, object]]] = defaultdict(list)
    for table, values in rows:
        tables[table].append(dict(zip(COLUMNS[table], values, strict=True)))
    return dict(tables)
