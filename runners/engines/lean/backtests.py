"""One `lean backtest`: its words, and what its output folder proves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

from runners.engines.base import AdjustedPrices, RunSettings
from runners.engines.lean.commands import value_text
from runners.engines.lean.data_folder import write_series
from runners.engines.lean.discovery import Found, discover
from runners.engines.lean.documents import LeanFileError
from runners.engines.lean.execution import LeanEnd
from runners.engines.lean.market_hours import write_databases
from runners.engines.lean.result_file import LeanResult
from runners.engines.lean.result_metrics import WINDOW_SLACK
from runners.prices.series import Bar, PriceSeries

RESOLUTIONS = {"1d": "daily", "1h": "hour", "1m": "minute"}


class LeanBacktestFailed(Exception):
    """A backtest without a result; `again` is True where another attempt may work out."""

    def __init__(self, message: str, *, again: bool) -> None:
        super().__init__(message)
        self.again = again


def backtest_arguments(
    project: str, results: Path, parameters: Mapping[str, str], image: str | None
) -> list[str]:
    """Words after `lean`. Its `--parameter` replaces all of the project's own, so all of them are named."""
    words = [
        "backtest",
        project,
        "--output",
        str(results),
        "--no-update",
        "--data-provider-historical",
        "Local",
    ]
    if image:
        words += ["--image", image]
    for name, value in sorted(parameters.items()):
        words += ["--parameter", name, value]
    return words


def run_parameters(settings: RunSettings) -> dict[str, str]:
    """What a run fixes for all of its points; an algorithm reads it by `get_parameter` under these names."""
    return {
        "symbols": ",".join(settings.symbols),
        "start_date": settings.start_date.isoformat(),
        "end_date": settings.end_date.isoformat(),
        "cash": value_text(settings.cash),
        "resolution": RESOLUTIONS.get(settings.timeframe, settings.timeframe),
        "commission_percent": value_text(settings.commission.percent),
        "commission_per_share": value_text(settings.commission.per_share),
        "commission_minimum": value_text(settings.commission.minimum),
        "slippage": value_text(settings.slippage),
        "seed": value_text(settings.seed),
    }


def write_prices(folder: Path, settings: RunSettings, prices: Sequence[AdjustedPrices]) -> None:
    """The run's bars as a LEAN data folder: adjusted already, so that no factor is left to apply, and both
    engines see the same bars."""
    sessions: set[dt.date] = set()
    for series in prices:
        columns = zip(
            series.epochs, series.open, series.high, series.low, series.close, series.volume, strict=True
        )
        bars = tuple(Bar(dt.datetime.fromtimestamp(epoch, dt.UTC), *values) for epoch, *values in columns)
        sessions.update(bar.time.date() for bar in bars)
        write_series(folder, PriceSeries(series.symbol, "desk", bars, settings.timeframe, factors=()))
    write_databases(folder, sessions)


def result_of(results: Path, end: LeanEnd) -> LeanResult:
    """The one result in an output folder. Raises LeanBacktestFailed; the exit code alone proves nothing."""
    try:
        found = discover(results) if results.is_dir() else Found((), ())
    except LeanFileError as error:
        raise LeanBacktestFailed(error.message, again=True) from error
    kept = [result for search in found.searches for result in search.results if result.source == "json"]
    if end.out_of_time:
        raise LeanBacktestFailed(end.error, again=True)
    if len(kept) == 1:
        return kept[0]
    why = _reasons(found)
    if any("the backtest failed" in reason for reason in why):
        raise LeanBacktestFailed("; ".join(why), again=False)
    if end.exit_code:
        why.insert(0, end.error)
    message = "; ".join(why) or "LEAN left no result file"
    raise LeanBacktestFailed(message, again=end.may_work_another_time)


def _reasons(found: Found) -> list[str]:
    return [f"{refusal.file.name} {refusal.reason}" for refusal in found.refusals]


def window_problem(result: LeanResult, settings: RunSettings, start: float | None) -> str | None:
    """Why a result is not of the run's window and cash, if so: an algorithm that does not read them."""
    ours = (
        ("start_date", settings.start_date, result.start_date),
        ("end_date", settings.end_date, result.end_date),
    )
    for name, wanted, got in ours:
        if got is not None and abs(got - wanted) > WINDOW_SLACK:
            return (
                f"the algorithm's {name} is {got}, the run's is {wanted}: let it read get_parameter('{name}')"
            )
    if start is not None and abs(start - settings.cash) > 0.01:
        return (
            f"the algorithm starts with {start:,.2f}, the run with {settings.cash:,.2f}: "
            "let it read get_parameter('cash')"
        )
    return None
