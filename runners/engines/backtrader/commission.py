"""What a fill costs, as a Backtrader commission scheme."""

from __future__ import annotations

from typing import Any

import backtrader as bt
from backtrader.comminfo import CommInfoBase

from runners.engines.base import Commission
from strategies.contracts import SHARE, Contract
from strategies.shares import day_shares

MONEY_RULES = (
    "stocklike",
    "get_leverage",
    "getvaluesize",
    "getoperationcost",
    "profitandloss",
    "cashadjust",
    "get_credit_interest",
)
"""What decides how a position is worth and what it costs while it is held. A scheme may have its own fees."""


class DeskCommission(bt.CommInfoBase):  # type: ignore[misc]
    """A fraction of the value, money a share, and a least amount a fill.

    Backtrader charges the part of a fill that closes a position and the part that opens one separately, so
    that a fill which turns a position around pays the least amount twice.
    """

    params = (
        ("charges", Commission()),
        ("feed", None),
        ("contract", SHARE),
        ("stocklike", True),
        ("commtype", bt.CommInfoBase.COMM_FIXED),
    )

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
        charges: Commission = self.p.charges
        if self.p.feed is None:
            return charges.fee(size, price, self.p.contract)
        factor = day_shares(self.p.feed)
        return charges.fee(size * factor, price / factor)


def scheme_of(charges: Commission, contract: Contract, feed: Any = None) -> DeskCommission:
    """What a symbol's fills cost; of a contract on margin, as Backtrader marks futures to market too."""
    terms: dict[str, Any] = {}
    if contract.margin is not None:
        terms = {"stocklike": False, "margin": contract.margin, "mult": contract.multiplier}
    return DeskCommission(charges=charges, contract=contract, feed=feed, **terms)


def is_plain(rules: Any) -> bool:
    """True for shares without leverage or interest, whatever the fees."""
    kind = type(rules)
    return (
        all(getattr(kind, name) is getattr(CommInfoBase, name) for name in MONEY_RULES)
        and rules._stocklike
        and not rules._creditrate
        and rules.p.mult == 1.0
        and rules.p.leverage == 1.0
    )
