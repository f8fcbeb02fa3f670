"""What trading cost, and where."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import backtrader as bt

from strategies.contracts import contract_of


class Commissions(bt.Analyzer):  # type: ignore[misc]
    """Fees, fills and traded value, in all and by symbol; money in account currency."""

    def start(self) -> None:
        self.fees: defaultdict[str, list[float]] = defaultdict(list)
        self.traded: defaultdict[str, list[float]] = defaultdict(list)

    def notify_order(self, order: Any) -> None:
        for bit in order.executed.iterpending():
            symbol = str(order.data._name)
            self.fees[symbol].append(float(bit.closedcomm + bit.openedcomm))
            self.traded[symbol].append(abs(float(bit.size * bit.price)) * contract_of(order.data).multiplier)

    def get_analysis(self) -> dict[str, Any]:
        by_symbol = {symbol: _sums(self.fees[symbol], self.traded[symbol]) for symbol in sorted(self.fees)}
        everything = _sums(
            [fee for fees in self.fees.values() for fee in fees],
            [value for values in self.traded.values() for value in values],
        )
        return everything | {"by_symbol": by_symbol}


def _sums(fees: list[float], traded: list[float]) -> dict[str, Any]:
    total, value = math.fsum(fees), math.fsum(traded)
    return {
        "fees": total,
        "fills": len(fees),
        "traded_value": value,
        "fee_per_fill": total / len(fees) if fees else None,
        "fee_share_of_value": total / value if value else None,
    }
