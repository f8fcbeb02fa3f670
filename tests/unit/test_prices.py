"""Sources give the loader clean series, or say with file and line why they do not."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import importlib.util
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from runners.prices.csv_files import read_csv
from runners.prices.factors import adjusted_closes, reconstructed
from runners.prices.sample import EQUITIES, read_sample
from runners.prices.series import (
    Bar,
    Factor,
    PriceError,
    PriceSeries,
    session_time,
    without_impossible_bars,
    without_rounding,
)

DAY = dt.date(2020, 1, 1)
DAYS = [DAY + dt.timedelta(days=number) for number in range(6)]


# Factors


def test_split_and_dividend_come_back_as_the_numbers_they_were() -> None:
    # Worked by hand: 2 for 1 on day 2, then 0.50 paid on day 4 at a close of 49.50: 49.5 / 50 = 0.99.
    close = [100.0, 102.0, 51.0, 50.0, 49.5, 50.0]
    factors = [0.495, 0.495, 0.99, 0.99, 1.0, 1.0]
    adjusted = [price * factor for price, factor in zip(close, factors, strict=True)]
    assert reconstructed("X", DAYS, close, adjusted) == (
        Factor(DAYS[2], "split", 0.5),
        Factor(DAYS[4], "dividend", 0.99),
    )


def test_noise_is_no_event_and_later_events_of_the_source_are_left_to_it() -> None:
    close = [100.0, 101.0, 102.0]
    # The source knows of a split after its last bar, and rounds in the fourteenth digit.
    adjusted = [50.0, 50.5 * (1 + 3e-14), 51.0]
    assert reconstructed("X", DAYS[:3], close, adjusted) == ()


@pytest.mark.parametrize(
    ("ratio", "kind"), [(1 / 3, "split"), (1.5, "split"), (10.0, "split"), (0.9, "split"), (0.97, "dividend")]
)
def test_a_simple_fraction_is_a_split(ratio: float, kind: str) -> None:
    (factor,) = reconstructed("X", DAYS[:2], [100.0, 100.0], [100.0 * ratio, 100.0])
    assert factor.kind == kind
    assert factor.factor == pytest.approx(ratio, rel=1e-9)


def test_adjusting_multiplies_by_what_takes_effect_later() -> None:
    factors = (Factor(DAYS[1], "split", 0.5), Factor(DAYS[2], "dividend", 0.9))
    assert adjusted_closes(DAYS[:3], [10.0, 5.0, 5.0], factors) == [10 * (0.9 * 0.5), 5 * 0.9, 5.0]


@pytest.mark.parametrize("symbol", ["AAPL", "IBM", "MSFT", "GOOG"])
def test_the_sample_s_adjusted_closes_are_reproduced(symbol: str) -> None:
    """Within 1e-12 of the source's adjusted closes, scaled to its last bar."""
    spec = importlib.util.find_spec("bokeh_sampledata")
    assert spec is not None
    assert spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0]) / "_data" / "stocks.csv.gz"
    with gzip.open(path, "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["Ticker"] == symbol]
    dates = [dt.date.fromisoformat(row["Date"]) for row in rows]
    close = [float(row["Close"]) for row in rows]
    theirs = [float(row["Adj Close"]) for row in rows]
    ours = adjusted_closes(dates, close, reconstructed(symbol, dates, close, theirs))
    scale = theirs[-1] / close[-1]
    assert max(abs(mine * scale / other - 1) for mine, other in zip(ours, theirs, strict=True)) < 1e-12


def test_known_events_of_the_sample() -> None:
    series = {one.symbol: one for one in read_sample().series}
    apple = series["AAPL"].factors
    assert apple is not None
    assert [
        (factor.effective_date.isoformat(), factor.factor) for factor in apple if factor.kind == "split"
    ] == [
        ("2000-06-21", 0.5),
        ("2005-02-28", 0.5),
    ]
    microsoft = series["MSFT"].factors
    assert microsoft is not None
    (special,) = [factor for factor in microsoft if factor.effective_date == dt.date(2004, 11, 15)]
    # 3.00 and the quarter's 0.08 at a close of 27.39.
    assert special == Factor(dt.date(2004, 11, 15), "dividend", 27.39 / (27.39 + 3.08))


def test_the_sample_is_what_it_says() -> None:
    sample = read_sample()
    assert sample.missing == ()
    bars = {one.symbol: len(one.bars) for one in sample.series}
    assert bars == {
        "AAPL": 3270, "IBM": 3270, "MSFT": 3270, "GOOG": 2148, "^GSPC": 5031, "^IXIC": 5031,
        "MTUM": 2264, "QUAL": 2264, "SIZE": 2264, "USMV": 2264, "VLUE": 2264,
    }  # fmt: skip
    assert {one.symbol for one in sample.series if one.closes_only} == {
        "MTUM",
        "QUAL",
        "SIZE",
        "USMV",
        "VLUE",
    }
    assert set(EQUITIES) == {"AAPL", "IBM", "MSFT", "GOOG"}


# Series


def series(*bars: Bar) -> PriceSeries:
    return PriceSeries("X", "made", bars)


def test_rounding_errors_are_widened_and_counted() -> None:
    hair = Bar(session_time(DAY), 10.0, 10.0, 9.0, 10.0 + 5e-9)
    mended = without_rounding(series(hair, Bar(session_time(DAYS[1]), 10, 10, 9, 9.5)))
    assert mended.bars[0].high == hair.close
    assert mended.remarks == ("1 bars had an open or a close a rounding error outside high and low: widened",)
    assert without_impossible_bars(mended).bars == mended.bars


def test_impossible_bars_are_left_out_by_name() -> None:
    bad = Bar(session_time(DAY), 10.0, 10.0, 9.0, 10.1)
    good = Bar(session_time(DAYS[1]), 10, 10, 9, 9.5)
    kept = without_impossible_bars(without_rounding(series(bad, good)))
    assert kept.bars == (good,)
    assert kept.remarks == ("2020-01-01 left out: high 10.0 is below 10.1",)


# CSV


def written(tmp_path: Path, text: str, name: str = "aapl.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "Date,Open,High,Low,Close,Volume\n2020-01-02,10,12,9,11,100\n2020-01-03,11,12,10,10.5,0\n",
        "\ufeffdate;o;h;l;c;v\n2020-01-02;10;12;9;11;100\n2020-01-03;11;12;10;10.5;0\n",
        "Volume\tClose/Last\tLow\tHigh\tOpen\tTimestamp\n100\t11\t9\t12\t10\t2020-01-02\n0\t10.5\t10\t12\t11\t2020-01-03\n",
        "<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n2020-01-03,11,12,10,10.5,0\n2020-01-02,10,12,9,11,100\n\n",
        "Date,O,H,L,C,V\n2020-01-02 00:00:00-05:00,10,12,9,11,100\n2020-01-03T00:00:00,11,12,10,10.5,0\n",
    ],
    ids=["plain", "semicolons", "tabs", "newest first", "timestamps"],
)
def test_headers_and_orders_vary(tmp_path: Path, text: str) -> None:
    (one,) = read_csv(written(tmp_path, text))
    assert one.symbol == "AAPL"
    assert [(bar.time, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in one.bars] == [
        (session_time(dt.date(2020, 1, 2)), 10, 12, 9, 11, 100),
        (session_time(dt.date(2020, 1, 3)), 11, 12, 10, 10.5, 0),
    ]


def test_a_file_may_have_many_symbols_or_closes_only(tmp_path: Path) -> None:
    path = written(tmp_path, "ticker,date,price\nibm,2020-01-02,10\nMSFT,2020-01-02,20\nIBM,2020-01-03,11\n")
    both = read_csv(path)
    assert [(one.symbol, len(one.bars), one.closes_only) for one in both] == [
        ("IBM", 2, True),
        ("MSFT", 1, True),
    ]
    (picked,) = read_csv(path, symbol="msft")
    assert picked.bars == (Bar(session_time(dt.date(2020, 1, 2)), 20, 20, 20, 20, 0, line=3),)


def test_intraday_times_keep_their_zone(tmp_path: Path) -> None:
    text = "time,close\n2020-01-02T09:30:00-05:00,10\n2020-01-02T15:00:00Z,11\n"
    (one,) = read_csv(written(tmp_path, text), timeframe="30m")
    assert [bar.time.astimezone(dt.UTC).hour for bar in one.bars] == [14, 15]


@pytest.mark.parametrize(
    ("text", "timeframe", "message"),
    [
        (
            "date,open,close\n2020-01-02,1,1\n",
            "1d",
            "aapl.csv:1: no column for high, low in the header: date, open, close",
        ),
        ("day,price x\n2020-01-02,1\n", "1d", "aapl.csv:1: no column for close in the header"),
        ("date,close\n", "1d", "aapl.csv has no bars"),
        (
            "date,close\n2020-01-02,1\n02/01/2020,1\n",
            "1d",
            "aapl.csv:3: time is '02/01/2020', which is no date or time that is known here",
        ),
        ('date,close\n2020-01-02,"1,234"\n', "1d", "aapl.csv:2: '1,234' may be 1.234 or 1234"),
        ("date,close\n2020-01-02,1\n2020-01-03,1.2.3\n", "1d", "aapl.csv:3: close is '1.2.3', which is not"),
        ("date,close\n\n2020-01-02,\n", "1d", "aapl.csv:3: close is empty"),
        (
            "date,close\n2020-01-02T10:00:00,1\n",
            "1h",
            "aapl.csv:2: time '2020-01-02T10:00:00' has no time zone",
        ),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, text: str, timeframe: str, message: str) -> None:
    with pytest.raises(PriceError) as caught:
        read_csv(written(tmp_path, text), timeframe=timeframe)
    assert message in caught.value.message


def test_a_file_that_does_not_say_its_symbol_needs_one(tmp_path: Path) -> None:
    path = written(tmp_path, "date,close\n2020-01-02,1\n", name="my prices.csv")
    with pytest.raises(PriceError, match="does not say its symbol"):
        read_csv(path)
    assert read_csv(path, symbol="spy")[0].symbol == "SPY"
    with pytest.raises(PriceError, match="No such file"):
        read_csv(tmp_path / "none.csv")


def test_the_symbol_of_a_file_is_its_name_less_its_last_ending(tmp_path: Path) -> None:
    path = written(tmp_path, "date,close\n2020-01-02,1\n", name="brk.a.csv")
    assert read_csv(path)[0].symbol == "BRK.A"


def test_times_without_a_zone_are_read_by_the_clock_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "spy.csv"
    # The clocks of New York changed in between; a time that names its zone keeps it.
    path.write_text(
        "time,close\n2024-03-08T09:30:00,1\n2024-03-11T09:30:00,2\n2024-03-12T09:30:00+00:00,3\n"
    )
    (series,) = read_csv(path, timeframe="5m", zone=ZoneInfo("America/New_York"))
    assert [bar.time.isoformat() for bar in series.bars] == [
        "2024-03-08T14:30:00+00:00", "2024-03-11T13:30:00+00:00", "2024-03-12T09:30:00+00:00",
    ]  # fmt: skip
