"""Result files of LEAN's generations for tests: small and synthetic, of the shapes that the engine writes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
Points = Literal["xy", "candle", "pair"]
SHAPES: tuple[Points, ...] = ("xy", "candle", "pair")

# Two round trips of 100 shares over six sessions, worked by hand: 1.00 of fees an order.
CASH = 100_000.0
EQUITY = (100_099.0, 99_999.0, 100_198.0, 100_198.0, 100_097.0, 100_296.0)
SESSIONS = tuple(dt.date(2024, 3, day) for day in (4, 5, 6, 7, 8, 11))
TRADES: tuple[tuple[str, int, float, int, float], ...] = (
    # symbol, session of entry, price, session of exit, price
    ("SPY", 0, 500.0, 2, 502.0),
    ("SPY", 3, 510.0, 5, 511.0),
)


def result(
    *,
    pascal: bool = False,
    points: Points = "candle",
    parameters: Mapping[str, str] | None = None,
    equity: Sequence[float] = EQUITY,
    status: str = "Completed",
    error: str = "",
) -> dict[str, Any]:
    """A whole result document; `pascal` and `points` choose the generation."""
    fees = 4.0
    net = equity[-1] / CASH - 1
    document: dict[str, Any] = {
        "rollingWindow": {},
        "totalPerformance": {
            "tradeStatistics": {
                "totalNumberOfTrades": 2,
                "numberOfWinningTrades": 2,
                "numberOfLosingTrades": 0,
                "totalProfit": "300.00",
                "averageProfit": "150.0000",
                "averageLoss": "0",
                "profitFactor": "10",
                "winRate": "1",
                "totalFees": "4.00",
            },
            "portfolioStatistics": {
                "startEquity": str(CASH),
                "endEquity": str(equity[-1]),
                "totalNetProfit": f"{net:.4f}",
                "compoundingAnnualReturn": "0.2010",
                "drawdown": "0.001",
                "sharpeRatio": "2.5000",
                "sortinoRatio": "3.1000",
                "annualStandardDeviation": "0.0200",
                "portfolioTurnover": "0.3400",
            },
            "closedTrades": [_trade(number, *trade) for number, trade in enumerate(TRADES)],
        },
        "charts": {
            "Strategy Equity": {
                "name": "Strategy Equity",
                "chartType": 0,
                "series": {"Equity": {"name": "Equity", "unit": "$", "values": _points(equity, points)}},
            }
        },
        "orders": _orders(),
        "profitLoss": {},
        "statistics": {
            "Total Orders": "4",
            "Average Win": "0.15%",
            "Drawdown": "0.100%",
            "Net Profit": f"{net * 100:.3f}%",
            "Sharpe Ratio": "2.5",
            "Win Rate": "100%",
            "Total Fees": f"${fees:.2f}",
            "Estimated Strategy Capacity": "$3400000.00",
            "Lowest Capacity Asset": "SPY R735QTJ8XC9X",
            "Portfolio Turnover": "34.00%",
        },
        "runtimeStatistics": {"Equity": "$100,296.00"},
        "state": {"Status": status, "RuntimeError": error, "StackTrace": error, "OrderCount": "4"},
        "algorithmConfiguration": {
            "name": "local",
            "accountCurrency": "USD",
            "parameters": dict(parameters or {}),
            "startDate": "2024-03-04T00:00:00Z",
            "endDate": "2024-03-11T23:59:59Z",
        },
    }
    if error:
        document["statistics"] = {}
    return _pascal(document) if pascal else document


def write_result(folder: Path, identity: str, document: Mapping[str, Any]) -> Path:
    """A backtest's folder as LEAN leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{identity}.json"
    file.write_text(json.dumps(document))
    return file


