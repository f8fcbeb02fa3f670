"""An order as SQL allowed it, in Interactive Brokers' terms."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from runners.live.ib.library import Library

TYPES = {
    "market": "MKT",
    "limit": "LMT",
    "stop": "STP",
    "stop_limit": "STP LMT",
    "trail": "TRAIL",
    "trail_limit": "TRAIL LIMIT",
    "at_open": "MKT",
    "at_close": "MOC",
}
CANCEL_OTHERS = 1
"""Of a group, one cancels the others, and only one is at an exchange at a time."""


@dataclass(frozen=True)
class AllowedOrder:
    """A row of broker_orders that the link has taken: it is in the state `sending`."""

    id: int
    symbol: str
    quantity: float
    type: str
    limit_price: float | None
    stop_price: float | None
    trail_amount: float | None
    trail_part: float | None
    time_in_force: str
    valid_until: dt.datetime | None
    parent_id: int | None
    oco_id: int | None


def contract_of(library: Library, symbol: str, currency: str) -> Any:
    """A stock wherever it is best traded; IB writes a share class with a blank."""
    return library.Contract(
        secType="STK", symbol=symbol.replace(".", " "), exchange="SMART", currency=currency
    )


def order_of(
    library: Library, row: AllowedOrder, reference: str, prefix: str, account: str, parent: int
) -> Any:
    """`parent` is the handle of the order that has to be filled first; 0 is none."""
    order = library.Order(
        action="BUY" if row.quantity > 0 else "SELL",
        totalQuantity=abs(row.quantity),
        orderType=TYPES[row.type],
        account=account,
        orderRef=reference,
        tif="OPG" if row.type == "at_open" else row.time_in_force.upper(),
        parentId=parent,
        transmit=True,
    )
    if row.type == "at_close":
        order.tif = "DAY"
    if row.valid_until and order.tif == "GTD":
        order.goodTillDate = row.valid_until.astimezone(dt.UTC).strftime("%Y%m%d-%H:%M:%S")
    if row.type in ("limit", "stop_limit"):
        order.lmtPrice = row.limit_price
    if row.type in ("stop", "stop_limit"):
        order.auxPrice = row.stop_price
    if row.type.startswith("trail"):
        order.trailStopPrice = row.stop_price
        if row.trail_amount is not None:
            order.auxPrice = row.trail_amount
        else:
            order.trailingPercent = 100 * (row.trail_part or 0)
        if row.type == "trail_limit":
            order.lmtPrice = row.limit_price
    if row.type not in ("market", "at_open", "at_close"):
        # Of a group the first is sent before it is known whether there will be a second.
        group = f"{row.parent_id}x" if row.parent_id else row.oco_id or row.id
        order.ocaGroup, order.ocaType = f"{prefix}-{group}", CANCEL_OTHERS
    return order
