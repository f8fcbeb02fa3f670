"""Donchian breakout: buy a new high, sell a new low.

Richard Donchian's channel, as Curtis Faith describes it for the first of the Turtles' two systems (The
Original Turtle Trading Rules, 2003): in above the highest high of twenty days, out below the lowest low of
ten. The Turtles traded both ways, many futures and by volatility; this is the rule alone, long only.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.parameters import Parameter
from strategies.signal_strategy import SignalStrategy
from strategies.signals import Bars, Signals, indicator


class DonchianBreakout(SignalStrategy):
    """Long after a close above the channel of the bars before, until a close below the shorter one."""

    code = "STR-007"
    title = "Donchian breakout"
    hypothesis = "A price nobody has sold at for weeks meets no owner who waits to get out, and runs on."
    tags = ("trend", "breakout", "long only", "daily")
    parameters = (
        Parameter("entry_period", int, 20, 1, 400, "Bars of the high that must be exceeded."),
        Parameter("exit_period", int, 10, 1, 400, "Bars of the low that must be undercut."),
    )

    # (-1): the channel of the bars before, since no close is above a high that counts its own bar.

    @indicator
    def top(self, data: Any) -> Any:
        return bt.indicators.Highest(data.high(-1), period=self.p.entry_period)

    @indicator
    def bottom(self, data: Any) -> Any:
        return bt.indicators.Lowest(data.low(-1), period=self.p.exit_period)

    def signals(self, bars: Bars) -> Signals:
        return Signals(enter_long=bars.close > bars.top, exit_long=bars.close < bars.bottom)
