"""The account as a strategy sees it, by the names that Backtrader's users and LEAN's users know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from strategies.contracts import contract_of


class Holding:
    """One symbol's position, always as it is now."""

    def __init__(self, strategy: Any, data: Any) -> None:
        self._strategy = strategy
        self._data = data

    @property
    def symbol(self) -> str:
        return str(self._data._name)

    @property
    def quantity(self) -> float:
        """Signed shares."""
        return float(self._strategy.getposition(self._data).size)

    @property
    def average_price(self) -> float:
        return float(self._strategy.getposition(self._data).price) if self.quantity else 0.0

    @property
    def price(self) -> float:
        return float(self._data.close[0]) if len(self._data) else 0.0

    @property
    def invested(self) -> bool:
        return self.quantity != 0

    @property
    def is_long(self) -> bool:
        return self.quantity > 0

    @property
    def is_short(self) -> bool:
        return self.quantity < 0

    @property
    def absolute_quantity(self) -> float:
        return abs(self.quantity)

    @property
    def holdings_value(self) -> float:
        """Signed market value, of contracts that of what they stand for."""
        return self.quantity * self.price * contract_of(self._data).multiplier

    @property
    def absolute_holdings_value(self) -> float:
        return abs(self.holdings_value)

    @property
    def unrealized_profit(self) -> float:
        """Before fees."""
        return self.quantity * (self.price - self.average_price) * contract_of(self._data).multiplier

    @property
    def unrealized_profit_percent(self) -> float:
        """A fraction of the cost; 0 without a position."""
        cost = self.absolute_quantity * self.average_price * contract_of(self._data).multiplier
        return self.unrealized_profit / cost if cost else 0.0

    @property
    def profit(self) -> float:
        """Of closed trades in this symbol, before fees."""
        return float(sum(trade.pnl for trade in _trades(self._strategy, self._data) if trade.isclosed))

    @property
    def total_fees(self) -> float:
        return float(sum(trade.commission for trade in _trades(self._strategy, self._data)))


class Portfolio:
    """Cash, value and positions; `portfolio["SPY"]` is a Holding. Iterating gives the symbols."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._holdings = {data: Holding(strategy, data) for data in strategy.traded_feeds}

    def __getitem__(self, symbol: Any) -> Holding:
        return self._holdings[feed_of(self._strategy, symbol)]

    def __contains__(self, symbol: Any) -> bool:
        return any(symbol in (data, data._name) for data in self._holdings)

    def __iter__(self) -> Iterator[str]:
        return (holding.symbol for holding in self._holdings.values())

    def values(self) -> list[Holding]:
        return list(self._holdings.values())

    @property
    def positions(self) -> dict[str, float]:
        """Signed shares by symbol, without those that are flat."""
        return {holding.symbol: holding.quantity for holding in self._holdings.values() if holding.invested}

    @property
    def cash(self) -> float:
        return float(self._strategy.broker.getcash())

    @property
    def value(self) -> float:
        return float(self._strategy.broker.getvalue())

    total_portfolio_value = value

    @property
    def exposure(self) -> float:
        """Gross market value of all positions over the portfolio's value; inf where that is not positive."""
        return self.total_absolute_holdings / self.value if self.value > 0 else float("inf")

    @property
    def invested(self) -> bool:
        return any(holding.invested for holding in self._holdings.values())

    @property
    def total_holdings_value(self) -> float:
        return sum(holding.holdings_value for holding in self._holdings.values())

    @property
    def total_absolute_holdings(self) -> float:
        return sum(holding.absolute_holdings_value for holding in self._holdings.values())

    @property
    def total_unrealized_profit(self) -> float:
        return sum(holding.unrealized_profit for holding in self._holdings.values())

    total_unrealised_profit = total_unrealized_profit

    @property
    def total_profit(self) -> float:
        """Of closed trades, before fees."""
        return sum(holding.profit for holding in self._holdings.values())

    @property
    def total_fees(self) -> float:
        return sum(holding.total_fees for holding in self._holdings.values())

    @property
    def total_net_profit(self) -> float:
        return self.total_profit - self.total_fees

    @property
    def margin_remaining(self) -> float:
        """Without leverage: the cash."""
        return self.cash


class UnknownSymbolError(KeyError):
    """A strategy asked for a symbol that its run does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


def feed_of(strategy: Any, symbol: Any) -> Any:
    """The data feed of a symbol's name, of a security, or the feed itself."""
    if isinstance(symbol, str):
        for data in strategy.datas:
            if data._name == symbol:
                return data
        for data in strategy.datas:
            if data._name.upper() == symbol.upper():
                return data
        known = ", ".join(data._name for data in strategy.datas)
        raise UnknownSymbolError(f"this run has no symbol {symbol!r}; it has {known}")
    named = getattr(symbol, "feed", None)
    if named is not None:
        return named
    if any(symbol is data for data in strategy.datas):
        return symbol
    raise UnknownSymbolError(f"expected a symbol or a data feed of this run, received {symbol!r}")


def _trades(strategy: Any, data: Any) -> Iterator[Any]:
    """Backtrader's trades on a feed, open and closed."""
    for trades in strategy._trades[data].values():
        yield from trades
