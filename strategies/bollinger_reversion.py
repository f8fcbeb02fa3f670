"""Bollinger reversion: buy below the lower band, sell back at the middle.

The bands are John Bollinger's (Bollinger on Bollinger Bands, 2001): a simple moving average of the closes
and, `deviations` population standard deviations of the same closes around it, an upper and a lower band.
Bollinger himself warns that a touch alone is no signal; this is the plain reversion that the touch suggests,
to be judged.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.parameters import Parameter
from strategies.signal_strategy import SignalStrategy
from strategies.signals import Bars, Signals, indicator


class BollingerReversion(SignalStrategy):
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

    @indicator
    def bands(self, data: Any) -> Any:
        return bt.indicators.BollingerBands(data, period=self.p.period, devfactor=self.p.deviations)

    def signals(self, bars: Bars) -> Signals:
        middle = bars.bands.mid
        deviation = (bars.bands.top - middle) / self.p.deviations
        return Signals(
            enter_long=bars.close < bars.bands.bot,
            exit_long=bars.close > middle + self.p.exit_deviations * deviation,
        )
