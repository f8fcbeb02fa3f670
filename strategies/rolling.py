"""Indicators that are updated bar by bar, for bars that a strategy puts together itself.

Each `update(bar)` returns the new values by name, or None while it is not ready. Averages are seeded by the
simple average of their first `period` values, as LEAN's and Backtrader's are.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Protocol

from strategies.consolidators import Bar
from strategies.parameters import ParameterError

Values = dict[str, float]


class Rolling(Protocol):
    def update(self, bar: Bar) -> Values | None: ...


class Average:
    """`kind`: 0 simple, 1 exponential, 2 Wilder's."""

    def __init__(self, kind: int, period: int) -> None:
        if kind not in (0, 1, 2):
            raise ParameterError(f"on longer bars averages are SIMPLE, EXPONENTIAL or WILDERS, not {kind!r}")
        self._period = period
        self._weight = {0: None, 1: 2 / (period + 1), 2: 1 / period}[kind]
        self._window: deque[float] = deque(maxlen=period)
        self.value: float | None = None

    def add(self, number: float) -> float | None:
        if self._weight is not None and self.value is not None:
            self.value += self._weight * (number - self.value)
            return self.value
        self._window.append(number)
        if len(self._window) == self._period:
            self.value = math.fsum(self._window) / self._period
        return self.value


class MovingAverage:
    def __init__(self, kind: int, period: int) -> None:
        self._average = Average(kind, period)

    def update(self, bar: Bar) -> Values | None:
        value = self._average.add(bar.close)
        return None if value is None else {"value": value}


class StrengthIndex:
    def __init__(self, period: int, kind: int) -> None:
        self._gain, self._loss = Average(kind, period), Average(kind, period)
        self._before: float | None = None

    def update(self, bar: Bar) -> Values | None:
        before, self._before = self._before, bar.close
        if before is None:
            return None
        gain = self._gain.add(max(bar.close - before, 0.0))
        loss = self._loss.add(max(before - bar.close, 0.0))
        if gain is None or loss is None:
            return None
        return {"value": 100.0 if loss == 0 else 100.0 - 100.0 / (1.0 + gain / loss)}


class Bands:
    """Population deviations around an average."""

    def __init__(self, period: int, k: float, kind: int) -> None:
        self._average, self._k = Average(kind, period), k
        self._closes: deque[float] = deque(maxlen=period)

    def update(self, bar: Bar) -> Values | None:
        self._closes.append(bar.close)
        middle = self._average.add(bar.close)
        if middle is None:
            return None
        mean = math.fsum(self._closes) / len(self._closes)
        deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in self._closes) / len(self._closes))
        return {
            "value": middle,
            "middle_band": middle,
            "standard_deviation": deviation,
            "upper_band": middle + self._k * deviation,
            "lower_band": middle - self._k * deviation,
        }


class Convergence:
    """MACD."""

    def __init__(self, fast: int, slow: int, signal: int, kind: int) -> None:
        self._fast, self._slow = Average(kind, fast), Average(kind, slow)
        self._signal = Average(kind, signal)

    def update(self, bar: Bar) -> Values | None:
        fast, slow = self._fast.add(bar.close), self._slow.add(bar.close)
        if fast is None or slow is None:
            return None
        signal = self._signal.add(fast - slow)
        if signal is None:
            return None
        return {"value": fast - slow, "signal": signal, "histogram": fast - slow - signal}


class TrueRange:
    """ATR; the first bar's range is its own."""

    def __init__(self, period: int, kind: int) -> None:
        self._average = Average(kind, period)
        self._before: float | None = None

    def update(self, bar: Bar) -> Values | None:
        before = bar.low if self._before is None else self._before
        high = bar.high if self._before is None else max(bar.high, before)
        value = self._average.add(high - min(bar.low, before))
        self._before = bar.close
        return None if value is None else {"value": value}
