"""What a `SignalStrategy` declares, evaluated once for all points that agree on what it reads.

One object of the strategy is made, by Backtrader. For other parameters its indicators are made anew on it and
computed by Backtrader's own `once`; which parameters were read is written down, so that points which differ
in others share the arrays.
"""

from __future__ import annotations

import math
import random
import statistics
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import backtrader as bt
import numpy as np
from backtrader.lineiterator import LineIterator

from runners.engines.backtrader.engine import TooFewBarsError
from runners.engines.backtrader.fast_cerebro import BACKTRADER, FastCerebro
from runners.engines.backtrader.fast_indicators import compute
from runners.engines.backtrader.fast_results import ResultCache
from runners.engines.backtrader.warm_up import WarmUp
from runners.engines.signals import broker
from runners.engines.signals.market import Market
from strategies import run_context
from strategies.registry import RegisteredStrategy
from strategies.signal_arrays import newest_at_steps, whole_bars
from strategies.signal_strategy import SignalStrategy
from strategies.signals import SignalError, indicators_of

OWN = frozenset({"signals", "weights", "rules", "window"})
SIZINGS = {
    "share": broker.SHARE,
    "risk": broker.RISK,
    "volatility": broker.VOLATILITY,
    "fixed": broker.FIXED,
}
INDICATOR_BYTES = 64 * 1024 * 1024


class NotCovered(Exception):
    """A point that the kernel does not run, and why; Backtrader does."""


def why_not(strategy: Any) -> str:
    """Why the kernel does not run this class, in words; empty where it does."""
    if bt.__version__ != BACKTRADER:
        return f"Backtrader {bt.__version__}; the kernel follows {BACKTRADER}"
    if not (isinstance(strategy, type) and issubclass(strategy, SignalStrategy)):
        return "it is no SignalStrategy"
    marked = set(indicators_of(strategy))
    for kind in strategy.__mro__:
        if kind is SignalStrategy:
            return ""
        for name, value in vars(kind).items():
            ours = isinstance(value, types.FunctionType | property | classmethod | staticmethod)
            known = name == "__init__" or (hasattr(SignalStrategy, name) and not name.startswith("__"))
            if ours and known and name not in OWN and name not in marked:
                return f"it has a {name}() of its own"
    return ""


