"""The two small databases without which LEAN starts no backtest, for the market that the desk's bars are of.

With a network, LEAN's command line replaces them by its own.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from pathlib import Path

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")
_SYMBOLS = (
    "market,symbol,type,description,quote_currency,contract_multiplier,minimum_price_variation,lot_size,"
    "market_ticker,minimum_order_size,price_magnifier,strike_multiplier\n"
    "usa,[*],equity,,USD,1,0.01,1\n"
)


def write_databases(folder: Path, sessions: Collection[dt.date]) -> None:
    """Market hours of United States equities, whose holidays are the weekdays without a bar.

    Files that are there are left alone.
    """
    hours = folder / "market-hours" / "market-hours-database.json"
    if not hours.exists():
        hours.parent.mkdir(parents=True, exist_ok=True)
        hours.write_text(json.dumps(_market_hours(sessions)), encoding="utf-8")
    symbols = folder / "symbol-properties" / "symbol-properties-database.csv"
    if not symbols.exists():
        symbols.parent.mkdir(parents=True, exist_ok=True)
        symbols.write_text(_SYMBOLS, encoding="ascii")


def _market_hours(sessions: Collection[dt.date]) -> dict[str, object]:
    day = [
        {"start": "04:00:00", "end": "09:30:00", "state": "premarket"},
        {"start": "09:30:00", "end": "16:00:00", "state": "market"},
        {"start": "16:00:00", "end": "20:00:00", "state": "postmarket"},
    ]
    entry: dict[str, object] = {
        "dataTimeZone": "America/New_York",
        "exchangeTimeZone": "America/New_York",
        "sunday": [],
        **dict.fromkeys(WEEK, day),
        "saturday": [],
        "holidays": [f"{date.month}/{date.day}/{date.year}" for date in _weekdays_without(sessions)],
        "earlyCloses": {},
    }
    return {"entries": {"Equity-usa-[*]": entry}}


def _weekdays_without(sessions: Collection[dt.date]) -> list[dt.date]:
    if not sessions:
        return []
    known, day, last = set(sessions), min(sessions), max(sessions)
    missing = []
    while day <= last:
        if day.weekday() < 5 and day not in known:
            missing.append(day)
        day += dt.timedelta(days=1)
    return missing
