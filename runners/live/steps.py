"""What a session's strategy is told: bars by steps, with the fills that belong to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Step:
    """All bars that begin at one moment, `epoch` in UTC seconds, and what was filled on them.

    `triggered` are keys of stop-limit orders whose stop was touched; `cash` is the account's after the step
    as the broker has it, None while there is only history, on which nothing is traded.
    """

    epoch: int
    bars: Mapping[str, Bar]
    fills: tuple[Fill, ...] = ()
    triggered: tuple[str, ...] = ()
    cash: float | None = None


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


@dataclass(frozen=True)
class Actions:
    """What a strategy asked for on one step: brackets and single orders in their order, and cancels."""

    orders: tuple[OrderTerms, ...] = ()
    cancels: tuple[str, ...] = field(default_factory=tuple)


def step_document(step: Step) -> dict[str, Any]:
    """The step as JSON, which keeps every bit of a float."""
    return {
        "epoch": step.epoch,
        "bars": {symbol: list(bar) for symbol, bar in step.bars.items()},
        "fills": [list(fill) for fill in step.fills],
        "triggered": list(step.triggered),
        "cash": step.cash,
    }


def step_from(document: Mapping[str, Any]) -> Step:
    """The inverse of `step_document`."""
    return Step(
        document["epoch"],
        {symbol: Bar(*bar) for symbol, bar in document["bars"].items()},
        tuple(Fill(*fill) for fill in document["fills"]),
        tuple(document["triggered"]),
        document["cash"],
    )
