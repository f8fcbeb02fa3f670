"""SMA crossover: be long while the fast moving average is above the slow one.

The rule of two moving averages is among those that Brock, Lakonishok and LeBaron tested on ninety years of
the Dow Jones index (Simple Technical Trading Rules and the Stochastic Properties of Stock Returns, Journal of
Finance 47, 1992). A trend follower: many small losses, a few long gains.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.parameters import Parameter
from strategies.signal_strategy import SignalStrategy
from strategies.signals import Bars, Signals, indicator


class SMACrossover(SignalStrategy):
    """Buys when the fast average crosses above the slow one, sells when it crosses below."""

    code = "STR-003"
    title = "SMA crossover"
    hypothesis = "Prices under-react to news, so that a rise that has begun goes on for weeks."
    tags = ("trend", "long only", "daily")
    parameters = (
        Parameter("fast", int, 10, 1, 400, "Bars of the fast average."),
        Parameter("slow", int, 30, 2, 1_000, "Bars of the slow average; a search wants fast < slow."),
    )

    @indicator
    def crossed(self, data: Any) -> Any:
        return bt.indicators.CrossOver(
            bt.indicators.SMA(data, period=self.p.fast), bt.indicators.SMA(data, period=self.p.slow)
        )

    def signals(self, bars: Bars) -> Signals:
        return Signals(enter_long=bars.crossed > 0, exit_long=bars.crossed < 0)
