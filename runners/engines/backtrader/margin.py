"""Margin of an account that holds shorts: orders that it does not allow, and shorts that are bought back.

Backtrader has no margin for shares that are sold short. What is measured is the account's value over the
gross value of its positions, at the last closes that were known; an account without shorts is not looked at.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from runners.engines.base import Margin

REASON = "margin call"
REFUSED = "initial margin"


class MarginWatch:
    """Watches one broker; `calls` counts the shorts that were bought back."""

    def __init__(self, broker: Any, margin: Margin) -> None:
        self._broker = broker
        self._margin = margin
        self._closes: dict[Any, float] = {}
        self._open: dict[Any, Any] = {}
        self.calls = 0
        self.refusals = 0

    def forbids(self, order: Any, price: float) -> bool:
        """True where this fill would open or add to a position beyond the initial margin."""
        broker, data, size = self._broker, order.data, order.executed.remsize
        held = broker.positions[data].size
        if abs(held + size) <= abs(held) and held * (held + size) >= 0:
            return False
        others = [(one, position.size) for one, position in broker.positions.items() if one is not data]
        if held + size >= 0 and all(size >= 0 for _, size in others):
            return False
        worth = [(size, self._closes.get(one, one.close[0])) for one, size in others if size]
        value = broker.cash + held * price + sum(size * close for size, close in worth)
        value -= broker.getcommissioninfo(data).getcommission(size, price)
        gross = abs(held + size) * price + sum(abs(size) * close for size, close in worth)
        if value >= self._margin.initial * gross:
            return False
        self.refusals += 1
        order.addinfo(reason=REFUSED)
        return True

    def before_fills(self) -> None:
        """Cancel what else is open on symbols whose shorts are being bought back."""
        broker = self._broker
        self._open = {data: order for data, order in self._open.items() if order.alive()}
        if not self._open:
            return
        if broker.p.checksubmit:
            broker.check_submitted()
        self._cancel_others()

    def after_fills(self) -> None:
        """At a bar's close: buy all shorts back at the next open where the account is worth too little."""
        broker = self._broker
        held = [(data, position.size) for data, position in broker.positions.items() if position.size]
        self._closes = {data: data.close[0] for data, _ in held}
        shorts = [(data, size) for data, size in held if size < 0 and data not in self._open]
        if not shorts:
            return
        gross = sum(abs(size) * data.close[0] for data, size in held)
        if broker.getvalue() >= self._margin.maintenance * gross:
            return
        (strategy,) = broker.cerebro.runningstrats
        for data, size in shorts:
            self.calls += 1
            # Not checked: an account that cannot pay for it must buy all the same.
            self._open[data] = broker.buy(
                strategy, data, -size, exectype=bt.Order.Market, _checksubmit=False, tag=REASON, reason=REASON
            )
        self._cancel_others()

    def _cancel_others(self) -> None:
        own = {order.ref for order in self._open.values()}
        for order in [one for one in self._broker.pending if one.data in self._open and one.ref not in own]:
            self._broker.cancel(order)
