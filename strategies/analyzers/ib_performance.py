"""Profit and loss as Interactive Brokers' activity statement sets it out: realised, unrealised, by symbol."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import backtrader as bt

from strategies.contracts import contract_of

LISTS = ("bought", "sold", "proceeds", "commissions", "realized")


class IBPerformance(bt.Analyzer):  # type: ignore[misc]
    """`account`: net asset value at start and end, and what lies between. `symbols`: a row each.

    Realised profit is before commissions, as in the statement's columns; `total` is after them. The change of
    the net asset value is the sum of the totals.
    """

    def start(self) -> None:
        self.first = float(self.strategy.broker.getvalue())
        self.sums: defaultdict[str, dict[str, list[float]]] = defaultdict(
            lambda: {name: [] for name in LISTS}
        )

    def notify_order(self, order: Any) -> None:
        for bit in order.executed.iterpending():
            sums, size = self.sums[str(order.data._name)], float(bit.size)
            sums["bought" if size > 0 else "sold"].append(abs(size))
            sums["proceeds"].append(-size * float(bit.price) * contract_of(order.data).multiplier)
            sums["commissions"].append(-float(bit.closedcomm + bit.openedcomm))
            sums["realized"].append(float(bit.pnl))

    def get_analysis(self) -> dict[str, Any]:
        rows = []
        for data in self.datas:
            position = self.strategy.broker.getposition(data)
            size, cost = float(position.size), float(position.price)
            close = float(data.close[0]) if len(data) else 0.0
            row: dict[str, Any] = {"symbol": str(data._name)}
            row |= {name: math.fsum(values) for name, values in self.sums[str(data._name)].items()}
            row |= {"quantity": size, "cost_price": cost if size else None, "close_price": close}
            multiplier = contract_of(data).multiplier
            row["market_value"] = size * close * multiplier
            row["unrealized"] = size * (close - cost) * multiplier
            row["total"] = row["realized"] + row["unrealized"] + row["commissions"]
            rows.append(row)
        ending = float(self.strategy.broker.getvalue())
        account = {
            "starting_value": self.first,
            "ending_value": ending,
            "change": ending - self.first,
            "cash": float(self.strategy.broker.getcash()),
        }
        for name in ("realized", "unrealized", "commissions", "total"):
            account[name] = math.fsum(row[name] for row in rows)
        return {"account": account, "symbols": rows}
