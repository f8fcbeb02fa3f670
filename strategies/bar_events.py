"""Who else hears of bars, orders and trades besides the strategy's own methods.

Risk limits, schedules, loggers must not depend on whether a strategy that overrides `next` or `notify_order`
remembers to call the inherited one. They are called around these methods, whatever class they are of. A
strategy that nobody listens to pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

Listener = Callable[[], None]


class BarEvents:
    """What `BaseStrategy` tells others with."""

    stop: Any
    notify_order: Any
    notify_trade: Any

    def prepare_events(self) -> None:
        self._before: list[Listener] = []
        self._after: list[Listener] = []
        self._served_bar = -1
        self._on_end: list[Listener] = []
        self._order_listeners: list[Callable[[Any], None]] = []
        self._trade_listeners: list[Callable[[Any], None]] = []

    def before_each_bar(self, listener: Listener) -> None:
        """Call it on every bar, those of the warm-up included, before the strategy sees the bar."""
        self._wrap_bars()
        self._before.append(listener)

    def after_each_bar(self, listener: Listener) -> None:
        """Call it on every bar once the strategy has acted on it."""
        self._wrap_bars()
        self._after.append(listener)

    def at_the_end(self, listener: Listener) -> None:
        """Call it when the run is over, after the strategy's `stop`."""
        if not self._on_end:
            self.stop = partial(self._with_end, self.stop)
        self._on_end.append(listener)

    def each_order(self, listener: Callable[[Any], None]) -> None:
        """Call it with every order whose state changed, before the strategy's `notify_order`."""
        if not self._order_listeners:
            self.notify_order = partial(_told, self._order_listeners, self.notify_order)
        self._order_listeners.append(listener)

    def each_trade(self, listener: Callable[[Any], None]) -> None:
        """Call it with every trade that opened or closed, before the strategy's `notify_trade`."""
        if not self._trade_listeners:
            self.notify_trade = partial(_told, self._trade_listeners, self.notify_trade)
        self._trade_listeners.append(listener)

    def _wrap_bars(self) -> None:
        if self._before or self._after:
            return
        for name in ("prenext", "nextstart", "next"):
            setattr(self, name, partial(self._with_bar, getattr(self, name)))

    def _with_bar(self, method: Listener) -> None:
        bar = len(self)  # type: ignore[arg-type]
        # nextstart() calls next(), and a strategy's prenext() may do so too.
        if bar == self._served_bar:
            method()
            return
        self._served_bar = bar
        for listener in self._before:
            listener()
        method()
        for listener in self._after:
            listener()

    def _with_end(self, method: Listener) -> None:
        method()
        for listener in self._on_end:
            listener()


def _told(listeners: list[Callable[[Any], None]], method: Callable[[Any], None], subject: Any) -> None:
    for listener in listeners:
        listener(subject)
    method(subject)
