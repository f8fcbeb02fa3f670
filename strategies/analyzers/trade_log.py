"""Every position from flat to flat, with its fills averaged."""

from __future__ import annotations

import math
from typing import Any

import backtrader as bt

from strategies.bar_time import moment
from strategies.contracts import contract_of

Fill = tuple[float, float]
"""Shares, signed, and price."""


class TradeLog(bt.Analyzer):  # type: ignore[misc]
    """Rows of symbol, side, size, entry and exit (UTC) with average prices, bars held, profit net of fees,
    fees, and return on the money put in. A position still open at the end has no row."""

    def start(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.entries: dict[tuple[str, int], list[Fill]] = {}
        self.exits: dict[tuple[str, int], list[Fill]] = {}

    def notify_order(self, order: Any) -> None:
        key = (str(order.data._name), order.tradeid)
        for bit in order.executed.iterpending():
            if bit.closed:
                self.exits.setdefault(key, []).append((float(bit.closed), float(bit.price)))
            if bit.opened:
                # A fill that turns a position around opens the next trade before this one is reported.
                self.entries.setdefault(key, []).append((float(bit.opened), float(bit.price)))

    def notify_trade(self, trade: Any) -> None:
        if not trade.isclosed:
            return
        key = (str(trade.data._name), trade.tradeid)
        exits = self.exits.pop(key)
        shares = -math.fsum(size for size, _ in exits)
        entries: list[Fill] = []
        rest: list[Fill] = []
        open_shares = 0.0
        for size, price in self.entries.pop(key):
            (entries if abs(open_shares) < abs(shares) else rest).append((size, price))
            open_shares += size
        if rest:
            self.entries[key] = rest
        entry = _average(entries)
        cost = abs(shares) * entry * contract_of(trade.data).multiplier
        self.rows.append(
            {
                "symbol": key[0],
                "side": "long" if shares > 0 else "short",
                "size": abs(shares),
                "entry_time": moment(trade.dtopen).isoformat(),
                "entry_price": entry,
                "exit_time": moment(trade.dtclose).isoformat(),
                "exit_price": _average(exits),
                "bars": int(trade.barlen),
                "profit": float(trade.pnlcomm),
                "fees": float(trade.commission),
                "return": float(trade.pnlcomm) / cost if cost else None,
            }
        )

    def get_analysis(self) -> list[dict[str, Any]]:
        return self.rows


def _average(fills: list[Fill]) -> float:
    if len(fills) == 1:
        return fills[0][1]
    return math.fsum(size * price for size, price in fills) / math.fsum(size for size, _ in fills)
