"""What a fill costs, as a Backtrader commission scheme."""

from __future__ import annotations

import backtrader as bt

from runners.engines.base import Commission


class DeskCommission(bt.CommInfoBase):  # type: ignore[misc]
    """A fraction of the value, money a share, and a least amount a fill.

    Backtrader charges the part of a fill that closes a position and the part that opens one separately, so
    that a fill which turns a position around pays the least amount twice.
    """

    params = (
        ("percent", 0.0),
        ("per_share", 0.0),
        ("minimum", 0.0),
        ("stocklike", True),
        ("commtype", bt.CommInfoBase.COMM_FIXED),
    )

    @classmethod
    def of(cls, commission: Commission) -> DeskCommission:
        return cls(percent=commission.percent, per_share=commission.per_share, minimum=commission.minimum)

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
        shares = abs(size)
        if not shares:
            return 0.0
        # The order of these factors is Backtrader's own, so that plain percent fees agree to the bit.
        fee: float = shares * self.p.percent * price + shares * self.p.per_share
        minimum: float = self.p.minimum
        return max(fee, minimum)
