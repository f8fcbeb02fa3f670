"""Orders between Backtrader's objects and the gate's terms."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any

import backtrader as bt

from runners.engines.backtrader.feed import EPOCH
from runners.live.steps import OrderTerms

TYPES = {
    bt.Order.Market: "market",
    bt.Order.Close: "at_close",
    bt.Order.Limit: "limit",
    bt.Order.Stop: "stop",
    bt.Order.StopLimit: "stop_limit",
    bt.Order.StopTrail: "trail",
    bt.Order.StopTrailLimit: "trail_limit",
}
KINDS = {name: number for number, name in TYPES.items()}


class UnknownOrderType(Exception):
    """A strategy used a kind of order that no broker takes."""


def terms_of(
    order: Any, key: str, decision_bar: int, *, parent_key: str | None = None, oco_key: str | None = None
) -> OrderTerms:
    """Of a Backtrader order that is about to be sent; raises UnknownOrderType."""
    kind = TYPES.get(order.exectype)
    if kind is None:
        raise UnknownOrderType(f"orders of Backtrader's kind {order.getordername()} cannot be traded")
    trails = kind in ("trail", "trail_limit")
    # Backtrader begins to trail from the price that the order has, or else from the close.
    price = (order.price or order.created.pclose) if trails else order.created.price
    return OrderTerms(
        key=key,
        symbol=order.data._name,
        # Also where a strategy sizes with numpy's integers.
        quantity=float(order.created.size),
        type=kind,
        decision_bar=decision_bar,
        limit_price=price if kind == "limit" else order.pricelimit if kind.endswith("_limit") else None,
        stop_price=price if kind in ("stop", "stop_limit") or trails else None,
        trail_amount=order.trailamount or None if trails else None,
        trail_part=order.trailpercent or None if trails else None,
        valid_until=_epoch(order.valid),
        parent_key=parent_key,
        oco_key=oco_key,
    )


def arguments_of(terms: OrderTerms) -> dict[str, Any]:
    """What Backtrader's buy() and sell() take for the same order."""
    return {
        "size": abs(terms.quantity),
        "exectype": KINDS[terms.type],
        "price": terms.limit_price if terms.type == "limit" else terms.stop_price,
        "plimit": terms.limit_price if terms.type.endswith("_limit") else None,
        "trailamount": terms.trail_amount,
        "trailpercent": terms.trail_part,
        "valid": None if terms.valid_until is None else EPOCH + dt.timedelta(seconds=terms.valid_until),
    }


def _epoch(valid: float | None) -> float | None:
    if not valid:
        return None
    moment: dt.datetime = bt.num2date(valid)
    return calendar.timegm(moment.timetuple()) + moment.microsecond / 1e6
