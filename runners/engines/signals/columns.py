"""Columns of a block of points: its raw metrics by name."""

from __future__ import annotations

NAMES = (
    "return_count", "return_mean", "return_m2", "return_m3", "return_m4", "downside_m2", "tail_count",
    "tail_sum", "tail_return", "max_drawdown", "max_drawdown_sessions", "ending_value", "sessions",
    "exposed_sessions", "exposed_time", "total_orders", "total_fees", "traded_value", "refused_for_cash",
    "refused_otherwise", "total_trades", "winning_trades", "losing_trades", "gross_profit", "gross_loss",
    "trade_profit_sum", "trade_profit_m2", "benchmark_comoment", "lost_at", "open_feeds",
)  # fmt: skip
"""Columns of a point's figures. `lost_at` is the number of the session that closed at or below zero, -1 where
none did; `open_feeds` counts positions at the last bar; an undefined figure is NaN."""
COUNTS = frozenset((
    "return_count", "tail_count", "max_drawdown_sessions", "sessions", "exposed_sessions", "total_orders",
    "refused_for_cash", "refused_otherwise", "total_trades", "winning_trades", "losing_trades", "lost_at",
    "open_feeds",
))  # fmt: skip
WIDTH = len(NAMES)
