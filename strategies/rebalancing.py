"""Weights into orders: what strategies share that hold several symbols and put them right now and then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strategies.bar_time import moment
from strategies.contracts import contract_of
from strategies.shares import clean, whole


class Rebalancing:
    """Mixed into a `BaseStrategy`."""

    broker: Any
    traded_feeds: Any
    lines: Any
    buy: Any
    sell: Any
    getposition: Any
    cancel_pending: Any

    def is_new_month(self) -> bool:
        """True on the first bar of a calendar month: what it decides is filled at the second bar's open."""
        if len(self) < 2:  # type: ignore[arg-type]
            return False
        now, before = moment(self.lines.datetime[0]), moment(self.lines.datetime[-1])
        return (now.year, now.month) != (before.year, before.month)

    def rebalance(self, weights: Mapping[Any, float], tolerance: float = 0.0) -> None:
        """Bring every feed to its share of the portfolio's value, 0 where `weights` does not name it.

        Whole shares of the day. A change of less than `tolerance` of the portfolio is left alone, unless it
        ends a position. Sells go first, so that their money is there for the buys.
        """
        self.cancel_pending()
        value = self.broker.getvalue()
        changes = []
        for data in self.traded_feeds:
            worth = data.close[0] * contract_of(data).multiplier
            held = self.getposition(data).size
            target = whole(value * weights.get(data, 0.0) / worth, data)
            change = clean(target - held)
            if not change or (target and abs(change) * worth < tolerance * value):
                continue
            changes.append((change, data))
        for change, data in sorted(changes, key=lambda one: one[0]):
            if change < 0:
                self.sell(data, size=-change)
            else:
                self.buy(data, size=change)
