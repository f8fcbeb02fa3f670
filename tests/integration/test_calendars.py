"""Calendars of the desk are those of exchange_calendars, and their sessions come with the prices."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import exchange_calendars
import pytest

from runners.cli.doctor.desk import calendars
from runners.cli.doctor.finding import Severity
from runners.cli.load import csv
from runners.prices.calendars import fill_calendars, sessions_of
from testing.desks import Desk

ROUND_THE_CLOCK = {"24/7", "24/5"}
SOME = ("XNYS", "XASX", "XLON", "CMES")


def _rows(desk: Desk) -> dict[str, tuple[str, dt.timedelta, int, list[str]]]:
    with desk.connect("viewer") as viewer:
        rows = viewer.execute("select name, zone, day_begins, sessions_a_year, aliases from calendars")
        return {name: found for name, *found in rows.fetchall()}


def _agrees(name: str, row: tuple[str, dt.timedelta, int, list[str]]) -> None:
    zone, day_begins, sessions_a_year, _ = row
    days, opens, closes, _ = sessions_of(name, dt.date(2000, 1, 1), dt.date(2024, 12, 31))
    years = dt.date(2025, 1, 1).year - days[0].year
    assert round(len(days) / years) == sessions_a_year
    begins = [
        (dt.datetime.combine(day, dt.time()) + day_begins).replace(tzinfo=ZoneInfo(zone)) for day in days
    ]
    late = [day for day, begin, opened in zip(days, begins, opens, strict=True) if opened < begin]
    assert not late, "no session opens before its day begins"
    assert all(closed <= begin for closed, begin in zip(closes, begins[1:], strict=False))


def test_names_are_the_library_s(desk: Desk) -> None:
    rows = _rows(desk)
    assert set(rows) <= set(exchange_calendars.get_calendar_names(include_aliases=False))
    for name, (*_, aliases) in rows.items():
        assert {exchange_calendars.resolve_alias(alias) for alias in aliases} <= {name}


@pytest.mark.parametrize("name", SOME)
def test_a_calendar_is_the_library_s(desk: Desk, name: str) -> None:
    _agrees(name, _rows(desk)[name])


@pytest.mark.long
@pytest.mark.live
def test_every_calendar_is_the_library_s(desk: Desk) -> None:
    for name, row in _rows(desk).items():
        if name not in ROUND_THE_CLOCK:
            _agrees(name, row)


def test_prices_bring_the_sessions_of_their_exchange(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "SPY.csv"
    file.write_text("date,open,high,low,close\n2024-11-27,1,1,1,1\n2024-11-29,1,1,1,1\n")
    csv([file])
    with desk.connect("director") as director:
        found = director.execute(
            "select session, open, close, half_day from calendar_sessions"
            " where session between '2024-11-27' and '2024-12-01'"
        ).fetchall()
        assert fill_calendars(director) == []
        last = director.execute("select max(session) from calendar_sessions").fetchone()
    eastern = ZoneInfo("America/New_York")
    assert found == [
        (dt.date(2024, 11, 27), dt.datetime(2024, 11, 27, 9, 30, tzinfo=eastern),
         dt.datetime(2024, 11, 27, 16, 0, tzinfo=eastern), False),
        (dt.date(2024, 11, 29), dt.datetime(2024, 11, 29, 9, 30, tzinfo=eastern),
         dt.datetime(2024, 11, 29, 13, 0, tzinfo=eastern), True),
    ]  # fmt: skip
    assert last is not None
    assert last[0] > dt.date.today() + dt.timedelta(days=355)


def test_the_doctor_warns_before_sessions_end(desk: Desk) -> None:
    with desk.connect("admin") as admin:
        assert calendars(desk.settings, admin).severity is Severity.ok
        admin.execute("delete from desk.calendar_sessions where session >= current_date + 30")
        found = calendars(desk.settings, admin)
    assert found.severity is Severity.warning
    assert found.found.startswith("the sessions of XNYS end on ")
