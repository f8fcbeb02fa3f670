"""The account's value at every bar, written a stretch at a time.

Between two bars on which the broker acts neither cash nor positions change, so their values follow from the
closes alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any


class EquityLog:
    """`closes` are the newest closes at each step, by feed; `broker` is read when a stretch is written.

    Values are computed in the order in which BackBroker._get_value adds them up for stock-like assets without
    leverage, so they are the same to the bit. What it adds for flat positions is zero.
    """

    def __init__(self, broker: Any, closes: Mapping[Any, array[float]]) -> None:
        self.values: array[float] = array("d")
        self.exposed = bytearray()
        self._broker = broker
        self._closes = closes

    def write_until(self, step: int) -> None:
        """Write the steps before `step` that are not written, from the broker's cash and positions now."""
        first = len(self.values)
        count = step - first
        if count <= 0:
            return
        held = [(data, position) for data, position in self._broker.positions.items() if position.size]
        self.exposed += bytes((bool(held),)) * count
        cash = self._broker.cash
        if not held:
            self.values.extend(array("d", (cash + 0.0,)) * count)
            return
        worth = [0.0] * count
        for data, position in held:
            size, price = position.size, position.price
            closes = self._closes[data][first:step]
            if size > 0:
                worth = [
                    sum_ + (size * close - (open_profit := size * (close - price))) + open_profit
                    for sum_, close in zip(worth, closes, strict=True)
                ]
            else:
                worth = [sum_ + size * close for sum_, close in zip(worth, closes, strict=True)]
        self.values.extend([cash + value for value in worth])

    def state(self, step: int, value: float) -> None:
        """Set one step's value, which then does not follow from cash and positions."""
        self.write_until(step)
        del self.values[step:], self.exposed[step:]
        self.values.append(value)
        self.exposed.append(any(position.size for position in self._broker.positions.values()))
