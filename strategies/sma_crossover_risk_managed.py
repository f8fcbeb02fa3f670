"""SMA crossover with risk management: the same entries, a size by risk, a stop by volatility, limits on top.

The entries are those of sma_crossover. The size loses `risk_per_trade` of the portfolio at the stop (Ralph
Vince's fixed fraction, Portfolio Management Formulas, 1990); the stop stands `stop_ranges` average true
ranges below (J. Welles Wilder, New Concepts in Technical Trading Systems, 1978) and trails the highest close,
as Chuck LeBeau's chandelier exit does. RiskManager's limits hold whatever the strategy asks for.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.base_strategy import BaseStrategy
from strategies.parameters import Parameter


class SMACrossoverRiskManaged(BaseStrategy):
    """Buys the cross up; sells the cross down or a close below the trailing stop."""

    code = "STR-004"
    title = "SMA crossover, risk managed"
    hypothesis = "The same trends, with what a wrong one may cost decided before it is bought."
    tags = ("trend", "risk", "long only", "daily")
    parameters = (
        Parameter("fast", int, 10, 1, 400, "Bars of the fast average."),
        Parameter("slow", int, 30, 2, 1_000, "Bars of the slow average; a search wants fast < slow."),
        Parameter("range_period", int, 14, 1, 200, "Bars of the average true range."),
        Parameter("stop_ranges", float, 3.0, 0.1, 20.0, "Average true ranges from close to stop."),
        Parameter("risk_per_trade", float, 0.01, 0.0001, 0.2, "Share of the portfolio lost at the stop."),
        Parameter("enable_risk_manager", bool, True,
                  description="Keep orders that break a risk limit from the broker."),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.crossover = {
            data: bt.indicators.CrossOver(
                bt.indicators.SMA(data, period=self.p.fast), bt.indicators.SMA(data, period=self.p.slow)
            )
            for data in self.datas
        }
        self.range = {data: bt.indicators.ATR(data, period=self.p.range_period) for data in self.datas}
        self.stop_price: dict[Any, float] = {}

    def on_bar(self, data: Any) -> None:
        if self.has_pending_order(data):
            return
        close = data.close[0]
        stop = close - self.p.stop_ranges * self.range[data][0]
        if self.getposition(data).size:
            self.stop_price[data] = max(stop, self.stop_price.get(data, stop))
            if close < self.stop_price[data] or self.crossover[data][0] < 0:
                self.close(data)
                del self.stop_price[data]
        elif self.crossover[data][0] > 0:
            size = self.calculate_position_size(close, "risk", data=data, stop_price=stop)
            if size:
                self.stop_price[data] = stop
                self.buy(data, size=size)