class Reads:
    """Stands where a strategy's parameters are, and writes down which are read."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__["values"] = values
        self.__dict__["names"] = set()

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__["values"]
        if name not in values:
            raise AttributeError(f"the strategy has no parameter {name!r}")
        self.__dict__["names"].add(name)
        return values[name]

    def __setattr__(self, name: str, value: object) -> None:
        raise NotCovered(f"it changes its parameter {name!r}")


@dataclass(frozen=True)
class Declaration:
    """Arrays of one set of parameters, from the first step on which the strategy may trade."""

    first_step: int
    bits: Any
    """Signals [feeds, steps], uint8; None of weights."""
    when: Any = None
    shares: Any = None
    tolerance: float = 0.0


class _Declaring(FastCerebro):
    """Makes the strategy and runs nothing."""

    def _runonce(self, runstrats: list[Any]) -> None:
        (self.made,) = runstrats

    def _runnext(self, runstrats: list[Any]) -> None:
        raise SignalError("its bars are computed one by one (an indicator or a setting asks for it)")


class Declared:
    """A strategy over a market; each method says what it read of the parameters."""

    def __init__(self, market: Market, entry: RegisteredStrategy, values: Mapping[str, Any]) -> None:
        self._market = market
        self._cache = ResultCache(INDICATOR_BYTES)
        cerebro = _Declaring(stdstats=False).over(market.data_set, self._cache)
        market.data_set.add_to(cerebro, shared=True)
        if market.settings.warm_up_bars:
            bars = market.data_set.bars_before(market.settings.start_date)
            cerebro.addindicator(WarmUp, bars=bars)
        cerebro.addstrategy(entry.strategy, **values)
        cerebro.run()
        self.strategy = cerebro.made
        self._deviations: dict[int, Any] = {}

    @property
    def by_weights(self) -> bool:
        return bool(self.strategy.by_weights)

    def _reading(self, values: Mapping[str, Any], action: Callable[[], Any]) -> tuple[Any, set[str]]:
        reads = Reads(values)
        self.strategy.p = self.strategy.params = reads
        before, numpys = random.getstate(), np.random.get_state()
        try:
            found = action()
        except BaseException as error:
            # What it read until then is what the error depends on.
            error.reads = set(reads.__dict__["names"])  # type: ignore[attr-defined]
            raise
        after = np.random.get_state()
        drawn = any(not np.array_equal(one, other) for one, other in zip(numpys, after, strict=True))
        if drawn or random.getstate() != before:
            raise NotCovered("its arrays depend on random numbers")
        return found, reads.__dict__["names"]

    def indicators(self, values: Mapping[str, Any]) -> tuple[Any, set[str]]:
        """The bars of each feed with their indicators, and the first step; opaque to others."""
        return self._reading(values, self._made)

    def _made(self) -> Any:
        strategy = self.strategy
        kinds = strategy._lineiterators
        kinds[LineIterator.IndType] = [one for one in kinds[LineIterator.IndType] if type(one) is WarmUp]
        for one in kinds[LineIterator.IndType]:
            for line in one.lines.lines:
                line.reset()
        for line in strategy.lines.lines:
            line.reset()
        for data in strategy.datas:
            data.home()
        strategy.declare()
        strategy._periodset()
        try:
            compute(strategy, self._cache)
        except IndexError as error:
            if str(error) != "array assignment index out of range":
                raise
            bars = min(len(series) for series in self._market.data_set.prices)
            raise TooFewBarsError(
                f"an indicator needs more bars than the {bars} in the run's window; "
                "shorten its period or widen the window"
            ) from error
        feeds = [
            whole_bars(data, made)
            for data, made in zip(strategy.datas, strategy.declared, strict=True)
        ]  # fmt: skip
        first = max(
            self._market.step_of_bar(feed, period - 1) for feed, period in enumerate(strategy._minperiods)
        )
        return feeds, first

    def declaration(self, values: Mapping[str, Any], made: Any) -> tuple[Declaration, set[str]]:
        """Signals or weights, from what `indicators` answered for the same values."""
        feeds, first = made
        steps = self._market.newest.shape[1]

        def signals() -> Declaration:
            bits = np.zeros((len(feeds), steps), np.uint8)
            for feed, bars in enumerate(feeds):
                bits[feed] = self._market.at_steps(self.strategy.signals(bars).bits(len(bars)), feed)
            return Declaration(first, bits)

        def weights() -> Declaration:
            when, shares, tolerance = self.strategy.weighed(newest_at_steps(feeds), steps)
            return Declaration(first, None, when, np.ascontiguousarray(shares), tolerance)

        return self._reading(values, weights if self.by_weights else signals)

    def rules(self, values: Mapping[str, Any]) -> tuple[tuple[Any, int], set[str]]:
        """The kernel's row of rules, and the period of the deviation that sizes read, 0 for none."""
        return self._reading(values, self._rules)

    def _rules(self) -> tuple[Any, int]:
        strategy = self.strategy
        for name in ("enable_risk_manager", "enable_db_logging"):
            if getattr(strategy.p, name):
                raise NotCovered(f"{name} is on")
        row = np.zeros(broker.RULES)
        if self.by_weights:
            return row, 0
        rules, option = strategy.rules(), strategy.option
        method = option("sizing")
        if method not in SIZINGS:
            raise NotCovered(f"sizing is {method!r}")
        feeds, period = len(strategy.datas), 0
        row[broker.R_STOP] = rules.stop_loss
        row[broker.R_TARGET] = rules.take_profit
        row[broker.R_TRAIL] = rules.trailing_stop
        row[broker.R_ON_CLOSE] = rules.on_close
        row[broker.R_LONGEST] = rules.longest
        row[broker.R_COOL_DOWN] = rules.cool_down
        row[broker.R_REVERSE] = rules.reverse
        row[broker.R_SIZING] = SIZINGS[method]
        row[broker.R_SHARE] = strategy.p.position_share
        if method == "risk":
            row[broker.R_RISK] = option("risk_per_trade")
            row[broker.R_STOP_DISTANCE] = option("stop_distance")
        elif method == "volatility":
            row[broker.R_VOLATILITY] = option("volatility_target") / feeds
            period = int(option("volatility_period"))
        elif method == "fixed":
            row[broker.R_FIXED] = option("fixed_size")
        return row, period

    def deviations(self, period: int) -> Any:
        """Yearly deviation of the last `period` returns [feeds, steps], as by_volatility has it."""
        if period not in self._deviations:
            year = math.sqrt(run_context.current().sessions_a_year)
            columns = []
            for feed, series in enumerate(self._market.data_set.prices):
                found = np.zeros(len(series))
                for bar in range(2, len(series)) if period > 1 else ():
                    closes = series.close[max(0, bar - period) : bar + 1]
                    returns = [math.log(after / before) for before, after in pairwise(closes)]
                    found[bar] = statistics.stdev(returns) * year
                columns.append(self._market.at_steps(found, feed))
            self._deviations[period] = np.array(columns)
        return self._deviations[period]
