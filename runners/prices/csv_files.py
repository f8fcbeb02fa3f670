"""Bars from a CSV file: as its source writes them, or as options say; no guesses, nothing dropped unsaid."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from runners.prices.csv_columns import Columns, layout_of
from runners.prices.csv_series import Dialect, Wanted, column_of, series_of
from runners.prices.csv_text import Text, read_cells, read_text
from runners.prices.csv_words import PRICES
from runners.prices.notation import EMPTY, Notation, as_numbers, notation_of
from runners.prices.series import PriceError, PriceSeries
from runners.prices.symbols import is_symbol, symbol_of


def read_csv(
    path: Path,
    *,
    symbol: str | None = None,
    timeframe: str = "1d",
    zone: ZoneInfo | None = None,
    dialect: Dialect | None = None,
) -> list[PriceSeries]:
    """The series of a file: one, or one a symbol where it has several (`symbol` then picks one).

    Daily and weekly bars belong to the date as written; shorter ones need times with a zone, or `zone`, which
    says whose clock they were written by. Raises PriceError with file and line.
    """
    text = read_text(path, dialect.encoding if dialect else None)
    return read_text_of(text, symbol=symbol, timeframe=timeframe, zone=zone, dialect=dialect)


def read_text_of(
    text: Text,
    *,
    symbol: str | None = None,
    timeframe: str = "1d",
    zone: ZoneInfo | None = None,
    dialect: Dialect | None = None,
    in_order: bool = True,
) -> list[PriceSeries]:
    """The series of a text as `read_csv` reads them; rows that are not `in_order` of time are put so."""
    path, dialect = text.path, dialect or Dialect()
    layout = layout_of(text, dialect.columns)
    cells = read_cells(text, layout.first)
    if not cells.lines:
        raise PriceError(f"{path} has no bars", hint="a header line, then one line a bar")
    known = Notation(dialect.decimal or layout.notation.decimal, dialect.thousands)
    places = {group.at[name] for group in layout.groups for name in (*PRICES, "volume") if name in group.at}
    plain = {place: found for place in places if (found := as_numbers(column_of(cells, place))) is not None}
    # A decimal comma cannot stand bare between commas, and so a point there is what it seems.
    doubtful = [place for place in sorted(places) if text.delimiter != "," or place not in plain]
    notation = notation_of(path, cells.lines, (column_of(cells, place) for place in doubtful), known)
    wanted = Wanted(text, layout, cells, dialect, timeframe, zone, notation, plain, in_order)

    asked = symbol.strip().upper() if symbol else None
    series: list[PriceSeries] = []
    for group in layout.groups:
        series += _of_group(wanted, group, asked)
    if asked and len(layout.groups) > 1:
        series = [one for one in series if one.symbol == asked]
    if not series:
        raise PriceError(f"{path} has no bars of {asked}", hint="look at its symbol column")
    return series


def _of_group(wanted: Wanted, group: Columns, asked: str | None) -> list[PriceSeries]:
    path, cells, at = wanted.text.path, wanted.cells, group.at
    every = np.arange(len(cells.lines))
    if "symbol" not in at:
        alone = len(wanted.layout.groups) == 1
        name = (asked if alone else None) or group.symbol or symbol_of(path)
        if len(wanted.layout.groups) > 1:
            # One table for several symbols has empty cells where one of them did not trade.
            traded = [column_of(cells, at[price]) for price in PRICES if price in at]
            every = every[
                [any(cell.strip().lower() not in EMPTY for cell in row) for row in zip(*traded, strict=True)]
            ]
        return [series_of(wanted, name, at, every)] if len(every) else []
    names = np.array([cell.strip().upper() for cell in column_of(cells, at["symbol"])], dtype=object)
    found = dict.fromkeys(names)
    empty = np.flatnonzero(names == "")
    if len(empty) and not wanted.dialect.skip_bad_rows:
        raise PriceError(
            f"{path}:{cells.lines[empty[0]]}: symbol is empty", hint="fill it in, or --skip-bad-rows"
        )
    series = []
    for name in found:
        if not name or (asked and asked != name and len(found) > 1):
            continue
        if not is_symbol(name) and not (asked and len(found) == 1):
            row = int(np.flatnonzero(names == name)[0])
            raise PriceError(
                f"{path}:{cells.lines[row]}: {name!r} is not a symbol",
                hint="--columns says which column has symbols, or none; --symbol names the only one",
            )
        series.append(
            series_of(wanted, asked if asked and len(found) == 1 else name, at, np.flatnonzero(names == name))
        )
    return series
