"""`BaseStrategy`: what every strategy of the desk is written on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import backtrader as bt

from strategies.bar_events import BarEvents
from strategies.bar_log import LOG_LIMIT, BarLog, LogRecord
from strategies.db_logger import DBLogger
from strategies.declared_parameters import DeclaredParameters
from strategies.indicators import LeanIndicators
from strategies.lean_api import LeanApi
from strategies.order_flow import OrderFlow, OrderRequest, request_of
from strategies.parameters import Parameter
from strategies.portfolio import Portfolio
from strategies.risk_events import RiskEvent
from strategies.risk_manager import RiskManager
from strategies.sizing import PositionSizing

__all__ = ["LOG_LIMIT", "BaseStrategy", "LogRecord", "OrderRequest", "Parameter"]


class EntryRefused(Exception):
    """The entry of a bracket was kept from the broker, so there is no bracket."""


class BaseStrategy(
    bt.Strategy,  # type: ignore[misc]
    OrderFlow,
    PositionSizing,
    BarEvents,
    BarLog,
    LeanApi,
    LeanIndicators,
    metaclass=DeclaredParameters,
):
    """A Backtrader strategy with sizing, a log, checked orders, a portfolio and LEAN's method names.

    Write `on_bar(data)`, which is called for each feed that has a new bar once all feeds have enough bars,
    or Backtrader's own `next()`, or LEAN's `initialize()` and `on_data(slice)`. Declare title, hypothesis,
    code and `parameters` on the class.

    Hooks to override, in the order in which they are called: `initialize`, `start`, `prenext` (bars of the
    warm-up), `on_warmup_finished`, `next`/`on_bar`, `notify_order`, `on_order_refused`, `notify_trade`,
    `stop`.
    """

    code: ClassVar[str] = ""
    """Short code for people, `STR-` and three or more digits."""
    title: ClassVar[str] = ""
    hypothesis: ClassVar[str] = ""
    """Why it should make money, in a sentence."""
    tags: ClassVar[tuple[str, ...]] = ()
    priority: ClassVar[int] = 0
    resample: ClassVar[tuple[str, ...]] = ()
    """Longer timeframes that it needs, such as ("1w",), where its config names none."""
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "position_share", float, 0.95, 0.0, 1.0,
            "Share of the portfolio's value that may be invested, split evenly over its symbols.",
        ),
        Parameter(
            "enable_risk_manager", bool, False,
            description="Keep orders that break a risk limit from the broker.",
        ),
        Parameter(
            "enable_db_logging", bool, False,
            description="Record orders, positions, trades and the account's value.",
        ),
    )  # fmt: skip

    def prepare(self) -> None:
        """State of the framework; called before `__init__`, by the metaclass."""
        self.prepare_log()
        self.prepare_orders()
        self.prepare_events()
        self._seen_bars: dict[Any, int] = {}
        self._in_bracket = False
        self.risk_manager: RiskManager | None = None
        self.db_logger: DBLogger | None = None
        self._takes_slices = type(self).on_data is not BaseStrategy.on_data
        self.is_warming_up = True
        self.portfolio = Portfolio(self)
        self.prepare_lean()

    def initialize(self) -> None:
        """LEAN's place to set up; called after `__init__`."""

    def equip(self) -> None:
        """What the parameters switch on; called after `__init__` and `initialize`."""
        if self.params.enable_risk_manager and self.risk_manager is None:
            self.risk_manager = RiskManager(self)
        if self.params.enable_db_logging and self.db_logger is None:
            self.db_logger = DBLogger(self)

    # Bars

    def prenext(self) -> None:
        """A bar of the warm-up: no indicator is complete yet, or the run's window has not begun."""

    def nextstart(self) -> None:
        self.is_warming_up = False
        self.on_warmup_finished()
        self.next()

    def next(self) -> None:
        for data in self.updated_feeds():
            self.on_bar(data)
        if self._takes_slices:
            self.on_data(self.current_slice())

    def on_data(self, data: Any) -> None:
        """LEAN's callback, with a Slice."""

    def on_warmup_finished(self) -> None:
        """Before the first bar that the strategy may trade on."""

    def on_bar(self, data: Any) -> None:
        """Decide on one feed's newest bar."""

    def longer(self, timeframe: str, data: Any = None) -> Any:
        """The feed of `resample: [1w]` for one symbol, by default the first; for `__init__` and later."""
        feed = self.data if data is None else data
        name = f"{feed._name} {timeframe}"
        for one in self.datas:
            if one._name == name:
                return one
        had = [one._name for one in self.datas if getattr(one, "longer_of", None) is feed]
        raise KeyError(
            f"no bars of {name}; it has {had or 'none'}: write resample: [{timeframe}] in the config"
        )

    def updated_feeds(self) -> Iterator[Any]:
        """Feeds with a bar not seen before: of several symbols, some miss sessions."""
        for data in self.traded_feeds:
            bars = len(data)
            if bars != self._seen_bars.get(data, 0):
                self._seen_bars[data] = bars
                yield data

    # Orders: all of Backtrader's and LEAN's ways to order end in these two.

    def buy(self, data: Any = None, size: float | None = None, *args: Any, **kwargs: Any) -> Any:
        if not self.order_checks:
            return self.remembered(super().buy(data, size, *args, **kwargs))
        return self._sent(1, super().buy, data, size, args, kwargs)

    def sell(self, data: Any = None, size: float | None = None, *args: Any, **kwargs: Any) -> Any:
        if not self.order_checks:
            return self.remembered(super().sell(data, size, *args, **kwargs))
        return self._sent(-1, super().sell, data, size, args, kwargs)

    def _sent(
        self,
        sign: int,
        send: Any,
        data: Any,
        size: float | None,
        args: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        request = request_of(self, sign, data, size, args, options)
        if not request.size or not self.checked(request):
            # Without its entry, a bracket's stop and target would be orders of their own.
            if self._in_bracket and request.parent is None:
                raise EntryRefused
            return None
        order = self.remembered(send(request.data, abs(request.size), *args, **options))
        if order is not None:
            for check in self.order_checks:
                check.sent(request, order)
        return order

    def buy_bracket(self, *args: Any, **kwargs: Any) -> Any:
        return self._bracket(super().buy_bracket, args, kwargs)

    def sell_bracket(self, *args: Any, **kwargs: Any) -> Any:
        return self._bracket(super().sell_bracket, args, kwargs)

    def _bracket(self, send: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        self._in_bracket = True
        try:
            return send(*args, **options)
        except EntryRefused:
            return [None, None, None]
        finally:
            self._in_bracket = False

    # Notifications

    def notify_order(self, order: Any) -> None:
        """Log what became of an order that was not filled; override to act on it."""
        if order.status in (order.Margin, order.Rejected, order.Expired):
            side = "buy" if order.isbuy() else "sell"
            self.log(f"{side} {abs(order.created.size):.12g} {order.data._name}: {order.getstatusname()}")

    def on_risk_event(self, event: RiskEvent) -> None:
        """What RiskManager has refused, reached or begun; override to act on it."""

    def notify_trade(self, trade: Any) -> None:
        """Log a closed trade; override to act on it."""
        if trade.isclosed:
            self.log(f"closed {trade.data._name}: {trade.pnlcomm:+.2f} after fees")