def write_optimization(
    folder: Path, points: Sequence[Mapping[str, str]], *, with_json: bool = True, scale: float = 1.0
) -> list[Path]:
    """An optimization's folder: its log, its config, and a folder a backtest."""
    folder.mkdir(parents=True, exist_ok=True)
    log, files = [], []
    for number, parameters in enumerate(points):
        identity = f"{number:08x}-0000-4000-8000-000000000000"
        words = ",".join(f"{name}:{value}" for name, value in sorted(parameters.items()))
        log.append(
            "2025-11-02T22:09:43.4518111Z TRACE:: LeanOptimizer.LaunchLeanForParameterSet(OID x): "
            f"launched backtest '{identity}' with parameters '{words}'"
        )
        home = folder / identity
        shift = number * scale
        if with_json:
            document = result(parameters=parameters, equity=[value + shift for value in EQUITY])
            files.append(write_result(home, identity, document))
        home.mkdir(exist_ok=True)
        (home / "log.txt").write_text(_statistics_log(shift))
    log.append(
        "2025-11-02T22:10:39.5706218Z TRACE:: LeanOptimizer.TriggerOnEndEvent(OID x): "
        "Optimization has ended. Result for Target: "
        "['TotalPerformance'].['PortfolioStatistics'].['SharpeRatio'] "
        "at: 2.5: was reached "
        "using ParameterSet: (fast:5) backtestId '00000000-0000-4000-8000-000000000000'. Constraints: ()"
    )
    (folder / "log.txt").write_text("\n".join(log) + "\n")
    return files


def _statistics_log(shift: float) -> str:
    statistics = result()["statistics"] | {
        "End Equity": f"{EQUITY[-1] + shift:.2f}",
        "Start Equity": "100000",
    }
    lines = [f"STATISTICS:: {name} {value}" for name, value in statistics.items()]
    return "\n".join([*lines, "STATISTICS:: OrderListHash 2c9302e36391e3bc10750271d67a0f44"]) + "\n"


def _close(session: int) -> dt.datetime:
    return dt.datetime.combine(SESSIONS[session], dt.time(16), NEW_YORK)


def _iso(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _points(equity: Sequence[float], shape: Points) -> list[Any]:
    start = dt.datetime.combine(SESSIONS[0], dt.time(0), NEW_YORK)
    times = [int(start.timestamp()), *(int(_close(session).timestamp()) for session in range(len(SESSIONS)))]
    values = [CASH, *equity]
    match shape:
        case "xy":
            return [{"x": time, "y": value} for time, value in zip(times, values, strict=True)]
        case "candle":
            return [[time, value, value, value, value] for time, value in zip(times, values, strict=True)]
        case "pair":
            return [[time, value] for time, value in zip(times, values, strict=True)]


def _trade(number: int, symbol: str, entered: int, entry: float, left: int, price: float) -> dict[str, Any]:
    return {
        "symbol": {"value": symbol, "id": f"{symbol} R735QTJ8XC9X", "permtick": symbol},
        "entryTime": _iso(_close(entered)),
        "entryPrice": entry,
        "direction": 0,
        "quantity": 100.0,
        "exitTime": _iso(_close(left)),
        "exitPrice": price,
        "profitLoss": (price - entry) * 100.0,
        "totalFees": 2.0,
        "orderIds": [2 * number + 1, 2 * number + 2],
    }


def _orders() -> dict[str, Any]:
    orders: dict[str, Any] = {}
    for symbol, entered, entry, left, price in TRADES:
        for session, at, quantity in ((entered, entry, 100.0), (left, price, -100.0)):
            orders[str(len(orders) + 1)] = {
                "type": 0,
                "id": len(orders) + 1,
                "symbol": {"value": symbol},
                "price": at,
                "time": _iso(_close(session)),
                "lastFillTime": _iso(_close(session)),
                "quantity": quantity,
                "status": 3,
                "direction": 0 if quantity > 0 else 1,
            }
    return orders


_KEPT = frozenset({"state", "statistics", "runtimeStatistics", "parameters", "profitLoss"})
"""Objects whose keys are data and keep their spelling."""


def _pascal(value: Any, keep: bool = False) -> Any:
    if isinstance(value, dict):
        return {
            (
                name if keep or not name[:1].islower() or name in ("x", "y") else name[0].upper() + name[1:]
            ): _pascal(inner, name in _KEPT)
            for name, inner in value.items()
        }
    return [_pascal(inner) for inner in value] if isinstance(value, list) else value
