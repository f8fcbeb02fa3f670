"""`BaseStrategy`: what every strategy of the desk is written on."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import backtrader as bt

from strategies.parameters import Parameter, ParameterError, from_params, merged

LOG_LIMIT = 1_000


class DeclaredParameters(type(bt.Strategy)):  # type: ignore[misc]
    """Derives Backtrader's `params` from `parameters`, so that a strategy declares each of them once.

    A class with Backtrader's own `params` works too: they are read off its defaults, without bounds.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        own = tuple(namespace.get("parameters", ()))
        stock = dict(namespace.get("params", ()))
        both = sorted({parameter.name for parameter in own} & set(stock))
        if both:
            raise ParameterError(
                f"{name} declares {both[0]!r} in `parameters` and in `params`; keep the first"
            )
        inherited = [parameter for base in reversed(bases) for parameter in getattr(base, "parameters", ())]
        namespace["parameters"] = merged(inherited, own + from_params(stock))
        namespace["params"] = (*stock.items(), *((parameter.name, parameter.default) for parameter in own))
        return super().__new__(mcs, name, bases, namespace)


class BaseStrategy(bt.Strategy, metaclass=DeclaredParameters):  # type: ignore[misc]
    """A Backtrader strategy with sizing, a log and a memory of its pending orders.

    Write `on_bar(data)`, which is called for each feed that has a new bar once all feeds have enough bars,
    or Backtrader's own `next()`. Declare title, hypothesis, code and `parameters` on the class.
    """

    code: ClassVar[str] = ""
    """Short code for people, `STR-` and three or more digits."""
    title: ClassVar[str] = ""
    hypothesis: ClassVar[str] = ""
    """Why it should make money, in a sentence."""
    tags: ClassVar[tuple[str, ...]] = ()
    priority: ClassVar[int] = 0
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "position_share", float, 0.95, 0.0, 1.0,
            "Share of the portfolio's value that may be invested, split evenly over its symbols.",
        ),
    )  # fmt: skip

    print_log: bool = False
    log_sink: Callable[[dt.datetime | None, str], None] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.log_lines: deque[str] = deque(maxlen=LOG_LIMIT)
        self._orders_of: dict[Any, list[Any]] = {}
        self._seen_bars: dict[Any, int] = {}

    # Bars

    def next(self) -> None:
        for data in self.updated_feeds():
            self.on_bar(data)

    def on_bar(self, data: Any) -> None:
        """Decide on one feed's newest bar."""

    def updated_feeds(self) -> Iterator[Any]:
        """Feeds with a bar not seen before: of several symbols, some miss sessions."""
        for data in self.datas:
            bars = len(data)
            if bars != self._seen_bars.get(data):
                self._seen_bars[data] = bars
                yield data

    # Orders

    def calculate_position_size(self, price: float) -> int:
        """Whole shares to buy at `price` for an equal share of the portfolio, never more than cash pays for.

        Cash that pending buy orders will need counts as spent.
        """
        if not price > 0:
            return 0
        share = self.broker.getvalue() * self.params.position_share / len(self.datas)
        spoken_for = sum(
            order.executed.remsize * order.created.price for order in self._pending_orders() if order.isbuy()
        )
        affordable = self.broker.getcash() * self.params.position_share - spoken_for
        return max(0, int(min(share, affordable) / price))

    def has_pending_order(self, data: Any | None = None) -> bool:
        """True while an order on this feed may still be filled."""
        return any(True for _ in self._pending_orders(data if data is not None else self.data))

    def buy(self, data: Any = None, *args: Any, **kwargs: Any) -> Any:
        return self._remembered(super().buy(data, *args, **kwargs))

    def sell(self, data: Any = None, *args: Any, **kwargs: Any) -> Any:
        return self._remembered(super().sell(data, *args, **kwargs))

    def _remembered(self, order: Any) -> Any:
        if order is not None:
            self._orders_of.setdefault(order.data, []).append(order)
        return order

    def _pending_orders(self, data: Any | None = None) -> Iterator[Any]:
        feeds: Iterable[Any] = self._orders_of if data is None else (data,)
        for feed in feeds:
            orders = self._orders_of.get(feed)
            if orders:
                # Backtrader updates the very objects that buy() and sell() returned, so this holds also where
                # a strategy overrides notify_order.
                orders[:] = [order for order in orders if order.alive()]
                yield from orders

    def notify_order(self, order: Any) -> None:
        """Log what became of an order that was not filled; override to act on it."""
        if order.status in (order.Margin, order.Rejected, order.Expired):
            side = "buy" if order.isbuy() else "sell"
            self.log(f"{side} {abs(order.created.size):.12g} {order.data._name}: {order.getstatusname()}")

    def notify_trade(self, trade: Any) -> None:
        """Log a closed trade; override to act on it."""
        if trade.isclosed:
            self.log(f"closed {trade.data._name}: {trade.pnlcomm:+.2f} after fees")

    # Log

    def log(self, text: str) -> None:
        """Keep `text` with the bar's time (the last 1,000 lines); pass it to `log_sink` where one is set."""
        when = self._bar_time()
        line = f"{when.isoformat(sep=' ') if when else 'before the first bar'}  {text}"
        self.log_lines.append(line)
        if self.log_sink is not None:
            self.log_sink(when, text)
        if self.print_log:
            print(line)

    def _bar_time(self) -> dt.datetime | None:
        number = self.lines.datetime[0] if len(self) else 0.0
        # Before its first bar the line holds zero or NaN.
        return bt.num2date(number) if number > 0 else None
