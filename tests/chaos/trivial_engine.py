"""An engine whose points cost about a millisecond: chaos is about the queue, not about backtests."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence

from runners.engines.base import AdjustedPrices, Point, PointResult, RunSettings

METRICS: dict[str, int | float | list[int] | list[float] | dict[str, float | str]] = {
    "starting_cash": 100000.0,
    "ending_value": 110000.0,
    "sessions": 252,
    "return_count": 252,
    "return_mean": 0.0004,
    "return_m2": 0.0251,
    "return_m3": 0.0,
    "return_m4": 0.0000075,
    "downside_m2": 0.01,
    "tail_count": 12,
    "tail_sum": -0.24,
    "tail_return": -0.015,
    "max_drawdown": 0.1,
    "max_drawdown_sessions": 20,
    "total_orders": 40,
    "total_trades": 20,
    "winning_trades": 12,
    "losing_trades": 8,
    "gross_profit": 15000.0,
    "gross_loss": 5000.0,
    "trade_profit_sum": 10000.0,
    "trade_profit_m2": 1000000.0,
    "total_fees": 400.0,
    "traded_value": 400000.0,
    "exposed_sessions": 126,
    "bars": 252,
}


class TrivialEngine:
    """Sleeps and answers; every execution is a line of `log`, so that executions can be counted."""

    key = "backtrader"

    def __init__(self, seconds: float, log: str) -> None:
        self._seconds = seconds
        self._log = log

    def run(
        self,
        settings: RunSettings,
        prices: Sequence[AdjustedPrices],
        points: Sequence[Point],
        on_start: Callable[[int], None],
    ) -> Iterator[PointResult]:
        log = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        for point in points:
            on_start(point.ordinal)
            os.write(log, f"{settings.optimization_run_id} {point.ordinal}\n".encode())
            time.sleep(self._seconds)
            yield PointResult(point.ordinal, {**METRICS, "duration": self._seconds}, [], [], [])
