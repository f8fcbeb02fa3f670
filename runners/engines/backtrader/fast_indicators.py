"""Indicators over whole arrays, as LineIterator._once computes them, with results shared between points.

The walk is Backtrader's and so are the formulas: an indicator's own once() runs, on its own arrays. What
differs is that buffers are made at once, that simple operations on lines run through `fast_operations` and
sums over windows through `fast_windows`, and that a stock indicator over the same inputs is taken from
`ResultCache` once it has been asked for twice.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import partial
from typing import Any

from backtrader.linebuffer import LineActions, LineBuffer
from backtrader.lineiterator import LineIterator
from backtrader.lineseries import LineSeriesStub

from runners.engines.backtrader.fast_operations import operate, operation_key
from runners.engines.backtrader.fast_results import Key, ResultCache
from runners.engines.backtrader.fast_windows import RunningSums
from runners.engines.backtrader.fast_windows import fill as fill_windows

NAN = array("d", [float("nan")])
STOCK_MODULES = ("backtrader.indicators.", "backtrader.functions", "backtrader.linebuffer")
SIMPLE_VALUES = (int, float, str, bool, type(None))


def compute(strategy: Any, cache: ResultCache) -> None:
    """What Strategy._once() and reset() do."""
    indicators = strategy._lineiterators[LineIterator.IndType]
    # A line that is bound to another indicator's is written into that one's array, which must not be shared.
    shared = not any(line.bindings for one in indicators for line in _lines(one))
    walk = _Walk(strategy, cache if shared else ResultCache(0))
    _widen(strategy, strategy._clock.buflen())
    for indicator in indicators:
        walk.evaluate(indicator)
    for thing in (*strategy.datas, *indicators, strategy):
        thing.home()
    for line in strategy.lines:
        line.oncebinding()
    strategy.reset()


class _Walk:
    """One point's indicators; knows which lines hold results that have a key."""

    def __init__(self, strategy: Any, cache: ResultCache) -> None:
        self._strategy = strategy
        self._cache = cache
        self._here: dict[Key, list[array[float]]] = {}
        """This point's results: an indicator that several others build on is computed once."""
        self._signs: dict[int, int] = {}
        """By id of a line or of what has lines, the number of its contents."""
        for place, data in enumerate(strategy.datas):
            self._signs[id(data)] = cache.number(("feed", place))
            for position, line in enumerate(data.lines.lines):
                self._signs[id(line)] = cache.number(("feed", place, position))
        self._feed_signs = set(self._signs.values())

    def evaluate(self, indicator: Any) -> None:
        """What indicator._once() does."""
        kind = type(indicator)
        if isinstance(indicator, LineActions):
            if kind._once is LineActions._once and kind.forward is LineBuffer.forward:
                self._evaluate_operation(indicator)
            else:
                indicator._once()
        elif kind._once is LineIterator._once:
            self._evaluate_indicator(indicator)
        else:
            indicator._once()

    def _evaluate_operation(self, line: Any) -> None:
        _widen(line, line._clock.buflen())
        line.home()
        if not operate(line):
            _run_once(line)
        line.oncebinding()
        key = operation_key(line, self._sign)
        if key is not None:
            self._signs[id(line)] = self._cache.number(key)

    def _evaluate_indicator(self, indicator: Any) -> None:
        key = self._key(indicator)
        results = None
        if key is not None:
            results = self._here.get(key) or self._cache.get(key)
        if results is None or not _give(indicator, results):
            results = self._computed(indicator)
            if key is not None:
                self._here[key] = results
                self._cache.offer(key, results, at_once=self._on_feeds(indicator))
        else:
            assert key is not None
            self._here[key] = results
            for line in indicator.lines.lines:
                line.oncebinding()
        if key is not None:
            number = self._cache.number(key)
            self._signs[id(indicator)] = number
            for position, line in enumerate(_tree(indicator)):
                self._signs.setdefault(id(line), self._cache.number((number, position)))

    def _computed(self, indicator: Any) -> list[array[float]]:
        _widen(indicator, indicator._clock.buflen())
        nested = indicator._lineiterators[LineIterator.IndType]
        for one in nested:
            self.evaluate(one)
        for thing in (*indicator.datas, *nested, indicator):
            thing.home()
        if not fill_windows(indicator, self._feed_sums(indicator)):
            _run_once(indicator)
        for line in indicator.lines:
            line.oncebinding()
        return [line.array for line in _tree(indicator)]

    def _feed_sums(self, indicator: Any) -> Callable[[array[float]], RunningSums | None] | None:
        """The running sums of the prices that an indicator is on, which all points share."""
        sign = self._sign(indicator.data)
        return partial(self._cache.running_sums, sign) if sign in self._feed_signs else None

    def _on_feeds(self, indicator: Any) -> bool:
        """True for a strategy's own indicator of prices: it depends on few parameters, so it comes again."""
        return indicator._owner is self._strategy and all(
            self._sign(data) in self._feed_signs for data in indicator.datas
        )

    def _sign(self, thing: Any) -> int | None:
        if isinstance(thing, LineSeriesStub):
            thing = thing.lines[0]
        return self._signs.get(id(thing))

    def _key(self, indicator: Any) -> Key | None:
        """Equal keys mean equal results; None for what cannot be told."""
        if not _is_stock(indicator):
            return None
        inputs = tuple(map(self._sign, indicator.datas))
        if None in inputs:
            return None
        values = indicator.p._getvalues()
        if not all(isinstance(value, SIMPLE_VALUES) or _is_stock_class(value) for value in values):
            return None
        periods = tuple(line._minperiod for line in indicator.lines.lines)
        # 1, 1.0 and True are equal keys of a dictionary but not equal parameters.
        typed = tuple((type(value), value) for value in values)
        return (type(indicator), typed, inputs, indicator._minperiod, periods)


def _run_once(thing: Any) -> None:
    start = thing._minperiod
    thing.preonce(0, start - 1)
    thing.oncestart(start - 1, start)
    thing.once(start, thing.buflen())


def _widen(thing: Any, count: int) -> None:
    """thing.forward(size=count), by whole arrays."""
    values = NAN * count
    for line in _lines(thing):
        line.array.extend(values)
        line._idx += count
        line.lencount += count


def _lines(thing: Any) -> list[Any]:
    return [thing] if isinstance(thing, LineBuffer) else thing.lines.lines


def _tree(indicator: Any) -> list[Any]:
    """The lines of an indicator and of all that it is built of, in one order for equal keys."""
    lines = list(_lines(indicator))
    if not isinstance(indicator, LineBuffer):
        for nested in indicator._lineiterators[LineIterator.IndType]:
            lines += _tree(nested)
    return lines


def _give(indicator: Any, results: list[array[float]]) -> bool:
    lines = _tree(indicator)
    if len(lines) != len(results):
        return False
    for line, result in zip(lines, results, strict=True):
        line.array = result
    return True


def _is_stock(indicator: Any) -> bool:
    if not _is_stock_class(type(indicator)):
        return False
    if isinstance(indicator, LineBuffer):
        return True
    return all(map(_is_stock, indicator._lineiterators[LineIterator.IndType]))


def _is_stock_class(kind: object) -> bool:
    return isinstance(kind, type) and f"{kind.__module__}.".startswith(STOCK_MODULES)
