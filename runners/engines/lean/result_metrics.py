"""From a LEAN result to the desk's raw metrics, recomputed by the desk's definitions from the daily equity.

Where the curve is missing, thinned or cut short, LEAN's own ratios are handed over instead, and the result
says so by a flag. LEAN's numbers are kept beside ours in any case.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from runners.engines.base import ClosedTrade, MetricValue, RunSettings
from runners.engines.lean.documents import number, when
from runners.engines.lean.equity_points import NEW_YORK, DailyCurve, daily_curve
from runners.engines.lean.result_file import Fill, LeanResult
from runners.engines.raw_metrics import Account, ImpossibleResultError, raw_metrics

BLOCKS = 16
"""Blocks of time of an imported run, as many as the desk's own runs have."""

CURVE_TOLERANCE = 0.002
"""Relative difference up to which the end of the curve and LEAN's end equity are one: LEAN rounds its net
profit to four decimals, and samples the curve."""

NO_DATA_SHARE = 0.95

WINDOW_SLACK = dt.timedelta(days=5)
"""A window may begin and end on days without a session."""

_GIVEN = {
    # ours: LEAN's portfolio field, LEAN's statistic
    "total_return": ("totalnetprofit", "Net Profit"),
    "annual_return": ("compoundingannualreturn", "Compounding Annual Return"),
    "sharpe_ratio": ("sharperatio", "Sharpe Ratio"),
    "sortino_ratio": ("sortinoratio", "Sortino Ratio"),
    "max_drawdown": ("drawdown", "Drawdown"),
    "volatility": ("annualstandarddeviation", "Annual Standard Deviation"),
}


@dataclass(frozen=True)
class Measured:
    """One result in the desk's terms; `curve` is None where the ratios are LEAN's."""

    metrics: dict[str, MetricValue]
    curve: DailyCurve | None
    trades: tuple[ClosedTrade, ...]
    flags: tuple[str, ...]


def why_refused(result: LeanResult) -> str | None:
    """Why a result proves nothing: its backtest failed, or has not come to its end."""
    status = result.status.casefold()
    if "error" in status or result.error:
        return f"the backtest failed: {(result.error or result.status).splitlines()[0][:300]}"
    if status not in ("", "completed"):
        return f"the backtest did not end: its status is {result.status}"
    if not result.statistics and not result.portfolio:
        return "the backtest did not end: its statistics are empty"
    return None


def measure(result: LeanResult, settings: RunSettings | None = None) -> Measured:
    """The desk's metrics of a result; `settings` are those of its run where the desk planned it.

    Raises ImpossibleResultError for numbers that no account can have.
    """
    try:
        return _measured(result, settings)
    except (OverflowError, ZeroDivisionError, ValueError) as error:
        # Finite numbers whose powers and sums are not.
        raise ImpossibleResultError(str(error)) from error


def _measured(result: LeanResult, settings: RunSettings | None) -> Measured:
    flags = list(_flags(result))
    curve = daily_curve(result.equity) if result.source == "json" else None
    if curve is not None and not _believable(curve, result, flags):
        curve = None
    flags += contradictions(result, curve)
    trades = result.trades or ()
    if curve is None:
        if result.source == "json":
            flags.append("no usable equity curve: ratios are LEAN's")
        metrics = _given(result)
    else:
        start = _starting_cash(result, curve)
        account = Account(
            sessions=curve.sessions,
            equity=curve.equity,
            exposed=_exposed(curve.sessions, result.fills or ()),
            held=None,
            total_orders=_orders(result),
            total_fees=fees(result),
            traded_value=sum(abs(fill.quantity * fill.price) for fill in result.fills or ()),
            trades=trades,
        )
        metrics = raw_metrics(account, settings or _own_window(result, curve, start))
        _corrections(result, metrics)
    metrics["engine_metrics"] = dict(engine_metrics(result))
    return Measured(metrics, curve, trades, tuple(flags))


