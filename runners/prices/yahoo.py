"""Bars from Yahoo through yfinance: for personal use, and only as good as what Yahoo says today."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

from runners.prices.series import Bar, Factor, PriceError, PriceSeries, session_time, without_rounding

INTERVALS = {
    "1d": "1d", "1w": "1wk", "1mo": "1mo", "1h": "1h", "30m": "30m", "15m": "15m", "5m": "5m", "1m": "1m",
}  # fmt: skip
DAILY = ("1d", "1w", "1mo")
CALENDARS = {"=X": "24/5", "=F": "CMES"}
"""By the endings that Yahoo gives to currencies and futures, whose days begin on the evening before."""


def read(symbols: Sequence[str] | None) -> list[PriceSeries]:
    """All daily bars of each symbol; raises PriceError where one has none, and without symbols."""
    if not symbols:
        raise PriceError("Yahoo has no list of all symbols", hint="name some, such as SPY")
    return [read_yahoo(symbol) for symbol in symbols]


def read_yahoo(
    symbol: str, *, start: dt.date | None = None, end: dt.date | None = None, timeframe: str = "1d"
) -> PriceSeries:
    """One symbol's bars, `end` included. Raises PriceError, also where yfinance is not installed.

    Yahoo's prices come adjusted for splits, those that it knows of today; dividends become factors, so that
    the desk can show either.
    """
    if timeframe not in INTERVALS:
        raise PriceError(f"Yahoo has no bars of {timeframe}", hint=f"it has {', '.join(INTERVALS)}")
    frame = _history(symbol, start, end, timeframe)
    rows = [
        (when.to_pydatetime(), row) for when, row in zip(frame.index, frame.to_dict("records"), strict=True)
    ]
    bars = tuple(_bar(when, row, timeframe) for when, row in rows if _is_whole(row))
    if not bars:
        raise PriceError(
            f"Yahoo has no bars of {symbol}", detail=f"{start or 'its first day'} to {end or 'today'}",
            hint="look the symbol up on Yahoo; bars shorter than a day go back some weeks only",
        )  # fmt: skip
    remarks = ["adjusted for splits by the source; a later split changes all bars before it"]
    if len(bars) < len(rows):
        remarks.append(f"{len(rows) - len(bars)} rows without a price left out")
    return without_rounding(
        PriceSeries(
            symbol=symbol.upper(),
            source="yahoo",
            bars=bars,
            timeframe=timeframe,
            # Bars shorter than a day leave the factors that daily bars brought.
            factors=_dividends(rows) if timeframe == "1d" else None,
            replaces=True,
            calendar=next((name for end, name in CALENDARS.items() if symbol.upper().endswith(end)), None),
            zone=str(frame.index.tz) if frame.index.tz is not None else None,
            remarks=tuple(remarks),
        )
    )


def _history(symbol: str, start: dt.date | None, end: dt.date | None, timeframe: str) -> Any:
    try:
        import yfinance
    except ImportError as error:
        raise PriceError("yfinance is not installed", hint="pip install 'backdesk[yahoo]'") from error
    window: dict[str, Any] = {"period": "max"}
    if start or end:
        # Yahoo leaves the last day out.
        window = {"start": start, "end": end + dt.timedelta(days=1) if end else None}
    # Else it prints what went wrong and answers with nothing.
    yfinance.config.debug.hide_exceptions = False
    try:
        return yfinance.Ticker(symbol).history(
            **window, interval=INTERVALS[timeframe], auto_adjust=False, actions=True
        )
    # yfinance raises whatever its parts raise: of HTTP, of JSON, of the answer's shape.
    except Exception as error:
        raise PriceError(
            f"Yahoo gave no prices of {symbol}", detail=f"{type(error).__name__}: {error}",
            hint="look the symbol up on Yahoo, or try again later: it limits how often one asks",
        ) from error  # fmt: skip


def _is_whole(row: dict[str, Any]) -> bool:
    return all(math.isfinite(row[name]) for name in ("Open", "High", "Low", "Close"))


def _bar(when: dt.datetime, row: dict[str, Any], timeframe: str) -> Bar:
    volume = row["Volume"]
    return Bar(
        # A daily bar belongs to its session's date at the exchange.
        time=session_time(when.date()) if timeframe in DAILY else when.astimezone(dt.UTC),
        open=float(row["Open"]),
        high=float(row["High"]),
        low=float(row["Low"]),
        close=float(row["Close"]),
        volume=float(volume) if math.isfinite(volume) else 0.0,
    )


def _dividends(rows: list[tuple[dt.datetime, dict[str, Any]]]) -> tuple[Factor, ...]:
    """1 - dividend / close of the day before, as Yahoo computes its adjusted closes."""
    factors = []
    before: float | None = None
    for when, row in rows:
        amount = row.get("Dividends", 0.0)
        if before and amount and math.isfinite(amount) and amount < before:
            factors.append(Factor(when.date(), "dividend", 1.0 - float(amount) / before))
        if math.isfinite(row["Close"]):
            before = float(row["Close"])
    return tuple(factors)
