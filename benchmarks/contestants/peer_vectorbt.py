"""vectorbt: the whole grid as arrays at once, with Sharpe and drawdown. Not event by event."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import vectorbt as vbt

sys.path.insert(0, str(Path(__file__).parent))

from serving import serve


def run(task: dict[str, Any]) -> list[float]:
    frame = pd.read_csv(task["files"][0], index_col=0, parse_dates=True)
    close = frame["Close"]
    fast = vbt.MA.run(close, [point["fast"] for point in task["points"]], per_column=False)
    slow = vbt.MA.run(close, [point["slow"] for point in task["points"]], per_column=False)
    portfolio = vbt.Portfolio.from_signals(
        close,
        fast.ma_crossed_above(slow),
        fast.ma_crossed_below(slow),
        size=10,
        fees=0.001,
        init_cash=100_000,
        freq="1D",
    )
    portfolio.sharpe_ratio()
    portfolio.max_drawdown()
    return [float(value) for value in portfolio.final_value()]


if __name__ == "__main__":
    serve(run)
