"""LEAN's method names on `BaseStrategy`: what an algorithm of QuantConnect calls, on Backtrader's broker.

The quantity's sign is the direction. Orders are filled by Backtrader's rules: a market order at the
next bar's open, which on daily bars is LEAN's too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import backtrader as bt

from strategies.bar_time import bar_seconds, epoch, is_intraday
from strategies.consolidators import Consolidator, period_seconds
from strategies.contracts import SHARE, contract_of
from strategies.lean_rules import target_quantity
from strategies.market_calendar import market_calendar
from strategies.portfolio import Holding, feed_of
from strategies.schedule import DateRules, Schedule, TimeRules
from strategies.shares import clean, day_shares, whole
from strategies.slices import Security, Slice, Symbol
from strategies.tickets import OrderTicket, Transactions


@dataclass(frozen=True)
class PortfolioTarget:
    """A symbol and the fraction of the portfolio that it shall have."""

    symbol: Any
    quantity: float


class LeanApi:
    """What `BaseStrategy` answers to LEAN's names with."""

    broker: Any
    data: Any
    datas: Any
    p: Any
    log: Any
    lean_rules: bool = True
    """Whether set_holdings keeps LEAN's buffer and least order; a strategy may declare it as a parameter."""
    calendar: str = "XNYS"
    """Exchange whose hours count."""

    def prepare_lean(self) -> None:
        self.securities = Securities(self)
        self.transactions = Transactions(self)
        self.schedule = Schedule(self)
        self.date_rules = DateRules(self)
        self.time_rules = TimeRules(self)
        self._at_the_open: list[OrderTicket] = []

    # Orders

    def market_order(
        self, symbol: Any, quantity: float, asynchronous: bool = False, tag: str = "",
        order_properties: Any = None,
    ) -> OrderTicket:  # fmt: skip
        return self._ticket(symbol, quantity, tag).send(exectype=bt.Order.Market)

    def limit_order(
        self, symbol: Any, quantity: float, limit_price: float, asynchronous: bool = False, tag: str = "",
        order_properties: Any = None,
    ) -> OrderTicket:  # fmt: skip
        return self._ticket(symbol, quantity, tag).send(exectype=bt.Order.Limit, price=limit_price)

    def stop_market_order(
        self, symbol: Any, quantity: float, stop_price: float, asynchronous: bool = False, tag: str = "",
        order_properties: Any = None,
    ) -> OrderTicket:  # fmt: skip
        return self._ticket(symbol, quantity, tag).send(exectype=bt.Order.Stop, price=stop_price)

    def stop_limit_order(
        self, symbol: Any, quantity: float, stop_price: float, limit_price: float,
        asynchronous: bool = False, tag: str = "", order_properties: Any = None,
    ) -> OrderTicket:  # fmt: skip
        return self._ticket(symbol, quantity, tag).send(
            exectype=bt.Order.StopLimit, price=stop_price, plimit=limit_price
        )

    def trailing_stop_order(
        self, symbol: Any, quantity: float, trailing_amount: float, trailing_as_percentage: bool,
        asynchronous: bool = False, tag: str = "", order_properties: Any = None,
    ) -> OrderTicket:  # fmt: skip
        """`trailing_amount` is money, or a fraction of the price (0.05 is 5 %) with the flag."""
        how = "trailpercent" if trailing_as_percentage else "trailamount"
        return self._ticket(symbol, quantity, tag).send(exectype=bt.Order.StopTrail, **{how: trailing_amount})

    def market_on_open_order(
        self, symbol: Any, quantity: float, asynchronous: bool = False, tag: str = "",
        order_properties: Any = None,
    ) -> OrderTicket:  # fmt: skip
        """Filled at the next session's first open; between minute bars it waits for the session's last."""
        ticket = self._ticket(symbol, quantity, tag)
        if not is_intraday(ticket._data):
            return ticket.send(exectype=bt.Order.Market)
        if not self._at_the_open:
            self.before_each_bar(self._send_before_the_open)
        ticket.waiting = True
        self._at_the_open.append(ticket)
        self._send_before_the_open()
        return ticket

    def market_on_close_order(
        self, symbol: Any, quantity: float, asynchronous: bool = False, tag: str = "",
        order_properties: Any = None,
    ) -> OrderTicket:  # fmt: skip
        """Filled at the close of the next bar, on intraday bars at that of the session's last."""
        ticket = self._ticket(symbol, quantity, tag)
        return ticket.send(exectype=bt.Order.Close)

    def order(self, symbol: Any, quantity: float, *_: Any, tag: str = "") -> OrderTicket:
        return self.market_order(symbol, quantity, tag=tag)

    def calculate_order_quantity(self, symbol: Any, target: float) -> float:
        """Signed shares that bring a symbol to `target`, a fraction of the portfolio."""
        data = feed_of(self, symbol)
        lean = self.p.lean_rules if hasattr(self.p, "lean_rules") else self.lean_rules
        held = self.broker.getposition(data).size
        value, price, factor = self.broker.getvalue(), data.close[0], day_shares(data)
        contract = contract_of(data)
        if contract != SHARE:
            wanted = value * target / (price * contract.multiplier)
            return float(whole(wanted, data) - held)
        if factor == 1.0:
            return target_quantity(value, held, price, target, lean=lean)
        return clean(target_quantity(value, clean(held * factor), price / factor, target, lean=lean) / factor)

    def set_holdings(
        self, symbol: Any, percentage: float = 0.0, liquidate_existing_holdings: bool = False,
        asynchronous: bool = False, tag: str = "", order_properties: Any = None,
    ) -> list[OrderTicket]:  # fmt: skip
        """Bring a symbol to a fraction of the portfolio; or a list of PortfolioTarget, sales first."""
        targets = symbol if isinstance(symbol, list) else [PortfolioTarget(symbol, percentage)]
        wanted = {feed_of(self, target.symbol): target.quantity for target in targets}
        tickets = []
        if liquidate_existing_holdings:
            for data in self.datas:
                if data not in wanted:
                    tickets += self.liquidate(data, tag=tag)
        quantities = {data: self.calculate_order_quantity(data, share) for data, share in wanted.items()}
        for data, quantity in sorted(quantities.items(), key=lambda item: item[1]):
            for order in list(self.pending_orders(data)):
                self.broker.cancel(order)
            if quantity:
                tickets.append(self.market_order(data, quantity, tag=tag))
        return tickets

    def liquidate(
        self, symbol: Any = None, asynchronous: bool = False, tag: str = "Liquidated",
        order_properties: Any = None,
    ) -> list[OrderTicket]:  # fmt: skip
        """Cancel what is open and close the position: of a symbol, of several, or of all."""
        if symbol is None:
            feeds: Iterable[Any] = self.datas
        elif isinstance(symbol, list | tuple):
            feeds = [feed_of(self, one) for one in symbol]
        else:
            feeds = [feed_of(self, symbol)]
        tickets = []
        for data in feeds:
            for order in list(self.pending_orders(data)):
                self.broker.cancel(order)
            held = self.broker.getposition(data).size
            if held:
                tickets.append(self.market_order(data, -held, tag=tag))
        return tickets

    def _ticket(self, symbol: Any, quantity: float, tag: str) -> OrderTicket:
        ticket = OrderTicket(self, feed_of(self, symbol), quantity, tag)
        self.transactions.tickets.append(ticket)
        return ticket

    def _send_before_the_open(self) -> None:
        for ticket in [ticket for ticket in self._at_the_open if ticket.waiting]:
            ended = epoch(ticket._data.datetime[0]) + bar_seconds(ticket._data)
            session = market_calendar(self.calendar).trading_day(ended - 1)
            if session is not None and ended >= session.close:
                ticket.send(exectype=bt.Order.Market)
        self._at_the_open[:] = [ticket for ticket in self._at_the_open if ticket.waiting]

    # Set-up and data

    def get_parameter(self, name: str, default_value: Any = None) -> Any:
        """The parameter; as text without a default, else of the default's type, or the default itself."""
        value = getattr(self.p, name, None)
        if value is None:
            return default_value
        if default_value is None or isinstance(default_value, str):
            return str(value)
        try:
            return type(default_value)(value)
        except (TypeError, ValueError):
            return default_value

    def add_equity(self, ticker: str, resolution: Any = None, *_: Any, **__: Any) -> Security:
        """The security of a symbol that the run has; which symbols it has, its config decides."""
        return self.securities[ticker]

    def set_start_date(self, *_: Any) -> None:
        self._decided_by_config("set_start_date")

    def set_end_date(self, *_: Any) -> None:
        self._decided_by_config("set_end_date")

    def set_cash(self, *_: Any) -> None:
        self._decided_by_config("set_cash")

    def set_benchmark(self, *_: Any) -> None:
        self._decided_by_config("set_benchmark")

    def set_brokerage_model(self, *_: Any) -> None:
        self._decided_by_config("set_brokerage_model")

    def _decided_by_config(self, method: str) -> None:
        self.log(f"{method} changes nothing here: the run's config decides", level="debug")

    def set_warm_up(self, bar_count: int, resolution: Any = None) -> None:
        """Bars to see before the first that is traded; only before the first bar."""
        self.addminperiod(int(bar_count) + 1)

    set_warmup = set_warm_up

    def consolidate(self, symbol: Any, period: Any, handler: Any) -> Consolidator:
        """Call `handler(bar)` with each bar of `period` (a Resolution or timedelta) that is complete."""
        made = Consolidator(feed_of(self, symbol), period_seconds(period), handler, self.calendar)
        self.before_each_bar(made.update)
        return made

    def current_slice(self) -> Slice:
        """What is new on this bar, as LEAN's on_data receives it."""
        return Slice(self)

    @property
    def utc_time(self) -> dt.datetime:
        """When the newest bar ended: naive, UTC; daily bars end at the exchange's close."""
        return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=self.schedule.now())

    before_each_bar: Any
    pending_orders: Any
    addminperiod: Any


class Securities:
    """`securities["SPY"]`."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._found: dict[Any, Security] = {}

    def __getitem__(self, symbol: Any) -> Security:
        data = feed_of(self._strategy, symbol)
        if data not in self._found:
            self._found[data] = Security(data, Holding(self._strategy, data))
        return self._found[data]

    def __contains__(self, symbol: Any) -> bool:
        return any(symbol == data._name for data in self._strategy.datas)

    def contains_key(self, symbol: Any) -> bool:
        return symbol in self

    def __iter__(self) -> Iterator[Symbol]:
        return (Symbol(data._name) for data in self._strategy.datas)

    def values(self) -> list[Security]:
        return [self[data] for data in self._strategy.datas]
