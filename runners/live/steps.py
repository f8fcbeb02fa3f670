"""What a session's strategy is told: bars by steps, with the fills that belong to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple


class Bar(NamedTuple):
    """Prices of one symbol; `volume` in units."""

    open: float
    high: float
    low: float
    close: float
    volume: float


class Fill(NamedTuple):
    """An order of the session was filled at `price`, of the bar `ago` bars back (0 is the step's own).

    What is filled is all that was left of the order; where the account has too little cash for it, both
    sides find that by the same rule.
    """

    key: str
    price: float
    ago: int


@dataclass
class OrderTerms:
    """An order as it is asked for. `quantity` is negative to sell; `decision_bar` is the beginning of the bar
    on which it was decided, in UTC seconds, as is `valid_until`."""

    key: str
    symbol: str
    quantity: float
    type: str
    decision_bar: int
    limit_price: float | None = None
    stop_price: float | None = None
    trail_amount: float | None = None
    trail_part: float | None = None
    valid_until: float | None = None
    parent_key: str | None = None
    oco_key: str | None = None
    tag: str | None = None
    by_desk: bool = False
    """The desk's own order, to close what the session holds."""


@dataclass(frozen=True)
class Step:
    """All bars that begin at one moment, `epoch` in UTC seconds, and what was filled on them.

    `triggered` are keys of stop-limit orders whose stop was touched; `cash` and `positions` are the account's
    after the step as the broker has it, None while there is only history, on which nothing is traded.
    `dropped` are keys of orders that the desk cancelled before the step, `by_desk` orders of its own.
    """

    epoch: int
    bars: Mapping[str, Bar]
    fills: tuple[Fill, ...] = ()
    triggered: tuple[str, ...] = ()
    cash: float | None = None
    positions: Mapping[str, float] | None = None
    dropped: tuple[str, ...] = ()
    by_desk: tuple[OrderTerms, ...] = ()


@dataclass(frozen=True)
class Actions:
    """What a strategy asked for on one step: brackets and single orders in their order, and cancels."""

    orders: tuple[OrderTerms, ...] = ()
    cancels: tuple[str, ...] = field(default_factory=tuple)


@dataclass(frozen=True)
class Begin:
    """What a session begins with: bars of the first symbol that only warm up, cash, and, by symbol, size and
    average price of what it took over."""

    history: int
    cash: float
    positions: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def step_document(step: Step) -> dict[str, Any]:
    """The step as JSON, which keeps every bit of a float."""
    return {
        "epoch": step.epoch,
        "bars": {symbol: list(bar) for symbol, bar in step.bars.items()},
        "fills": [list(fill) for fill in step.fills],
        "triggered": list(step.triggered),
        "cash": step.cash,
        "positions": step.positions,
        "dropped": list(step.dropped),
        "by_desk": [asdict(terms) for terms in step.by_desk],
    }


def step_from(document: Mapping[str, Any]) -> Step:
    """The inverse of `step_document`; PostgreSQL writes a float without a fraction as an integer."""
    cash, positions = document["cash"], document.get("positions")
    return Step(
        int(document["epoch"]),
        {symbol: Bar(*map(float, bar)) for symbol, bar in document["bars"].items()},
        tuple(Fill(key, float(price), int(ago)) for key, price, ago in document["fills"]),
        tuple(document["triggered"]),
        None if cash is None else float(cash),
        None if positions is None else {symbol: float(size) for symbol, size in positions.items()},
        tuple(document.get("dropped", ())),
        tuple(OrderTerms(**terms) for terms in document.get("by_desk", ())),
    )


def begin_from(document: Mapping[str, Any]) -> Begin:
    """As SQL records it."""
    held = {
        symbol: (float(size), float(price)) for symbol, (size, price) in document["positions"].items()
    }
    return Begin(int(document["history"]), float(document["cash"]), held)
