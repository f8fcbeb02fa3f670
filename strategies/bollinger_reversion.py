"""Bollinger reversion: buy below the lower band, sell back at the middle.

The bands are John Bollinger's (Bollinger on Bollinger Bands, 2001): a simple moving average of the closes
and, `deviations` population standard deviations of the same closes around it, an upper and a lower band.
Bollinger himself warns that a touch alone is no signal; this is the plain reversion that the touch suggests,
to be judged.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.base_strategy import BaseStrategy
from strategies.parameters import Parameter


class BollingerReversion(BaseStrategy):
    """Long after a close below the lower band, until a close above the exit line. One position a symbol."""

    code = "STR-002"
    title = "Bollinger reversion"
    hypothesis = "A close far below its own average is mostly noise of liquidity, and the price returns."
    tags = ("mean reversion", "long only", "daily")
    parameters = (
        Parameter("period", int, 20, 2, 400, "Bars of the moving average and of the deviation."),
        Parameter("deviations", float, 2.0, 0.1, 10.0, "Standard deviations from the average to the bands."),
        Parameter(
            "exit_deviations", float, 0.0, -10.0, 10.0,
            "Where to sell, in standard deviations above the average: 0 is the average itself.",
        ),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.bands = {
            data: bt.indicators.BollingerBands(data, period=self.p.period, devfactor=self.p.deviations)
            for data in self.datas
        }

    def on_bar(self, data: Any) -> None:
        if self.has_pending_order(data):
            return
        bands, close = self.bands[data], data.close[0]
        if self.getposition(data).size:
            middle = bands.mid[0]
            deviation = (bands.top[0] - middle) / self.p.deviations
            if close > middle + self.p.exit_deviations * deviation:
                self.close(data)
        elif close < bands.bot[0]:
            size = self.calculate_position_size(close)
            if size:
                self.buy(data, size=size)