def contradictions(result: LeanResult, curve: DailyCurve | None) -> list[str]:
    """Parameters that say another window or other cash than the backtest had: nobody read them."""
    given = {
        re.sub("[^a-z]", "", name.casefold()): value for name, value in (result.parameters or {}).items()
    }
    own = {
        "start_date": result.start_date or (curve.sessions[0] if curve else None),
        "end_date": result.end_date or (curve.sessions[-1] if curve else None),
    }
    found = []
    for name, got in own.items():
        wanted = when(given.get(name.replace("_", "")))
        if wanted is not None and got is not None and abs(got - wanted.date()) > WINDOW_SLACK:
            found.append(f"the backtest's {name} is {got}, its parameters say {wanted.date()}")
    cash, start = number(given.get("cash")), result.portfolio.get("startequity")
    if cash is not None and start and abs(start - cash) > 0.01:
        found.append(f"the backtest starts with {start:,.2f}, its parameters say {cash:,.2f}")
    return found


def fees(result: LeanResult) -> float:
    """All fees paid, those of open positions included."""
    paid = result.statistic("Total Fees")
    if paid is None:
        paid = result.trade.get("totalfees", 0.0)
    return paid


def fee_flags(result: LeanResult, settings: RunSettings) -> Iterator[str]:
    """Says where an algorithm did not pay what the run's commission makes of its fills."""
    if result.fills is None:
        return
    due = math.fsum(settings.commission.fee(fill.quantity, fill.price) for fill in result.fills)
    # LEAN states fees in whole cents, and takes a fill of several parts for one order.
    if abs(fees(result) - due) > max(0.01 * len(result.fills), 0.01 * due):
        yield "fees by the project's own model, not the config's commission"


def engine_metrics(result: LeanResult) -> dict[str, float]:
    """LEAN's own numbers by its own names, per cents as fractions, with its capacity, turnover and data."""
    found = {name: value for name in result.statistics if (value := result.statistic(name)) is not None}
    found.pop("OrderListHash", None)
    found.pop("Lowest Capacity Asset", None)
    found.update({f"portfolio.{name}": value for name, value in result.portfolio.items()})
    found.update({f"trade.{name}": value for name, value in result.trade.items()})
    for ours, statistic in (
        ("capacity", "Estimated Strategy Capacity"),
        ("daily_turnover", "Portfolio Turnover"),
    ):
        value = result.statistic(statistic)
        if value is not None:
            found[ours] = value
    if result.failed_request_share is not None:
        found["failed_data_requests"] = result.failed_request_share
    return found


def _flags(result: LeanResult) -> Iterator[str]:
    if result.source == "log":
        yield "from logs alone: ratios are LEAN's"
    elif result.source == "summary":
        yield "from a summary alone: ratios are LEAN's"
    share = result.failed_request_share
    if share is not None and share >= NO_DATA_SHARE:
        yield "no data"
    if not _orders(result):
        yield "no orders"


def _orders(result: LeanResult) -> int:
    if result.fills is not None:
        return len({fill.order for fill in result.fills})
    stated = result.statistic("Total Orders", "Total Trades")
    return int(stated) if stated is not None and 0 <= stated < 1e15 else result.order_count or 0


def _starting_cash(result: LeanResult, curve: DailyCurve) -> float:
    stated = result.portfolio.get("startequity", 0.0)
    return stated if stated > 0 else curve.start


def _believable(curve: DailyCurve, result: LeanResult, flags: list[str]) -> bool:
    """False where the curve is not the account's: cut short, or thinned."""
    start, end = _starting_cash(result, curve), curve.equity[-1]
    if start <= 0:
        raise ImpossibleResultError(f"the account starts with {start:g}")
    stated = result.portfolio.get("endequity", 0.0)
    if stated <= 0:
        profit = result.portfolio.get("totalnetprofit")
        profit = result.statistic("Net Profit") if profit is None else profit
        if profit is None:
            return True
        stated = start * (1 + profit)
    traded = bool(_orders(result))
    ratios = [result.portfolio.get(name, result.statistic(name2)) for name, name2 in _GIVEN.values()]
    if traded and end != start and not any(ratios):
        # LEAN has no ratios for fewer than two daily samples; its curve is right all the same.
        flags.append("ratios zero though it traded")
        return True
    if abs(end - stated) <= CURVE_TOLERANCE * max(abs(stated), start):
        return True
    flags.append("equity curve and statistics disagree")
    return False


