"""One parser for the result files of all of LEAN's generations, 2019 to today."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from runners.engines.base import ClosedTrade
from runners.engines.lean.documents import (
    LeanFileError,
    count,
    find,
    items,
    members,
    number,
    parse_json,
    text,
    when,
)
from runners.engines.lean.equity_points import EquityPoint, equity_points

Source = Literal["json", "summary", "log"]

_SHAPE = ("statistics", "totalPerformance", "charts", "orders", "runtimeStatistics", "rollingWindow")
_MOST_SESSIONS = 366
_FILLED = frozenset({2, 3})
"""Order states that have a fill: partly filled, filled."""
_MAX_PARAMETERS = 500
_SECRET = re.compile(r"password|secret|token|api-?key|intrinio-username", re.IGNORECASE)
"""Parameters that LEAN's own configuration brings along and that nobody may find in a database."""


@dataclass(frozen=True)
class Fill:
    """One execution; `quantity` is negative for a sale, `fee` is None where the file does not say."""

    order: str
    symbol: str
    time: dt.datetime
    quantity: float
    price: float
    fee: float | None = None


@dataclass(frozen=True)
class LeanResult:
    """What LEAN left of one backtest, in one shape whatever its age.

    `portfolio` and `trade` are LEAN's two statistics objects with lower-case names; `statistics` are its
    texts. None means that the file does not say.
    """

    path: Path
    source: Source
    file_hash: str
    parameters: dict[str, str] | None
    status: str
    error: str
    statistics: dict[str, str]
    portfolio: dict[str, float] = field(default_factory=dict)
    trade: dict[str, float] = field(default_factory=dict)
    equity: tuple[EquityPoint, ...] = ()
    trades: tuple[ClosedTrade, ...] | None = None
    fills: tuple[Fill, ...] | None = None
    order_count: int | None = None
    start_date: dt.date | None = None
    end_date: dt.date | None = None
    name: str = ""
    sessions_a_year: float | None = None
    """LEAN's tradingDaysPerYear, by which it makes its own ratios."""
    failed_request_share: float | None = None
    """Share of LEAN's requests for data that found none; near 1 means that it ran on nothing."""

    def statistic(self, *names: str) -> float | None:
        """A number of the `statistics` texts by LEAN's name, per cents as fractions; names of older
        generations follow."""
        for name in names:
            value = number(find(self.statistics, name))
            if value is not None:
                return value
        return None


def looks_like_result(document: object) -> bool:
    """True of what LEAN writes for a backtest, also of the answer that its web API gives."""
    inner = find(document, "backtest")
    known = [
        name for name in _SHAPE if find(inner if isinstance(inner, Mapping) else document, name) is not None
    ]
    return len(known) >= 2


def parse_result(path: Path, raw: bytes, *, source: Source = "json") -> LeanResult:
    """The result in a file's bytes. Raises LeanFileError where it is none."""
    document = parse_json(raw)
    if not isinstance(document, Mapping) or not looks_like_result(document):
        raise LeanFileError("is no LEAN result: it has neither statistics nor charts")
    inner = find(document, "backtest")
    if isinstance(inner, Mapping):
        document = inner
    performance = find(document, "totalPerformance")
    configuration = find(document, "algorithmConfiguration")
    return LeanResult(
        path=path,
        source=source,
        file_hash=hashlib.sha256(raw).hexdigest(),
        parameters=_parameters(document, configuration),
        status=_status(document),
        error=_error(document),
        statistics={
            text(name, 80): text(value, 200) for name, value in members(find(document, "statistics"))
        },
        portfolio=_numbers(find(performance, "portfolioStatistics")) | _scores(document),
        trade=_numbers(find(performance, "tradeStatistics")),
        equity=tuple(equity_points(find(document, "charts"))),
        trades=_trades(performance),
        fills=_fills(find(document, "orders")),
        order_count=_order_count(document),
        start_date=_date(configuration, document, "startDate", "backtestStart"),
        end_date=_date(configuration, document, "endDate", "backtestEnd"),
        name=text(find(configuration, "name") or find(document, "name"), 200),
        sessions_a_year=_sessions_a_year(configuration),
    )


def _sessions_a_year(configuration: object) -> float | None:
    stated = number(find(configuration, "tradingDaysPerYear"))
    return stated if stated is not None and 0 < stated <= _MOST_SESSIONS else None


