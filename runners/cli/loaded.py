"""Loads series one by one and shows what became of them."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable

from rich.console import Console

from runners.cli.text_table import text_table
from runners.database.connection import connect
from runners.prices.calendars import fill_calendars, import_ahead
from runners.prices.doubts import doubts
from runners.prices.load import Loaded, load
from runners.prices.series import PriceSeries
from runners.settings import Settings

_GAPS_SHOWN = 5
_HEADINGS = ("symbol", "bar", "from", "to", "bars", "new", "changed", "factors", "gaps", "version")


def show(loaded: Iterable[Loaded], seconds: float) -> None:
    """A table of the series, then gaps and remarks, then one line."""
    done = list(loaded)
    rows = [
        (
            one.series.symbol,
            one.series.timeframe,
            f"{one.first_bar:%Y-%m-%d}",
            f"{one.last_bar:%Y-%m-%d}",
            f"{one.bar_count:,}",
            f"{one.new_bars:,}",
            f"{one.changed_bars:,}",
            "" if one.series.factors is None else str(len(one.series.factors)),
            str(len(one.gaps)),
            str(one.version),
        )
        for one in done
    ]
    print(text_table(_HEADINGS, rows, right=_HEADINGS[4:]))
    for remark, symbols in _remarks(done).items():
        print(f"{', '.join(symbols)}: {remark}")
    changed = sum(one.status == "loaded" for one in done)
    print(f"{changed} series loaded, {len(done) - changed} unchanged ({seconds:.1f} s)")


def _remarks(loaded: Iterable[Loaded]) -> dict[str, list[str]]:
    """Every remark once, with the symbols that it is about."""
    symbols: dict[str, list[str]] = {}
    for one in loaded:
        remarks = [*one.series.remarks, *doubts(one.series, dt.datetime.now(dt.UTC))]
        if one.series.closes_only:
            remarks.append("closes only: open, high and low repeat the close")
        if one.calendar_by in ("bars", "zone"):
            found = "its bars" if one.calendar_by == "bars" else f"the time zone {one.zone}"
            remarks.append(f"calendar {one.calendar}, by {found}; --calendar says another")
        shown = [
            f"{gap.last_before:%Y-%m-%d} to {gap.first_after:%Y-%m-%d}" for gap in one.gaps[:_GAPS_SHOWN]
        ]
        more = len(one.gaps) - len(shown)
        remarks += [f"no bars from {gap}" for gap in shown] + ([f"{more} more gaps"] if more else [])
        for remark in remarks:
            symbols.setdefault(remark, []).append(one.series.symbol)
    return symbols


def load_all(series: Iterable[PriceSeries], settings: Settings) -> list[Loaded]:
    """Loads each series by itself, so that a refused one takes none of the others with it."""
    waiting, done = list(series), list[Loaded]()
    began = time.perf_counter()
    try:
        with (
            connect("director", settings=settings) as director,
            Console(stderr=True).status("loading") as status,
        ):
            for number, one in enumerate(waiting, start=1):
                status.update(f"loading {one.symbol} ({number} of {len(waiting)})")
                done.append(load(director, one))
                if number == 1:
                    import_ahead(director)
            fill_calendars(director)
    finally:
        if done:
            show(done, time.perf_counter() - began)
    return done
