"""Where the prices of a single backtest come from: the desk when it is up, else the sample, or a CSV file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from runners.backtests.request import BacktestRequest, RequestError
from runners.database import connection
from runners.engines.base import AdjustedPrices, Splits, contracts_from_json, splits_from_json
from runners.prices import series as loaded
from runners.prices.adjusted import adjusted, splits_of
from runners.prices.csv_files import read_csv
from runners.prices.dates import date_of
from runners.prices.sample import read_sample
from runners.settings import Settings
from strategies.contracts import Contract
from strategies.session_days import UTC_DAYS, SessionDay, session_days

PRICES = """
select symbol, source, version, epochs, open, high, low, close, volume, zone, day_begins
from desk.price_series(%s, %s, %s, %s)
"""
CONTRACTS = "select desk.contract_terms(%s)"
SPLITS = "select desk.price_splits(%s, %s)"


@dataclass(frozen=True)
class Prices:
    """Adjusted bars in the order of the request, and in words where they are from."""

    series: tuple[AdjustedPrices, ...]
    source: str
    description: str
    splits: Mapping[str, Splits]
    days: tuple[SessionDay, ...]
    """What cuts the bars of each into sessions: the instrument's clock, UTC dates outside the desk."""
    contracts: Mapping[str, Contract] = field(default_factory=dict)

    @property
    def first(self) -> dt.date:
        return min(day.date(one.epochs[0]) for day, one in zip(self.days, self.series, strict=True))

    @property
    def last(self) -> dt.date:
        return max(day.date(one.epochs[-1]) for day, one in zip(self.days, self.series, strict=True))


def find_prices(request: BacktestRequest, source: str, settings: Settings) -> Prices:
    """`source`: auto, desk, sample, or the path of a CSV file."""
    if source == "desk" or (source == "auto" and _desk_is_up(settings)):
        return _of_the_desk(request, settings)
    if source in ("auto", "sample"):
        found = read_sample().series
        remark = "" if source == "sample" else "; the desk is not up"
        return _chosen(request, found, "sample", f"the built-in sample, split and dividend adjusted{remark}")
    path = Path(source)
    only = request.symbols[0] if len(request.symbols) == 1 else None
    return _chosen(
        request, read_csv(path, symbol=only, timeframe=request.timeframe), "csv", f"{path.name}, as it is"
    )


def _desk_is_up(settings: Settings) -> bool:
    try:
        connection.connect("viewer", settings=settings).close()
    except connection.DatabaseUnavailable:
        # A server that was named and does not answer is a mistake to be told, not a reason for other prices.
        if settings.database_url:
            raise
        return False
    return True


def _of_the_desk(request: BacktestRequest, settings: Settings) -> Prices:
    with connection.connect("viewer", settings=settings) as viewer:
        try:
            rows = (
                viewer.cursor(binary=True)
                .execute(PRICES, (list(request.symbols), request.timeframe, request.start, request.end))
                .fetchall()
            )
            contracts = viewer.execute(CONTRACTS, [list(request.symbols)]).fetchone()
            splits = viewer.execute(SPLITS, (list(request.symbols), request.timeframe)).fetchone()
        except psycopg.errors.UndefinedFunction as error:
            raise RequestError("the desk's schema is older than this program", hint="backdesk up") from error
    series = tuple(AdjustedPrices.from_rows(row[0], *row[3:9]) for row in rows)
    versions = ", ".join(f"{row[0]} version {row[2]} ({row[1]})" for row in rows)
    return Prices(
        series,
        "desk",
        f"the desk: {versions}",
        splits_from_json(splits[0] if splits else None),
        session_days(row[9:] for row in rows),
        contracts_from_json(contracts[0] if contracts else None),
    )


def _chosen(
    request: BacktestRequest, found: Iterable[loaded.PriceSeries], source: str, description: str
) -> Prices:
    have = {one.symbol: one for one in found if one.timeframe == request.timeframe}
    lacking = [symbol for symbol in request.symbols if symbol not in have]
    if lacking:
        raise RequestError(
            f"no prices of {', '.join(lacking)} in bars of {request.timeframe} in {description}",
            hint=f"it has {', '.join(sorted(have)) or 'none'}; the desk has more after `backdesk load`",
        )
    every = [adjusted(have[symbol]) for symbol in request.symbols]
    # The window that all of them have, as the desk takes it.
    start = request.start or max(date_of(one.epochs[0]) for one in every)
    end = request.end or min(date_of(one.epochs[-1]) for one in every)
    series = tuple(_between(one, start, end) for one in every)
    empty = [one.symbol for one in series if not len(one)]
    if empty:
        raise RequestError(
            f"{', '.join(empty)}: no prices from {start} to {end}",
            detail="; ".join(
                f"{one.symbol}: {date_of(one.epochs[0])} to {date_of(one.epochs[-1])}" for one in every
            ),
            hint="choose a window that all symbols have",
        )
    splits = {symbol: splits_of(have[symbol]) for symbol in request.symbols}
    return Prices(series, source, description, splits, (UTC_DAYS,) * len(series))


def _between(series: AdjustedPrices, start: dt.date, end: dt.date) -> AdjustedPrices:
    rows = [row for row, epoch in enumerate(series.epochs) if start <= date_of(epoch) <= end]
    if not rows:
        return AdjustedPrices.from_rows(series.symbol, [], [], [], [], [], [])
    part = slice(rows[0], rows[-1] + 1)
    columns = (series.open, series.high, series.low, series.close, series.volume)
    return AdjustedPrices.from_rows(series.symbol, series.epochs[part], *(column[part] for column in columns))
