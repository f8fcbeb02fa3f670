"""LEAN's data folders: what we write we read back to the bit, and what LEAN wrote we read as LEAN does."""

from __future__ import annotations

import datetime as dt
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runners.engines.lean.data_folder import NEW_YORK, read_series, symbols_in, write_series
from runners.engines.lean.market_hours import write_databases
from runners.prices.factors import adjusted_closes
from runners.prices.series import Bar, Factor, PriceError, PriceSeries, session_time

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "lean" / "data"
needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the folder of LEAN's sample data is not here"
)
DAYS = [dt.date(2024, 1, 2) + dt.timedelta(days=number) for number in range(40)]
WEEKDAYS = [day for day in DAYS if day.weekday() < 5]


def series(bars: list[Bar], timeframe: str = "1d", factors: tuple[Factor, ...] = ()) -> PriceSeries:
    return PriceSeries("ABC", "test", tuple(bars), timeframe, factors=factors)


def written_and_read(folder: Path, one: PriceSeries) -> PriceSeries:
    write_series(folder, one)
    return read_series(folder, one.symbol, one.timeframe)


def same(left: PriceSeries, right: PriceSeries) -> bool:
    bars = [[replace(bar, line=None) for bar in one.bars] for one in (left, right)]
    return bars[0] == bars[1] and sorted(left.factors or (), key=str) == sorted(right.factors or (), key=str)


prices = st.floats(0.01, 5000).map(lambda price: round(price, 4)) | st.floats(0.01, 5000)


@settings(max_examples=60, deadline=None)
@given(
    closes=st.lists(prices, min_size=len(WEEKDAYS), max_size=len(WEEKDAYS)),
    volume=st.floats(0, 1e12),
    events=st.dictionaries(
        st.tuples(st.sampled_from(WEEKDAYS[1:]), st.sampled_from(["split", "dividend"])),
        st.floats(0.01, 10).filter(lambda factor: factor != 1),
        max_size=6,
    ),
)
def test_daily_bars_and_factors_come_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory,
    closes: list[float],
    volume: float,
    events: dict[tuple[dt.date, str], float],
) -> None:
    bars = [
        Bar(session_time(day), close, close, close, close, volume)
        for day, close in zip(WEEKDAYS, closes, strict=True)
    ]
    factors = tuple(Factor(day, kind, factor) for (day, kind), factor in events.items())
    one = series(bars, factors=factors)
    assert same(written_and_read(tmp_path_factory.mktemp("data"), one), one)


@pytest.mark.parametrize("timeframe", ["1h", "1m"])
def test_bars_within_the_day_come_back_on_both_sides_of_a_clock_change(
    tmp_path: Path, timeframe: str
) -> None:
    bars = []
    for day in (dt.date(2024, 3, 8), dt.date(2024, 3, 11), dt.date(2024, 11, 1), dt.date(2024, 11, 4)):
        for hour in (9, 10, 15):
            moment = dt.datetime.combine(day, dt.time(hour), NEW_YORK).astimezone(dt.UTC)
            bars.append(Bar(moment, 10.0, 11.0, 9.5, 10.25, 100.0))
    one = series(bars, timeframe)
    assert same(written_and_read(tmp_path, one), one)


def test_a_split_and_a_dividend_stand_in_the_factor_file_as_lean_has_them(tmp_path: Path) -> None:
    """Two for one on the fourth day, one dollar on the sixth: worked by hand."""
    bars = [Bar(session_time(day), 100.0, 101.0, 99.0, 100.0, 10.0) for day in WEEKDAYS[:8]]
    factors = (Factor(WEEKDAYS[3], "split", 0.5), Factor(WEEKDAYS[5], "dividend", 0.99))
    write_series(tmp_path, series(bars, factors=factors))
    place = tmp_path / "equity" / "usa"
    assert (place / "factor_files" / "abc.csv").read_text().split() == [
        "20240102,0.99,0.5,1",
        "20240104,0.99,0.5,100",
        "20240108,0.99,1,100",
        "20501231,1,1,0",
    ]
    assert (place / "map_files" / "abc.csv").read_text().split() == ["20240102,abc,Q", "20501231,abc,Q"]
    with zipfile.ZipFile(place / "daily" / "abc.zip") as archive:
        first = archive.read("abc.csv").decode().splitlines()[0]
    assert first == "20240102 00:00,1000000,1010000,990000,1000000,10"
    assert symbols_in(tmp_path) == ["ABC"]


