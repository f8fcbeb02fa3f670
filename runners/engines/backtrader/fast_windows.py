"""Sums over moving windows, to the bit what Average and SumN make of each window by math.fsum.

fsum rounds the exact sum once. Here values are scaled to integers, which add up exactly, so that the sum of a
window is the difference of two running sums. It is rounded once as well, and scaled back without a loss.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import accumulate, repeat
from math import frexp, isfinite
from operator import mul, sub, truediv
from typing import Any

from backtrader.indicators import Average, SumN

SMALLEST, LARGEST = 2.0**-400, 2.0**400
"""Sizes between which scaling neither overflows nor loses a digit."""
MANTISSA_BITS = 53


class RunningSums:
    """Exact sums of the first so many values, in units of a power of two; see running_sums()."""

    def __init__(self, values: array[float], bits: int) -> None:
        self._unit = 2.0**-bits
        self._sums = list(accumulate(map(int, map(mul, values, repeat(2.0**bits))), initial=0))

    def windows(self, period: int, first: int, end: int) -> map[float]:
        """Sums of `period` values each; the first window ends with value `first`, the last before `end`."""
        exact = map(sub, self._sums[first + 1 : end + 1], self._sums[first + 1 - period :])
        return map(mul, map(float, exact), repeat(self._unit))


def running_sums(values: array[float]) -> RunningSums | None:
    """None where a value is not finite, or of a size that no price has."""
    sizes = [size for size in map(abs, values) if size]
    smallest = min(sizes, default=1.0)
    # Whether each is finite is asked one by one: min() and max() may pass over a NaN.
    if not all(map(isfinite, sizes)) or smallest < SMALLEST or max(sizes, default=1.0) > LARGEST:
        return None
    return RunningSums(values, MANTISSA_BITS - frexp(smallest)[1])


def fill(indicator: Any, of_feed: Callable[[array[float]], RunningSums | None] | None) -> bool:
    """Give a widened Average or SumN its values; False, with nothing done, where it must compute them itself.

    `of_feed` answers the sums of the source, where that is a line of a feed.
    """
    kind = type(indicator)
    if kind is not Average and kind is not SumN:
        return False
    source, target, period = indicator.data.array, indicator.line.array, indicator.p.period
    first, end = indicator._minperiod - 1, len(target)
    begin = first + 1 - period
    if type(source) is not array or type(period) is not int or period < 1:
        return False
    if not 0 <= begin <= first < end <= len(source):
        return False
    # An indicator has no values before its first.
    sums = of_feed(source) if of_feed else running_sums(source[begin:end])
    if sums is None:
        return False
    offset = 0 if of_feed else begin
    windows = sums.windows(period, first - offset, end - offset)
    target[first:] = array("d", map(truediv, windows, repeat(period)) if kind is Average else windows)
    return True
