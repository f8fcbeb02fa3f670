"""A Backtrader broker that fills as LEAN's equity fill model does (QuantConnect/Lean, EquityFillModel).

Backtrader's own broker fills at the open where a bar opens beyond an order's price; LEAN knows a bar's high,
low and close only. Market orders are filled at the next open by both.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from strategies.lean_rules import LeanFees


class LeanBroker(bt.brokers.BackBroker):  # type: ignore[misc]
    """With LEAN's fees and its leverage of 2. `cerebro.broker = LeanBroker(cash=100_000)`."""

    def __init__(self) -> None:
        super().__init__()
        self.addcommissioninfo(LeanFees())

    def _try_exec_limit(self, order: Any, popen: float, phigh: float, plow: float, plimit: float) -> None:
        """A limit that was touched only is not filled; else at the worst price of the bar within it."""
        if order.isbuy():
            if plow < plimit:
                self._execute(order, ago=0, price=min(phigh, plimit))
        elif phigh > plimit:
            self._execute(order, ago=0, price=max(plow, plimit))

    def _try_exec_stop(
        self, order: Any, popen: float, phigh: float, plow: float, pcreated: float, pclose: float
    ) -> None:
        """The worse of the stop and the bar's close."""
        if order.isbuy():
            if phigh > pcreated:
                self._execute(order, ago=0, price=max(pcreated, pclose))
        elif plow < pcreated:
            self._execute(order, ago=0, price=min(pcreated, pclose))
        if order.alive() and order.exectype == order.StopTrail:
            order.trailadjust(pclose)

    def _try_exec_stoplimit(
        self,
        order: Any,
        popen: float,
        phigh: float,
        plow: float,
        pclose: float,
        pcreated: float,
        plimit: float,
    ) -> None:
        """Once triggered, where the bar closes within the limit, at the worst price within it."""
        if order.isbuy():
            order.triggered = order.triggered or phigh > pcreated
            if order.triggered and pclose < plimit:
                self._execute(order, ago=0, price=min(phigh, plimit))
        else:
            order.triggered = order.triggered or plow < pcreated
            if order.triggered and pclose > plimit:
                self._execute(order, ago=0, price=max(plow, plimit))
