"""Backtrader as its manual shows it: the file read for each run, default observers, six analyzers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import backtrader as bt
import pandas as pd

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "strategies")]

import plain  # noqa: E402
from serving import serve  # noqa: E402

ANALYZERS = ("SharpeRatio", "DrawDown", "TradeAnalyzer", "Returns", "TimeReturn", "SQN")
STRATEGIES = {
    one.name: one for one in vars(plain).values() if isinstance(one, type) and issubclass(one, bt.Strategy)
}


def cerebro_for(task: dict[str, Any], **options: Any) -> bt.Cerebro:
    cerebro = bt.Cerebro(**options)
    cerebro.broker.setcash(100_000.0)
    cerebro.broker.setcommission(commission=0.001)
    for path in task["files"]:
        frame = pd.read_csv(path, index_col=0, parse_dates=True)
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=Path(path).stem)
    for name in ANALYZERS:
        cerebro.addanalyzer(getattr(bt.analyzers, name))
    return cerebro


def run(task: dict[str, Any]) -> list[float]:
    values = []
    for point in task["points"]:
        cerebro = cerebro_for(task)
        cerebro.addstrategy(STRATEGIES[task["strategy"]], **point)
        cerebro.run()
        values.append(cerebro.broker.getvalue())
    return values


if __name__ == "__main__":
    serve(run)
