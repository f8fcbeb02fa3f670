"""What a signal leads to: the rules that a `SignalStrategy` trades by, as values, and what they decide.

`decide` is plain arithmetic on numbers, so that the very same function runs bar by bar under Backtrader and,
compiled, in the kernel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from strategies.parameters import ParameterError

ENTER_LONG, EXIT_LONG, ENTER_SHORT, EXIT_SHORT = 1, 2, 4, 8
"""Bits of a bar's signal."""
NOTHING, LEAVE, BUY, SELL = 0, 1, 2, 3
"""Decisions; BUY and SELL with a position the other way turn it round."""


@dataclass(frozen=True)
class Rules:
    """Fractions of the close at which the entry was decided; 0 is none."""

    stop_loss: float = 0.0
    take_profit: float = 0.0
    trailing_stop: float = 0.0
    """Follows the closes and never goes back; it takes the place of `stop_loss`."""
    on_close: bool = False
    """Stop and target are looked at on closes, and the position left at the next open. Else they are orders
    that wait with the broker and fill inside the bar."""
    longest: int = 0
    """Bars from an entry's decision to the exit's, where nothing else ends it before."""
    cool_down: int = 0
    """Bars without an entry after a position is found to be gone."""
    reverse: bool = False
    """An exit with an entry the other way on one bar is one order that turns the position round."""

    def __post_init__(self) -> None:
        for name in ("stop_loss", "take_profit", "trailing_stop"):
            value = getattr(self, name)
            if not 0.0 <= value < math.inf:
                raise ParameterError(f"{name} is {value!r}; expected a fraction of the price, or 0 for none")
        if self.stop_loss and self.trailing_stop:
            raise ParameterError("stop_loss and trailing_stop are both set; a position has one stop")
        for name in ("longest", "cool_down"):
            if getattr(self, name) < 0:
                raise ParameterError(f"{name} is {getattr(self, name)!r}; expected bars, or 0 for none")


def decide(
    size: float,
    signal: int,
    close: float,
    stop: float,
    target: float,
    age: int,
    longest: int,
    idle: int,
    cool_down: int,
    reverse: bool,
) -> int:
    """What to do at a close with a position of `size` (signed), `age` bars after its entry was decided.

    `stop` and `target` are prices looked at on closes, NaN for none; `idle` counts bars since a position was
    found to be gone.
    """
    if size > 0.0:
        if signal & 2 or close < stop or close > target or (longest and age >= longest):
            return 3 if reverse and signal & 4 else 1
        return 0
    if size < 0.0:
        if signal & 8 or close > stop or close < target or (longest and age >= longest):
            return 2 if reverse and signal & 1 else 1
        return 0
    if idle < cool_down:
        return 0
    if signal & 1:
        return 2
    if signal & 4:
        return 3
    return 0


def stop_price(sign: float, close: float, fraction: float) -> float:
    """A stop's price, `sign` 1 for a long position and -1 for a short one; NaN where none can be."""
    price = close - sign * close * fraction
    return price if fraction > 0.0 and price > 0.0 else math.nan


def target_price(sign: float, close: float, fraction: float) -> float:
    """A target's price; NaN where none can be."""
    price = close + sign * close * fraction
    return price if fraction > 0.0 and price > 0.0 else math.nan


def followed(sign: float, before: float, close: float, fraction: float) -> float:
    """A trailing stop after another close."""
    now = close - sign * close * fraction
    return max(before, now) if sign > 0.0 else min(before, now)