def _exposed(sessions: Sequence[dt.date], fills: Sequence[Fill]) -> list[bool]:
    """True where a position was open after the fills of a session."""
    held: dict[str, float] = {}
    waiting = list(reversed(fills))
    exposed = []
    for session in sessions:
        while waiting and waiting[-1].time.astimezone(NEW_YORK).date() <= session:
            fill = waiting.pop()
            held[fill.symbol] = held.get(fill.symbol, 0.0) + fill.quantity
        exposed.append(any(abs(quantity) > 1e-9 for quantity in held.values()))
    return exposed


def _own_window(result: LeanResult, curve: DailyCurve, cash: float) -> RunSettings:
    """The window and cash of a backtest that the desk did not plan."""
    first = min(filter(None, (result.start_date, curve.sessions[0])))
    last = max(filter(None, (result.end_date, curve.sessions[-1])))
    return cast(RunSettings, _Window(cash, first, last))


@dataclass(frozen=True)
class _Window:
    """As much of a run's settings as raw metrics depend on."""

    cash: float
    start_date: dt.date
    end_date: dt.date
    block_count: int = BLOCKS
    warm_up_bars: int = 0
    benchmark: None = None


def _corrections(result: LeanResult, metrics: dict[str, MetricValue]) -> None:
    """Takes out what the file does not say: unknown is not zero."""
    if result.fills is None:
        for name in ("traded_value", "exposed_sessions"):
            del metrics[name]
    if result.trades is None:
        for name in ("gross_profit", "gross_loss", "trade_profit_sum", "trade_profit_m2"):
            del metrics[name]
        metrics.update(_counted_trades(result))


def _counted_trades(result: LeanResult) -> dict[str, MetricValue]:
    """Closed trades, not orders; nothing where only orders were counted."""
    names = {
        "total_trades": "totalnumberoftrades",
        "winning_trades": "numberofwinningtrades",
        "losing_trades": "numberoflosingtrades",
    }
    found = {ours: result.trade.get(theirs) for ours, theirs in names.items()}
    metrics: dict[str, MetricValue] = {
        name: int(value) for name, value in found.items() if value is not None and 0 <= value < 1e15
    }
    return metrics


def _given(result: LeanResult) -> dict[str, MetricValue]:
    """LEAN's ratios in our columns; without `return_count` SQL keeps them as they are given."""
    metrics: dict[str, MetricValue] = {}
    for ours, (field, statistic) in _GIVEN.items():
        value = result.portfolio.get(field, result.statistic(statistic))
        if value is not None:
            metrics[ours] = value
    win_rate = result.trade.get("winrate", result.portfolio.get("winrate", result.statistic("Win Rate")))
    if win_rate is not None:
        metrics["win_rate"] = win_rate
    for ours, theirs in (("average_win", "averageprofit"), ("average_loss", "averageloss")):
        if (value := result.trade.get(theirs)) is not None:
            metrics[ours] = abs(value)
    if (factor := result.trade.get("profitfactor")) is not None:
        metrics["profit_factor"] = factor
    metrics.update(_counted_trades(result))
    metrics["total_orders"] = _orders(result)
    metrics["total_fees"] = fees(result)
    start = result.portfolio.get("startequity") or result.statistic("Start Equity")
    if not start and result.equity:
        start = result.equity[0].value
    if start and start > 0:
        metrics["starting_cash"] = start
        metrics["fee_pct"] = fees(result) / start
        end = result.portfolio.get("endequity") or result.statistic("End Equity")
        profit = result.portfolio.get("totalnetprofit", result.statistic("Net Profit"))
        if end or profit is not None:
            metrics["ending_value"] = end or start * (1 + (profit or 0.0))
    return metrics
