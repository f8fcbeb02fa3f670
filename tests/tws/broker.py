"""What a broker knows, whatever happens to its gateway: orders, fills, positions, handles that were used."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from dataclasses import dataclass, field

DONE = ("Filled", "Cancelled", "Inactive")
made: list[Broker] = []
"""All that tests have made since somebody looked (watching.py)."""


@dataclass
class Order:
    client: int
    id: int
    perm: int
    account: str
    contract: dict[str, str]
    terms: dict[str, str]
    day: int
    status: str = "Submitted"
    filled: float = 0.0
    cost: float = 0.0
    ended: str = ""
    is_mute: bool = False
    """Nothing is told about it unless somebody asks."""

    @property
    def left(self) -> float:
        return float(self.terms["qty"]) - self.filled

    @property
    def symbol(self) -> str:
        return self.contract["symbol"]

    @property
    def is_open(self) -> bool:
        return self.status not in DONE

    def reached(self, price: float) -> bool:
        """Whether an order of its type is filled at this price."""
        buys = self.terms["action"] == "BUY"
        kind = self.terms["type"]
        if kind == "LMT":
            return price <= float(self.terms["lmt"]) if buys else price >= float(self.terms["lmt"])
        if kind == "STP":
            return price >= float(self.terms["aux"]) if buys else price <= float(self.terms["aux"])
        return kind == "MKT"


@dataclass
class Execution:
    order: Order
    id: str
    at: float
    day: int
    side: str
    shares: float
    price: float
    cumulative: float
    average: float
    commission: float


@dataclass
class Broker:
    account: str = "DU1234567"
    cash: float = 100_000.0
    fee: float = 1.0
    day: int = 0
    """Executions and completed orders of earlier days are not answered any more."""
    offset: float = 0.0
    """Seconds by which its clock is ahead of ours."""
    orders: dict[int, Order] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    positions: dict[str, tuple[float, float]] = field(default_factory=dict)
    contracts: dict[str, dict[str, str]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    """Symbols of which it knows no contract."""
    used: dict[int, int] = field(default_factory=dict)
    """Highest order id that each client was seen to use."""
    last: dict[str, float] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)
    """Place-order messages that arrived, by their reference, lost ones too."""
    unanswered: list[list[str]] = field(default_factory=list)
    """Messages for which there is no handler."""

    def __post_init__(self) -> None:
        self._perm, self._number = itertools.count(900_001), itertools.count(1)
        made.append(self)

    @property
    def now(self) -> float:
        return time.time() + self.offset

    @property
    def twice(self) -> list[str]:
        """References that were sent more than once."""
        return [ref for ref, count in self.written.items() if ref and count > 1]

    def next_id(self, client: int) -> int:
        return self.used.get(client, 0) + 1

    def contract(self, symbol: str) -> dict[str, str]:
        return self.contracts.setdefault(
            symbol,
            {
                "conId": str(700_000 + len(self.contracts)),
                "symbol": symbol,
                "secType": "STK",
                "lastTrade": "",
                "strike": "0",
                "right": "",
                "multiplier": "",
                "exchange": "SMART",
                "currency": "USD",
                "localSymbol": symbol,
                "tradingClass": "NMS",
            },
        )

    def accept(self, client: int, order_id: int, symbol: str, terms: dict[str, str]) -> Order:
        order = Order(
            client,
            order_id,
            next(self._perm),
            terms["account"] or self.account,
            self.contract(symbol),
            terms,
            self.day,
        )
        if terms["type"] != "MKT" or self.parent_of(order):
            order.status = "PreSubmitted"
        self.orders[order.perm] = order
        self.used[client] = max(self.used.get(client, 0), order_id)
        return order

    def find(self, client: int, order_id: int) -> Order | None:
        """The newest with this handle, for one that was lost may have had it before."""
        found = [o for o in self.orders.values() if (o.client, o.id) == (client, order_id)]
        return found[-1] if found else None

    def parent_of(self, order: Order) -> Order | None:
        """The order that has to be filled first, while it is not."""
        parent = self.find(order.client, int(order.terms["parentId"])) if order.terms["parentId"] else None
        return parent if parent and parent.is_open else None

    def fill(self, order: Order, shares: float, price: float) -> Execution:
        buys = order.terms["action"] == "BUY"
        order.filled += shares
        order.cost += shares * price
        if order.left <= 1e-9:
            order.status, order.ended = "Filled", "Filled Size: " + order.terms["qty"]
        held, _ = self.positions.get(order.symbol, (0.0, 0.0))
        self.positions[order.symbol] = (held + (shares if buys else -shares), price)
        self.cash += (-1 if buys else 1) * shares * price - self.fee
        execution = Execution(
            order,
            f"0000e0d5.{next(self._number):08x}.01.01",
            self.now,
            self.day,
            "BOT" if buys else "SLD",
            shares,
            price,
            order.filled,
            order.cost / order.filled,
            self.fee,
        )
        self.executions.append(execution)
        return execution

    def correct(self, execution: Execution, price: float) -> Execution:
        """The same fill once more, at another price: the last part of its id counts up."""
        sign = -1 if execution.side == "BOT" else 1
        self.cash += sign * execution.shares * (price - execution.price)
        head, revision = execution.id.rsplit(".", 1)
        fields = {**vars(execution), "id": f"{head}.{int(revision) + 1:02d}", "price": price}
        newer = Execution(**fields)
        self.executions.append(newer)
        return newer

    def partners(self, order: Order) -> list[Order]:
        """Orders of which this one cancels the others."""
        group = order.terms["ocaGroup"]
        return [
            o
            for o in self.orders.values()
            if o is not order and group and o.terms["ocaGroup"] == group and o.is_open
        ]

    def children(self, order: Order) -> list[Order]:
        return [
            o
            for o in self.orders.values()
            if o.is_open and o.client == order.client and o.terms["parentId"] == str(order.id)
        ]

    def trade_by_hand(self, symbol: str, shares: float, price: float) -> Execution:
        """Somebody buys or sells in TWS itself: an execution without our reference."""
        terms = {
            "action": "BUY" if shares > 0 else "SELL",
            "qty": str(abs(shares)),
            "type": "MKT",
            "lmt": "",
            "aux": "",
            "tif": "DAY",
            "ocaGroup": "",
            "account": self.account,
            "ref": "",
            "parentId": "",
        }
        return self.fill(self.accept(0, 0, symbol, terms), abs(shares), price)

    def split(self, symbol: str, factor: float) -> None:
        held, price = self.positions[symbol]
        self.positions[symbol] = (held * factor, price / factor)
        self.last[symbol] = self.last.get(symbol, price) / factor

    def night(self) -> list[Order]:
        """A new day begins: orders for the day expire, and what was is not told any more."""
        expired = [o for o in self.orders.values() if o.is_open and o.terms["tif"] == "DAY"]
        for order in expired:
            order.status, order.ended = "Cancelled", "Expired"
        self.day += 1
        return expired

    def values(self) -> dict[str, float]:
        stock = sum(held * self.last.get(symbol, price) for symbol, (held, price) in self.positions.items())
        return {
            "NetLiquidation": self.cash + stock,
            "TotalCashValue": self.cash,
            "GrossPositionValue": abs(stock),
            "BuyingPower": 4 * self.cash,
        }
