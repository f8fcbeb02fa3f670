"""Returns of calendar months and years."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.bar_time import moment


class MonthlyReturns(bt.Analyzer):  # type: ignore[misc]
    """`months` by 2012-07, `years` by 2012: fractions, from the last value before to the last value in it."""

    def start(self) -> None:
        self.first = float(self.strategy.broker.getvalue())
        self.ends: dict[str, float] = {}

    # Backtrader's Analyzer sends prenext and nextstart here as well, so this sees every bar.
    def next(self) -> None:
        month = f"{moment(self.strategy.lines.datetime[0]):%Y-%m}"
        self.ends[month] = float(self.strategy.broker.getvalue())

    def get_analysis(self) -> dict[str, Any]:
        years = {month[:4]: value for month, value in self.ends.items()}
        return {"months": self._returns(self.ends), "years": self._returns(years)}

    def _returns(self, ends: dict[str, float]) -> dict[str, float | None]:
        returns: dict[str, float | None] = {}
        before = self.first
        for period, value in ends.items():
            returns[period] = value / before - 1 if before > 0 else None
            before = value
        return returns
