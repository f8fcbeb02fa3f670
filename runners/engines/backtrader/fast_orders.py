"""Backtrader's orders, made and copied without its metaclass, copy module and calendar.

The attributes are those that backtrader.order.OrderBase.__init__ sets; only when they are set differs.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import backtrader as bt
from backtrader.order import OrderData
from backtrader.utils import AutoOrderedDict

END_OF_DAY = dt.time(23, 59, 59, 9999)
TRAILING = (bt.Order.StopTrail, bt.Order.StopTrailLimit)


class _FastOrder:
    """Mixed into BuyOrder and SellOrder."""

    data: Any
    created: OrderData
    executed: OrderData

    @property
    def dteos(self) -> float:
        """End of the session in which the order was made, as a time number; few orders need it."""
        made = bt.num2date(self.created.dt, tz=self.data.datetime._tz)
        end = self.data.p.sessionend
        closes = made.replace(
            hour=end.hour, minute=end.minute, second=end.second, microsecond=end.microsecond
        )
        if closes < made:
            closes += dt.timedelta(days=1)
        number: float = self.data.date2num(closes)
        return number

    def clone(self) -> Any:
        """What a notification carries: the order as it is now."""
        executed = self.executed
        executed.markpending()
        copied = object.__new__(OrderData)
        copied.__dict__.update(executed.__dict__)
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.executed = copied
        return twin


class FastBuyOrder(_FastOrder, bt.BuyOrder):  # type: ignore[misc]
    """A BuyOrder."""


class FastSellOrder(_FastOrder, bt.SellOrder):  # type: ignore[misc]
    """A SellOrder."""


DEFAULTS: dict[str, Any] = dict(bt.Order.params._getpairs())


def new_order(cls: type[FastBuyOrder] | type[FastSellOrder], **values: Any) -> Any:
    """An order as `cls(**values)` would make it; `values` are Backtrader's parameters of an order."""
    params = object.__new__(cls.params)
    params.__dict__.update(DEFAULTS)
    params.__dict__.update(values)
    order = object.__new__(cls)
    own = order.__dict__
    # Copied, since an attribute that only the parameters have takes a failed look-up first.
    own.update(params.__dict__)
    data = own["data"]
    buys = cls is FastBuyOrder
    if own["exectype"] is None:
        own["exectype"] = bt.Order.Market
    if not buys:
        own["size"] = -own["size"]
    close = data.close[0]
    size, price, limit = own["size"], own["price"], own["pricelimit"]
    own.update(
        params=params,
        p=params,
        ref=next(bt.Order.refbasis),
        broker=None,
        info=AutoOrderedDict(),
        comminfo=None,
        triggered=False,
        _active=own["parent"] is None,
        status=bt.Order.Created,
        _plimit=limit,
        created=OrderData(
            dt=data.datetime[0],
            size=size,
            price=close if not price and not limit else price,
            pricelimit=limit,
            pclose=close,
            trailamount=own["trailamount"],
            trailpercent=own["trailpercent"],
        ),
        _limitoffset=0.0,
    )
    if own["exectype"] in TRAILING:
        created = order.created
        order._limitoffset = created.price - created.pricelimit
        price, created.price = created.price, float("inf") if buys else float("-inf")
        order.trailadjust(price)
    order.executed = OrderData(remsize=size)
    order.position = 0
    if own["valid"] is not None:
        own["valid"] = _valid_until(own["valid"], data)
    return order


def _valid_until(valid: Any, data: Any) -> Any:
    # Backtrader takes a date, a distance from now, or a time number that it compares as it is.
    if isinstance(valid, dt.date):
        return data.date2num(valid)
    if not isinstance(valid, dt.timedelta):
        return valid
    if valid == bt.Order.DAY:
        return data.date2num(dt.datetime.combine(data.datetime.date(), END_OF_DAY))
    return data.date2num(data.datetime.datetime() + valid)
