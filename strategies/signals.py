"""What a `SignalStrategy` is given, arrays of bars and indicators, and what it answers, arrays of signals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from strategies.parameters import ParameterError
from strategies.signal_rules import ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT

PRICES = ("open", "high", "low", "close", "volume")


class SignalError(Exception):
    """A strategy's arrays are not what they have to be."""


def indicator(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Marks a method of a `SignalStrategy` that makes a Backtrader indicator of a feed.

    `signals` finds its values under the method's name: an array, or for one of several lines an object with
    an array a line.
    """
    method.is_indicator = True  # type: ignore[attr-defined]
    return method


def indicators_of(kind: type) -> tuple[str, ...]:
    """Names of the methods that are marked so, those of base classes first, in the order they are written."""
    found: dict[str, None] = {}
    for base in reversed(kind.__mro__):
        for name, value in vars(base).items():
            if getattr(value, "is_indicator", False):
                found[name] = None
    taken = [name for name in found if name in (*PRICES, "time", "datetime")]
    if taken:
        raise ParameterError(f"an indicator cannot be named {taken[0]!r}: so is an array of the bars")
    return tuple(name for name in found if getattr(getattr(kind, name), "is_indicator", False))


@dataclass(frozen=True)
class Signals:
    """A truth value a bar, of one feed; what is left out never happens."""

    enter_long: Any = None
    exit_long: Any = None
    enter_short: Any = None
    exit_short: Any = None

    def bits(self, bars: int) -> Any:
        """As one array of numbers, uint8; SignalError where an array has another length."""
        import numpy as np

        found = np.zeros(bars, np.uint8)
        for name, bit in _BITS:
            values = getattr(self, name)
            if values is None:
                continue
            array = np.asarray(values)
            if array.shape != (bars,):
                raise SignalError(
                    f"{name} has the shape {array.shape}; expected one value for each of {bars} bars"
                )
            if array.dtype != np.bool_:
                raise SignalError(
                    f"{name} holds {array.dtype}; expected truth values, such as bars.close > 10"
                )
            found |= array.view(np.uint8) * np.uint8(bit)
        return found


_BITS = (
    ("enter_long", ENTER_LONG),
    ("exit_long", EXIT_LONG),
    ("enter_short", ENTER_SHORT),
    ("exit_short", EXIT_SHORT),
)


@dataclass(frozen=True)
class Weights:
    """Target weights: `shares` of the portfolio's value, an array a feed, and `when` to trade."""

    when: Any
    shares: Sequence[Any]
    tolerance: float = 0.0
    """A change of less than this share of the portfolio is left alone, unless it ends a position."""

    def checked(self, feeds: int, bars: int) -> tuple[Any, Any]:
        """`when` and `shares` as arrays [bars] and [feeds, bars]."""
        import numpy as np

        when, shares = np.asarray(self.when), np.asarray(self.shares, float)
        if when.shape != (bars,) or when.dtype != np.bool_:
            raise SignalError(
                f"`when` is {when.dtype} of the shape {when.shape}; expected {bars} truth values"
            )
        if shares.shape != (feeds, bars):
            raise SignalError(
                f"`shares` has the shape {shares.shape}; expected {feeds} arrays of {bars} values"
            )
        return when, shares


class Bars:
    """Arrays of one feed by name: open, high, low, close, volume, time (Backtrader's numbers), indicators."""

    def __init__(self, symbol: str, arrays: dict[str, Any]) -> None:
        self.symbol = symbol
        self.__dict__.update(arrays)

    def __len__(self) -> int:
        return len(self.__dict__["close"])

    def __getattr__(self, name: str) -> Any:
        known = ", ".join(one for one in self.__dict__ if one != "symbol")
        raise SignalError(f"the bars have no {name!r}; they have {known}")


class Lines:
    """Arrays of an indicator by the name of the line."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        self.__dict__.update(arrays)
