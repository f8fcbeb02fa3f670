"""backtesting.py, one run() a combination."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
from backtesting import Backtest, Strategy
from backtesting.lib import crossover

sys.path.insert(0, str(Path(__file__).parent))

from serving import serve


def average(values: Any, period: int) -> Any:
    return pd.Series(values).rolling(period).mean()


class SMACross(Strategy):  # type: ignore[misc]
    fast = 10
    slow = 30

    def init(self) -> None:
        self.quick = self.I(average, self.data.Close, self.fast)
        self.calm = self.I(average, self.data.Close, self.slow)

    def next(self) -> None:
        if not self.position:
            if crossover(self.quick, self.calm):
                self.buy(size=10)
        elif crossover(self.calm, self.quick):
            self.position.close()


def run(task: dict[str, Any]) -> list[float]:
    frame = pd.read_csv(task["files"][0], index_col=0, parse_dates=True)
    backtest = Backtest(frame, SMACross, cash=100_000, commission=0.001)
    return [float(backtest.run(**point)["Equity Final [$]"]) for point in task["points"]]


if __name__ == "__main__":
    serve(run)
