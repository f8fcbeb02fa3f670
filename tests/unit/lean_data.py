"""LEAN's sample market data and the numbers that its engine is asserted to give on it, where they are there.

Neither is part of the project: the data's licence forbids it. Tests skip without them.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from runners.engines.base import AdjustedPrices
from tests.unit.price_samples import series_of

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "lean"


@cache
def golden() -> dict[str, dict[str, Any]]:
    """Expected statistics by algorithm; empty where the samples are absent."""
    path = FOLDER / "samples" / "golden_statistics.json"
    if not path.is_file():
        return {}
    return {one["algorithm"]: one for one in json.loads(path.read_text())["algorithms"]}


def daily(ticker: str, first: dt.date, last: dt.date) -> AdjustedPrices:
    """Bars of a ticker, adjusted by its factor file as LEAN does: the first row whose date is not before."""
    base = FOLDER / "data" / "equity" / "usa"
    with zipfile.ZipFile(base / "daily" / f"{ticker.lower()}.zip") as archive:
        text = archive.read(archive.namelist()[0]).decode()
    factors = [
        (dt.datetime.strptime(row[0], "%Y%m%d").date(), float(row[1]) * float(row[2]))
        for row in csv.reader((base / "factor_files" / f"{ticker.lower()}.csv").open())
    ]
    rows = []
    for row in csv.reader(io.StringIO(text)):
        day = dt.datetime.strptime(row[0][:8], "%Y%m%d").date()
        if first <= day <= last:
            factor = next(value for until, value in factors if until >= day)
            opened, high, low, close = (float(price) / 10_000 * factor for price in row[1:5])
            rows.append((day, opened, high, low, close, float(row[5])))
    return series_of(ticker, rows)
