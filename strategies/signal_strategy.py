"""`SignalStrategy`: signals as a function of arrays, execution rules as values.

Written once, it runs under Backtrader as any strategy does, in backtests, on paper and live, and, where the
runner has it, in the compiled kernel, with the same numbers.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

import backtrader as bt

from strategies.base_strategy import BaseStrategy
from strategies.rebalancing import Rebalancing
from strategies.signal_arrays import newest_at_steps, newest_bars, newest_row, rows, whole_bars
from strategies.signal_rules import LEAVE, NOTHING, SELL, Rules, decide, followed, stop_price, target_price
from strategies.signals import Bars, SignalError, Signals, Weights, indicators_of

LONG_AGO = -1_000_000_000


class SignalStrategy(Rebalancing, BaseStrategy):
    """Write `signals`, or `weights` for a portfolio, and what they read as methods marked `@indicator`.

    They see the whole history at once, or, bar by bar, the newest `window` bars: the last value of what they
    answer has to be the same, so that they may look back `window` bars and never ahead. What takes a longer
    memory is an indicator. `backdesk check` compares the two.
    """

    window: ClassVar[int] = 1
    """Bars that `signals` looks at for one value; steps that `weights` looks at. May be a property."""

    def signals(self, bars: Bars) -> Signals:
        """Of one feed, by the strategy's parameters `self.p`; orders go to the next open."""
        raise NotImplementedError

    def weights(self, bars: Sequence[Bars]) -> Weights:
        """Of all feeds, in their order; each array has the newest value at each step of the run's clock."""
        raise NotImplementedError

    def rules(self) -> Rules:
        """How signals are traded."""
        return Rules()

    # Under Backtrader

    def equip(self) -> None:
        super().equip()
        kind = type(self)
        self.by_weights = kind.weights is not SignalStrategy.weights
        if self.by_weights is (kind.signals is not SignalStrategy.signals):
            raise SignalError(f"{kind.__name__} has to have one of the two methods signals() and weights()")
        self.declare()
        self._rules = self.rules()
        self._eventful = self._rules != Rules()
        self._states = {data: _State() for data in self.traded_feeds}
        self._whole: Any = None
        self._bits: dict[Any, bytes] = {}
        self._rows: deque[Any] = deque(maxlen=max(1, self.window))

    def declare(self) -> None:
        """Make the indicators of every feed."""
        names = indicators_of(type(self))
        self.declared = [{name: getattr(self, name)(data) for name in names} for data in self.traded_feeds]

    def prenext(self) -> None:
        self._look()

    def nextstart(self) -> None:
        # The order in which the account adds up what its positions are worth.
        for data in self.traded_feeds:
            self.getposition(data)
        super().nextstart()

    def next(self) -> None:
        self._look()
        if self.by_weights:
            self._weigh()
        else:
            super().next()

    def _look(self) -> None:
        """On each bar; the first says whether all bars are there already."""
        if self._whole is None:
            cerebro = self.cerebro
            self._whole = bool(cerebro._dopreload and cerebro._dorunonce)
            if self._whole:
                self.evaluate()
        if self.by_weights and not self._whole:
            self._rows.append(newest_row(self))

    def evaluate(self) -> None:
        """Signals or weights of all bars, from arrays that are complete."""
        feeds = [whole_bars(data, made) for data, made in zip(self.traded_feeds, self.declared, strict=True)]
        if self.by_weights:
            stepped = newest_at_steps(feeds)
            self.when, self.shares, self.tolerance = self.weighed(stepped, len(stepped[0]))
        else:
            self._bits = {
                data: self.signals(bars).bits(len(bars)).tobytes()
                for data, bars in zip(self.traded_feeds, feeds, strict=True)
            }

    def weighed(self, bars: Sequence[Bars], steps: int) -> tuple[Any, Any, float]:
        """`when` [steps] and `shares` [feeds, steps], checked, and the tolerance."""
        found = self.weights(bars)
        return *found.checked(len(bars), steps), float(found.tolerance)

    def signal_now(self, data: Any) -> int:
        """Bits of the newest bar's signal."""
        if self._whole:
            return self._bits[data][len(data) - 1]
        made = self.declared[self.traded_feeds.index(data)]
        bars = newest_bars(data, made, self.window)
        return int(self.signals(bars).bits(len(bars))[-1])

    def on_bar(self, data: Any) -> None:
        signal = self.signal_now(data)
        if not signal and not self._eventful:
            return
        if any(order.exectype == bt.Order.Market for order in self.pending_orders(data)):
            return
        rules, state, close = self._rules, self._states[data], data.close[0]
        size, bar = self.getposition(data).size, len(data)
        state.observe(size, bar, close, rules)
        decision = decide(
            size, signal, close, state.stop, state.target, bar - state.decided, rules.longest,
            bar - state.left, rules.cool_down, rules.reverse,
        )  # fmt: skip
        if decision != NOTHING:
            self._act(data, decision, size, state)

    def _act(self, data: Any, decision: int, held: float, state: _State) -> None:
        rules, close = self._rules, data.close[0]
        if held:
            # Its stop and target.
            self.cancel_pending(data)
        if decision == LEAVE:
            self.close(data)
            return
        sign = -1.0 if decision == SELL else 1.0
        stop = stop_price(sign, close, rules.trailing_stop or rules.stop_loss)
        target = target_price(sign, close, rules.take_profit)
        size = self.calculate_position_size(close, data=data, stop_price=None if math.isnan(stop) else stop)
        if not size:
            if held:
                self.close(data)
            return
        state.decided = len(data)
        state.stop = state.target = math.nan
        go, back = (self.sell, self.buy) if decision == SELL else (self.buy, self.sell)
        if rules.on_close:
            state.stop, state.target = stop, target
            stop = target = math.nan
        waiting = [
            price
            for price in (("stop", stop), ("target", target))
            if not math.isnan(price[1])
        ]  # fmt: skip
        entry = go(data, size=size + abs(held), transmit=not waiting)
        if entry is None:
            return
        for place, (kind, price) in enumerate(waiting, 1):
            last = place == len(waiting)
            if kind == "target":
                back(data, size=size, exectype=bt.Order.Limit, price=price, parent=entry, transmit=last)
            elif rules.trailing_stop:
                back(
                    data, size=size, exectype=bt.Order.StopTrail, trailpercent=rules.trailing_stop,
                    parent=entry, transmit=last,
                )  # fmt: skip
            else:
                back(data, size=size, exectype=bt.Order.Stop, price=price, parent=entry, transmit=last)

    def _weigh(self) -> None:
        if self._whole:
            step = len(self) - 1
            if not self.when[step]:
                return
            shares, tolerance = self.shares[:, step], self.tolerance
        else:
            stepped = rows(self._rows)
            when, all_shares, tolerance = self.weighed(stepped, len(self._rows))
            if not when[-1]:
                return
            shares = all_shares[:, -1]
        self.rebalance(dict(zip(self.traded_feeds, map(float, shares), strict=True)), tolerance)


class _State:
    """One feed's position as its rules see it, by the feed's own bars."""

    __slots__ = ("decided", "held", "left", "stop", "target")

    def __init__(self) -> None:
        self.stop = self.target = math.nan
        self.decided = self.left = LONG_AGO
        self.held = False

    def observe(self, size: float, bar: int, close: float, rules: Rules) -> None:
        if size:
            self.held = True
            if rules.on_close and rules.trailing_stop:
                self.stop = followed(math.copysign(1.0, size), self.stop, close, rules.trailing_stop)
        elif self.held:
            self.held, self.left = False, bar
