"""What a file states beside its bars is used or named: factors, companies, and days that look wrong."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import importlib.util
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from runners.prices.bars import Bar
from runners.prices.csv_files import read_csv
from runners.prices.csv_series import Dialect
from runners.prices.doubts import doubts
from runners.prices.sample import read_sample
from runners.prices.series import Factor, PriceError, PriceSeries, session_time

NOW = dt.datetime(2022, 2, 1, tzinfo=dt.UTC)
DAYS = [dt.date(2022, 1, day) for day in (3, 4, 5, 6, 7)]


def read(tmp_path: Path, text: str, timeframe: str = "1d", **dialect: str) -> PriceSeries:
    path = tmp_path / "abc.csv"
    path.write_text(text)
    (series,) = read_csv(
        path, timeframe=timeframe, zone=ZoneInfo("America/New_York"), dialect=Dialect(**dialect)  # type: ignore[arg-type]
    )  # fmt: skip
    return series


def table(header: str, *rows: str) -> str:
    return "\n".join([header, *(f"{day},{row}" for day, row in zip(DAYS, rows, strict=False))]) + "\n"


# Factors


def test_splits_and_dividends_that_a_file_states_are_factors(tmp_path: Path) -> None:
    # 4 for 1 on the third day; 0.50 on the fifth at 25.00 the day before: 0.98.
    text = table(
        "timestamp,close,adjusted_close,dividend_amount,split_coefficient",
        "100,24.50,0,1.0", "104,25.48,0,1.0", "26,25.48,0,4.0", "25,24.50,0,1.0", "25,25.00,0.5,1.0",
    )  # fmt: skip
    series = read(tmp_path, text)
    assert series.factors == (Factor(DAYS[2], "split", 0.25), Factor(DAYS[4], "dividend", 0.98))
    assert series.merges
    assert "2 factors from the splits and dividends that the file states" in series.remarks
    assert doubts(series, NOW) == ()


def test_a_split_that_prices_are_adjusted_for_already_is_no_factor(tmp_path: Path) -> None:
    series = read(tmp_path, table("Date,Close,Stock Splits", "25,0", "26,0", "26,4", "25,0"))
    assert series.factors == ()
    assert "prices are adjusted already for the split of 2022-01-05" in series.remarks


def test_adjusted_closes_that_say_something_else_are_told(tmp_path: Path) -> None:
    text = table("Date,Close,Adj Close,Dividends", "10,5,0", "10,5,0", "10,10,1", "10,10,0")
    series = read(tmp_path, text)
    assert series.factors == (Factor(DAYS[2], "dividend", 0.9),)
    assert "its adjusted closes differ from these factors, most on 2022-01-03: by 80.0%" in series.remarks


@pytest.mark.parametrize(("symbol", "digits"), [("IBM", 4), ("IBM", 6), ("AAPL", 6)])
def test_steps_of_rounded_adjusted_closes_are_the_sample_s_factors(
    tmp_path: Path, symbol: str, digits: int
) -> None:
    """Dividends of IBM and splits of Apple, of closes that were rounded as files have them."""
    spec = importlib.util.find_spec("bokeh_sampledata")
    assert spec is not None
    assert spec.submodule_search_locations
    with gzip.open(Path(spec.submodule_search_locations[0]) / "_data" / "stocks.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["Ticker"] == symbol]
    text = "Date,Close,Adj Close\n" + "".join(
        f"{row['Date']},{row['Close']},{float(row['Adj Close']):.{digits}f}\n" for row in rows
    )
    (sample,) = [one for one in read_sample().series if one.symbol == symbol]
    found = read(tmp_path, text).factors
    assert found is not None
    assert sample.factors is not None
    assert [(one.effective_date, one.kind) for one in found] == [
        (one.effective_date, one.kind) for one in sample.factors
    ]
    # A file states steps; that the sample's are those of another convention is its reader's to know.
    ratios = {row["Date"]: float(row["Adj Close"]) / float(row["Close"]) for row in rows}
    days = [row["Date"] for row in rows]
    for one in found:
        day = one.effective_date.isoformat()
        step = ratios[days[days.index(day) - 1]] / ratios[day]
        assert one.factor == pytest.approx(step, rel=10.0**-digits)


def test_a_ratio_that_moves_every_day_is_no_factor(tmp_path: Path) -> None:
    series = read(
        tmp_path,
        table("Date,Close,Adj Close", *(f"10.00,{price}" for price in ("9.10", "8.10", "9.20", "7.10"))),
    )
    assert series.factors is None
    assert any("move too often" in remark for remark in series.remarks)


def test_bars_within_a_day_leave_adjusted_closes_and_say_so(tmp_path: Path) -> None:
    series = read(tmp_path, "time,close,Adj Close\n2022-01-03 10:00,1,1\n2022-01-03 10:01,2,1\n", "1m")
    assert series.factors is None
    assert "not read: Adj Close" in series.remarks


# Two series in one


@pytest.mark.parametrize("name", ["stock", "Name"])
def test_a_company_column_splits_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "both.csv"
    path.write_text(f"date,{name},close\n2022-01-03,OLD,100\n2022-01-04,OLD,101\n2022-05-23,NEW,5\n")
    assert [(one.symbol, len(one.bars)) for one in read_csv(path)] == [("OLD", 2), ("NEW", 1)]
    assert [one.symbol for one in read_csv(path, symbol="new")] == ["NEW"]


@pytest.mark.parametrize(
    "rows", [("OLD,1", "OLD,2", "NEW,3", "NEW,4"), ("Old & Co,1", "Old & Co,2", "The New,3", "The New,4")]
)
def test_an_unread_column_of_words_that_parts_the_rows_is_refused(
    tmp_path: Path, rows: tuple[str, ...]
) -> None:
    text = table("date,issuer,close", *rows)
    with pytest.raises(
        PriceError, match=r"abc.csv:4: issuer changes from '.*' to '.*': two series in one"
    ) as caught:
        read(tmp_path, text)
    assert caught.value.hint is not None
    assert "--columns" in caught.value.hint
    assert len(read(tmp_path, text, columns="time=date,close=close").bars) == 4


def test_words_that_part_nothing_are_named_as_not_read(tmp_path: Path) -> None:
    series = read(tmp_path, table("date,weekday,close", "Mon,1", "Tue,2", "Mon,3", "Tue,4", "Mon,5"))
    assert "not read: weekday" in series.remarks


def test_names_of_companies_are_no_symbols(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match=r"abc.csv:2: 'OLD & CO, LTD' is not a symbol"):
        read(tmp_path, 'date,company,close\n2022-01-03,"Old & Co, Ltd",1\n2022-01-04,"Old & Co, Ltd",1\n')


# Doubts


def made(days: list[dt.date], closes: list[float] | None = None) -> PriceSeries:
    prices = closes or [10.0] * len(days)
    bars = tuple(Bar(session_time(day), p, p, p, p) for day, p in zip(days, prices, strict=True))
    return PriceSeries("ABC", "made", bars)


def test_days_that_are_none_are_told() -> None:
    weekdays = [
        dt.date(2021, 1, 4) + dt.timedelta(days=7 * week + day) for week in range(8) for day in range(5)
    ]
    assert doubts(made(weekdays), NOW) == ()
    early = [day - dt.timedelta(days=1) for day in weekdays]
    assert doubts(made(early), NOW) == (
        "8 bars fall on a Sunday, the first on 2021-01-03: dates of another clock, a day early?",
    )
    assert doubts(made([*weekdays, dt.date(2021, 3, 6)]), NOW) == (
        "1 bars fall on a Saturday, the first on 2021-03-06",
    )
    every = [dt.date(2021, 1, 4) + dt.timedelta(days=day) for day in range(40)]
    assert doubts(made(every), NOW) == (), "a market without week-ends"


def test_days_to_come_and_long_ago_and_falls_are_told() -> None:
    assert doubts(made([dt.date(1789, 7, 14), dt.date(2122, 1, 5)]), NOW) == (
        "1 bars are in the future, the last on 2122-01-05",
        "1 bars are before 1900, the first on 1789-07-14",
    )
    assert doubts(made(DAYS, [100, 101, 25.2, 25, 12.6]), NOW) == (
        "the close falls on 2022-01-05 to about 1/4, on 2022-01-07 to about 1/2: "
        "a split that is not in the data?",
    )


# Clock changes


def hours(*times: str) -> str:
    return "time,close\n" + "".join(f"{time},{number}\n" for number, time in enumerate(times, start=1))


def test_an_hour_that_comes_twice_is_told_apart_by_order(tmp_path: Path) -> None:
    times = [f"2022-11-06 0{hour}:00" for hour in (0, 1, 1, 2)]
    expected = ["04", "05", "06", "07"]
    series = read(tmp_path, hours(*times), "1h")
    assert [f"{bar.time:%H}" for bar in series.bars] == expected
    backwards = read(tmp_path, hours(*reversed(times)), "1h")
    assert [f"{bar.time:%H}" for bar in backwards.bars] == expected
    halves = [f"2022-11-06 01:{minute}" for minute in ("00", "30", "00", "30")]
    assert [f"{bar.time:%H:%M}" for bar in read(tmp_path, hours(*halves), "30m").bars] == [
        "05:00", "05:30", "06:00", "06:30",
    ]  # fmt: skip


def test_of_an_hour_that_comes_once_the_first_is_taken_and_that_is_said(tmp_path: Path) -> None:
    series = read(tmp_path, hours("2022-11-06 00:00", "2022-11-06 01:00", "2022-11-06 02:00"), "1h")
    assert [f"{bar.time:%H}" for bar in series.bars] == ["04", "05", "07"]
    assert series.remarks == (
        "2022-11-06 01:00 stands once, where America/New_York has it twice: taken as the first",
    )


def test_an_hour_that_never_was_is_refused_at_its_own_line(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match=r"abc.csv:3: time is 2022-03-13 02:00:00, which no clock in Am"):
        read(tmp_path, hours("2022-03-13 01:00", "2022-03-13 02:00", "2022-03-13 03:00"), "1h")