def fills_of_events(events: object) -> tuple[Fill, ...]:
    """Fills in an order-events file, which knows more than the result's orders: partial fills, and fees."""
    fills = []
    for event in items(events):
        quantity, price = number(find(event, "fillQuantity")), number(find(event, "fillPrice"))
        time = when(find(event, "time"))
        if not quantity or price is None or time is None:
            continue
        symbol = text(find(event, "symbolValue") or find(event, "symbol"), 60)
        fee = number(find(event, "orderFeeAmount"))
        fills.append(Fill(str(find(event, "orderId"))[:40], symbol, time, quantity, price, fee or 0.0))
    return tuple(sorted(fills, key=lambda fill: fill.time))


def _parameters(document: object, configuration: object) -> dict[str, str] | None:
    found = find(configuration, "parameters")
    if not isinstance(found, Mapping):
        found = find(document, "parameterSet")
    if not isinstance(found, Mapping):
        return None
    if len(found) > _MAX_PARAMETERS:
        raise LeanFileError(f"has {len(found):,} parameters; at most {_MAX_PARAMETERS} are read")
    return {
        text(name, 200): text(value if isinstance(value, str) else str(value), 500)
        for name, value in members(found)
        if not _SECRET.search(name)
    }


def _status(document: object) -> str:
    status = text(find(document, "state", "Status") or find(document, "status"), 60).rstrip(".")
    if not status and find(document, "completed") is False:
        return "Running"
    return status


def _error(document: object) -> str:
    return text(find(document, "state", "RuntimeError") or find(document, "error")).strip()


def _numbers(document: object) -> dict[str, float]:
    found = ((name.casefold(), number(value)) for name, value in members(document))
    return {name[:80]: value for name, value in found if value is not None}


def _scores(document: object) -> dict[str, float]:
    """The only Sortino ratio of files before 2023-03; its bounds stand for "undefined"."""
    sortino = number(find(document, "alphaRuntimeStatistics", "SortinoRatio"))
    return {"sortinoratio": sortino} if sortino is not None and abs(sortino) < 1e9 else {}


def _order_count(document: object) -> int | None:
    for name in ("Total Orders", "Total Trades"):
        found = count(number(find(document, "statistics", name)))
        if found is not None:
            return found
    orders = find(document, "orders")
    return (
        len(orders) if isinstance(orders, Mapping) else count(number(find(document, "state", "OrderCount")))
    )


def _date(configuration: object, document: object, name: str, cloud_name: str) -> dt.date | None:
    found = when(find(configuration, name) or find(document, cloud_name))
    return None if found is None else found.date()


def _symbol(document: Any) -> str:
    symbols = find(document, "symbols")
    symbol = find(document, "symbol") if not isinstance(symbols, list) else next(iter(symbols), None)
    return text(symbol if isinstance(symbol, str) else find(symbol, "value"), 60) or "?"


def _trades(performance: object) -> tuple[ClosedTrade, ...] | None:
    closed = find(performance, "closedTrades")
    if not isinstance(closed, list):
        return None
    trades = []
    for trade in closed:
        entered, left = when(find(trade, "entryTime")), when(find(trade, "exitTime"))
        values = [number(find(trade, name)) for name in ("quantity", "entryPrice", "exitPrice", "profitLoss")]
        if entered is None or left is None or None in values:
            return None
        quantity, entry_price, exit_price, gross = (float(value) for value in values if value is not None)
        fees = number(find(trade, "totalFees")) or 0.0
        short = find(trade, "direction") in (1, "1", "short", "Short")
        size = -abs(quantity) if short else abs(quantity)
        trades.append(
            # LEAN's profitLoss is before fees.
            ClosedTrade(_symbol(trade), entered, left, size, entry_price, exit_price, gross - fees, fees)
        )
    # Thinned files keep the count of trades and leave out the trades.
    counted = count(find(performance, "tradeStatistics", "totalNumberOfTrades"))
    return None if counted and not trades else tuple(trades)


def _fills(orders: object) -> tuple[Fill, ...] | None:
    if not isinstance(orders, Mapping | list):
        return None
    fills = []
    for name, order in (
        members(orders) if isinstance(orders, Mapping) else ((str(n), o) for n, o in enumerate(orders))
    ):
        if count(find(order, "status")) not in _FILLED:
            continue
        quantity, price = number(find(order, "quantity")), number(find(order, "price"))
        time = when(find(order, "lastFillTime")) or when(find(order, "time"))
        if quantity is None or price is None or time is None:
            return None
        fills.append(Fill(name[:40], _symbol(order), time, quantity, price))
    return tuple(sorted(fills, key=lambda fill: fill.time))