def test_bars_of_another_company_are_left_out_and_those_under_an_earlier_ticker_taken(tmp_path: Path) -> None:
    bars = [Bar(session_time(day), 10.0, 10.0, 10.0, 10.0) for day in WEEKDAYS]
    write_series(tmp_path, replace(series(bars), symbol="NEW"))
    write_series(
        tmp_path, replace(series([replace(bar, close=10.0, volume=7.0) for bar in bars]), symbol="OLD")
    )
    (tmp_path / "equity" / "usa" / "map_files" / "new.csv").write_text(
        f"{WEEKDAYS[5]:%Y%m%d},old,Q\n{WEEKDAYS[9]:%Y%m%d},old,Q\n20501231,new,Q"
    )
    found = read_series(tmp_path, "new")
    assert [bar.time.date() for bar in found.bars] == WEEKDAYS[5:]
    assert [bar.volume for bar in found.bars[:6]] == [7.0] * 5 + [0.0]
    assert found.remarks == (f"5 bars before {WEEKDAYS[5]} are another company's: left out",)


@pytest.mark.parametrize(("file", "content", "message"), [
    ("daily/abc.zip", b"no zip", "is no zip file of bars"),
    ("map_files/abc.csv", b"yesterday,abc,Q\n", "does not match format"),
    ("factor_files/abc.csv", b"20240104,x,1,1\n20501231,1,1,0\n", "is no row of a factor file"),
])  # fmt: skip
def test_broken_files_are_refused_by_name(tmp_path: Path, file: str, content: bytes, message: str) -> None:
    write_series(tmp_path, series([Bar(session_time(day), 1.0, 1.0, 1.0, 1.0) for day in WEEKDAYS]))
    (tmp_path / "equity" / "usa" / file).write_bytes(content)
    with pytest.raises(PriceError, match=message) as refused:
        read_series(tmp_path, "abc")
    assert "abc" in refused.value.message


def test_a_symbol_that_is_not_there_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match="has no daily bars of SPY"):
        read_series(tmp_path, "SPY")
    with pytest.raises(PriceError, match="is no ticker"):
        read_series(tmp_path, "../../etc/passwd")


def test_holidays_are_the_weekdays_without_a_bar(tmp_path: Path) -> None:
    write_databases(tmp_path, [day for day in WEEKDAYS if day != dt.date(2024, 1, 15)])
    assert (
        '"holidays": ["1/15/2024"]' in (tmp_path / "market-hours" / "market-hours-database.json").read_text()
    )


@needs_samples
@pytest.mark.parametrize("symbol", ["SPY", "AAPL", "GOOGL", "WM", "AAA"])
def test_leans_own_files_survive_a_round_trip(tmp_path: Path, symbol: str) -> None:
    one = read_series(SAMPLES, symbol)
    assert same(written_and_read(tmp_path, one), one)


@needs_samples
def test_adjusted_prices_agree_with_the_engine_to_the_cent() -> None:
    """LEAN's own daily buy-and-hold algorithm is filled at 143.3724 dollars, the open of 9 October 2013."""
    spy = read_series(SAMPLES, "SPY")
    dates = [bar.time.date() for bar in spy.bars]
    opens = adjusted_closes(dates, [bar.open for bar in spy.bars], spy.factors or ())
    assert opens[dates.index(dt.date(2013, 10, 9))] == pytest.approx(143.3724, abs=5e-5)


@needs_samples
def test_companies_begin_where_their_map_files_say() -> None:
    begins = {
        symbol: read_series(SAMPLES, symbol).bars[0].time.date() for symbol in ("BAC", "FB", "USO", "BNO")
    }
    assert begins == {
        "BAC": dt.date(1998, 10, 1), "FB": dt.date(2012, 5, 18),
        "USO": dt.date(2006, 4, 10), "BNO": dt.date(2010, 6, 2),
    }  # fmt: skip
