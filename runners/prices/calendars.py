"""Sessions of exchanges into the desk, from exchange_calendars."""

from __future__ import annotations

import datetime as dt
import warnings
from importlib import import_module
from threading import Thread
from typing import Any

import psycopg

from runners.prices.series import PriceError

LIBRARY = "exchange_calendars"
Sessions = tuple[list[dt.date], list[dt.datetime], list[dt.datetime], list[bool]]


def fill_calendars(connection: psycopg.Connection[Any]) -> list[str]:
    """Fills what is missing of the calendars that instruments have; their names. Mostly there is nothing to
    do, and the library, which takes seconds to import, stays out."""
    wanted = connection.execute("select calendar, first_day, last_day from desk.fill_calendars()").fetchall()
    for name, first, last in wanted:
        connection.execute(
            "select desk.fill_calendar(%s, %s, %s, %s, %s::timestamptz[], %s::timestamptz[], %s)",
            (name, first, last, *sessions_of(name, first, last)),
        )
    return [name for name, _, _ in wanted]


def import_ahead(connection: psycopg.Connection[Any]) -> None:
    """Imports the library beside what the caller does, where it will be needed."""
    if connection.execute("select from desk.fill_calendars()").fetchone() is not None:
        Thread(target=import_module, args=(LIBRARY,), daemon=True).start()


def sessions_of(name: str, first: dt.date, last: dt.date) -> Sessions:
    """Dates, opens, closes and half days between two days, as far as the library knows; raises PriceError."""
    library = import_module(LIBRARY)
    with warnings.catch_warnings():
        # Of pandas, about how the library calls it.
        warnings.simplefilter("ignore")
        try:
            try:
                found = library.get_calendar(name, start=first, end=last)
            except ValueError:
                bounds = type(library.get_calendar(name))
                start, end = bounds.bound_min(), bounds.bound_max()
                found = library.get_calendar(
                    name,
                    start=max(first, start.date()) if start is not None else first,
                    end=min(last, end.date()) if end is not None else last,
                )
        except (library.errors.CalendarError, ValueError) as error:
            raise PriceError(f"{LIBRARY} has no sessions of {name}: {error}") from error
        half = set(found.early_closes)
        schedule = found.schedule
    return (
        [day.date() for day in schedule.index],
        [time.to_pydatetime() for time in schedule["open"]],
        [time.to_pydatetime() for time in schedule["close"]],
        [day in half for day in schedule.index],
    )
