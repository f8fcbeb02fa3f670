"""Opening-range breakout: where the price leaves the range of its first minutes, go along until the close.

Toby Crabel (Day Trading with Short Term Price Patterns and Opening Range Breakout, 1990); tested anew by
Zarattini and Aziz (Can Day Trading Really Be Profitable?, 2023). One entry a day; out at the other end of the
range or at the end of the day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from strategies.eod_strategy import EODStrategy
from strategies.parameters import Parameter


@dataclass
class OpeningRange:
    """High and low of a session's first minutes; `entered` once the day's entry was ordered."""

    high: float
    low: float
    entered: bool = False


class OpeningRangeBreakout(EODStrategy):
    """Long above the range; with `sell_short` also short below it."""

    code = "STR-012"
    title = "Opening-range breakout"
    hypothesis = "What came over night is priced in within minutes; who breaks out of them has news."
    tags = ("breakout", "intraday")
    parameters = (
        Parameter("range_minutes", int, 30, 1, 240, "Minutes from the open that make the range."),
        Parameter("sell_short", bool, False, description="Also sell short below the range."),
        Parameter("least_width", float, 0.0, 0.0, 0.2, "Share of the price that the range must span."),
    )

    def __init__(self) -> None:
        super().__init__()
        self.ranges: dict[Any, OpeningRange] = {}

    def on_session_start(self, date: dt.date) -> None:
        self.ranges.clear()

    def on_bar(self, data: Any) -> None:
        if self.session is None:
            return
        # A bar that ends within the first minutes makes the range, a later one may leave it.
        if self.bar_end() <= self.session.open + 60 * self.p.range_minutes:
            known = self.ranges.get(data, OpeningRange(data.high[0], data.low[0]))
            high, low = max(known.high, data.high[0]), min(known.low, data.low[0])
            self.ranges[data] = OpeningRange(high, low)
            return
        opening = self.ranges.get(data)
        if opening is None or self.has_pending_order(data):
            return
        held, close = self.getposition(data).size, data.close[0]
        if held:
            if (held > 0 and close < opening.low) or (held < 0 and close > opening.high):
                self.close(data)
        elif not opening.entered and self.should_trade():
            self.enter(data, opening, close)

    def enter(self, data: Any, opening: OpeningRange, close: float) -> None:
        if opening.high - opening.low < self.p.least_width * close:
            return
        above, below = close > opening.high, self.p.sell_short and close < opening.low
        size = self.calculate_position_size(close, data=data) if above or below else 0
        if size:
            opening.entered = True
            (self.buy if above else self.sell)(data, size=size)
