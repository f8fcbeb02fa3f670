"""The reference: Backtrader as its manual shows it, with bookkeeping written apart from the engine's."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import backtrader as bt
import pandas as pd

from runners.engines.base import AdjustedPrices, ClosedTrade, RunSettings


class Ledger(bt.Analyzer):
    """Backtrader's own messages, written down: account values, finished orders, trade histories."""

    def start(self) -> None:
        self.values: dict[dt.date, float] = {}
        self.held: dict[dt.date, bool] = {}
        self.bars: dict[dt.date, list[bool]] = {}
        self.orders: list[Any] = []
        self.trades: list[ClosedTrade] = []
        self.refused: list[int] = []

    def notify_cashvalue(self, cash: float, value: float) -> None:
        today = self.strategy.datetime.date(0)
        self.values[today] = value
        self.held[today] = any(self.strategy.getposition(data).size != 0 for data in self.datas)
        self.bars.setdefault(today, []).append(self.held[today])

    def stop(self) -> None:
        self.held_at_the_end = [
            (data._name, float(position.size), data.close[0])
            for data in self.datas
            if (position := self.strategy.getposition(data)).size
        ]

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            self.orders.append(order)
        elif order.status in (order.Margin, order.Rejected):
            self.refused.append(order.status)

    def notify_trade(self, trade: Any) -> None:
        if trade.isclosed:
            opening, closing = trade.history[0], trade.history[-1]
            self.trades.append(
                ClosedTrade(
                    trade.data._name,
                    trade.open_datetime().replace(tzinfo=dt.UTC),
                    trade.close_datetime().replace(tzinfo=dt.UTC),
                    float(opening.event.size),
                    opening.event.price,
                    closing.event.price,
                    trade.pnlcomm,
                    trade.commission,
                )
            )


def run_plainly(
    strategy: Any, parameters: Mapping[str, object], settings: RunSettings, prices: Sequence[AdjustedPrices]
) -> Ledger:
    cerebro = bt.Cerebro()
    cerebro.broker.setcash(settings.cash)
    cerebro.broker.setcommission(commission=settings.commission.percent)
    if settings.slippage:
        cerebro.broker.set_slippage_perc(settings.slippage)
    for series in prices:
        frame = pd.DataFrame(
            {name: list(getattr(series, name)) for name in ("open", "high", "low", "close", "volume")},
            index=pd.to_datetime(list(series.epochs), unit="s"),
        )
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=series.symbol)
    cerebro.addstrategy(strategy, **parameters)
    cerebro.addanalyzer(Ledger, _name="ledger")
    ledger: Ledger = cerebro.run(tradehistory=True)[0].analyzers.ledger
    return ledger


def naive_metrics(ledger: Ledger, settings: RunSettings) -> dict[str, Any]:
    """The contract's definitions, one line each, from the ledger alone."""
    values = [settings.cash, *ledger.values.values()]
    days = list(ledger.values)
    r = [b / a - 1 for a, b in pairwise(values)]
    n, fsum = len(r), math.fsum
    mean = fsum(r) / n
    worst = sorted(r)[: max(1, math.floor(0.05 * n))]
    peaks = [max(values[: i + 1]) for i in range(1, len(values))]
    below = "".join("x" if v < p else " " for v, p in zip(values[1:], peaks, strict=True))
    p = [trade.profit for trade in ledger.trades]
    window = (settings.end_date - settings.start_date).days + 1
    block = [math.floor((day - settings.start_date).days * settings.block_count / window) for day in days]
    blocks = [[x for x, b in zip(r, block, strict=True) if b == k] for k in range(settings.block_count)]
    return {
        "starting_cash": settings.cash,
        "ending_value": values[-1],
        "return_count": n,
        "return_mean": mean,
        "return_m2": fsum((x - mean) * (x - mean) for x in r),
        "return_m3": fsum((x - mean) * (x - mean) * (x - mean) for x in r),
        "return_m4": fsum(((x - mean) * (x - mean)) * ((x - mean) * (x - mean)) for x in r),
        "downside_m2": fsum(min(x, 0) * min(x, 0) for x in r),
        "tail_count": len(worst),
        "tail_sum": fsum(worst),
        "tail_return": worst[-1],
        "max_drawdown": max((p - v) / p for v, p in zip(values[1:], peaks, strict=True)),
        "max_drawdown_sessions": max(len(stretch) for stretch in below.split(" ")),
        "total_orders": len(ledger.orders),
        "total_trades": len(p),
        "winning_trades": sum(x > 0 for x in p),
        "losing_trades": sum(x < 0 for x in p),
        "gross_profit": fsum(x for x in p if x > 0),
        "gross_loss": fsum(-x for x in p if x < 0),
        "trade_profit_sum": fsum(p),
        "trade_profit_m2": fsum((x - fsum(p) / len(p)) * (x - fsum(p) / len(p)) for x in p),
        "total_fees": fsum(order.executed.comm for order in ledger.orders),
        "traded_value": fsum(abs(order.executed.size * order.executed.price) for order in ledger.orders),
        "refused_for_cash": ledger.refused.count(bt.Order.Margin),
        "refused_otherwise": ledger.refused.count(bt.Order.Rejected),
        "exposed_sessions": sum(ledger.held.values()),
        "exposed_time": fsum(sum(bars) / len(bars) for bars in ledger.bars.values()),
        "sessions": len(days),
        "block_counts": [len(b) for b in blocks],
        "block_sums": [fsum(b) for b in blocks],
        "block_squares": [fsum(x * x for x in b) for b in blocks],
    }
