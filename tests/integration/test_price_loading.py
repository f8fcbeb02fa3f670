"""Series reach the database once, in versions, and a refusal names the line of the file."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from runners.prices.bars import Bar, Bars
from runners.prices.csv_files import read_csv
from runners.prices.factors import adjusted_closes, reconstructed
from runners.prices.load import load
from runners.prices.sample import read_sample
from runners.prices.series import PriceError, PriceSeries, session_time
from runners.prices.tables import read_postgresql
from testing.desks import Desk

BAR = Bar(session_time(dt.date(2022, 1, 3)), 1.5, 2.5, 1.25, 2.0, 7.0)


def test_the_sample_loads_once(desk: Desk) -> None:
    sample = read_sample().series
    with desk.connect("director") as director:
        first = [load(director, series) for series in sample]
        second = [load(director, series) for series in sample]
    assert {one.status for one in first} == {"loaded"}
    assert [one.new_bars for one in first] == [len(series.bars) for series in sample]
    assert {(one.status, one.new_bars, one.changed_bars, one.version) for one in second} == {
        ("unchanged", 0, 0, 1)
    }
    (apple,) = [one for one in first if one.series.symbol == "AAPL"]
    assert [(gap.last_before.date().isoformat(), gap.days) for gap in apple.gaps] == [
        ("2001-09-10", 7.0),
        ("2006-12-29", 5.0),
        ("2012-10-26", 5.0),
    ]


def test_adjusted_closes_in_the_database_are_those_of_the_factors(desk: Desk) -> None:
    spec = importlib.util.find_spec("bokeh_sampledata")
    assert spec is not None
    assert spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0]) / "_data" / "stocks.csv.gz"
    with gzip.open(path, "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["Ticker"] == "IBM"]
    dates = [dt.date.fromisoformat(row["Date"]) for row in rows]
    close = [float(row["Close"]) for row in rows]
    factors = reconstructed("IBM", dates, close, [float(row["Adj Close"]) for row in rows])
    with desk.connect("viewer") as viewer:
        ours = viewer.execute(
            "select b.bar_time, b.close from desk.instruments as i,"
            " desk.latest_price_version(i.id, '1d') as v,"
            " desk.adjusted_bars(i.id, '1d', v.version, v.factors_version) as b"
            " where i.symbol = 'IBM'"
        ).fetchall()
    assert [time.astimezone(dt.UTC).date() for time, _ in ours] == dates
    assert [close for _, close in ours] == adjusted_closes(dates, close, factors)


def test_a_changed_bar_makes_a_version_and_leaves_the_old_one(desk: Desk) -> None:
    (series,) = [one for one in read_sample().series if one.symbol == "GOOG"]
    last = series.bars[-1]
    changed = replace(series, bars=(*series.bars[:-1], replace(last, volume=last.volume + 1)))
    with desk.connect("director") as director:
        load(director, series)
        second = load(director, changed)
        back = load(director, series)
        assert (second.status, second.version, second.new_bars, second.changed_bars) == ("loaded", 2, 0, 1)
        assert (back.status, back.version, back.changed_bars) == ("loaded", 3, 1)
        hashes = director.execute(
            "select v.content_hash from desk.price_versions as v"
            " join desk.instruments as i on i.id = v.instrument_id"
            " where i.symbol = 'GOOG' order by v.version"
        ).fetchall()
        assert hashes[0] == hashes[2] != hashes[1]
        rows = director.execute(
            "select count(*) from desk.bars as b join desk.instruments as i on i.id = b.instrument_id"
            " where i.symbol = 'GOOG'"
        ).fetchone()
    assert rows == (len(series.bars) + 2,)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2020-01-03,11,10,12,11,0", "abc.csv:3: ABC, 2020-01-03: high 10 is below low 12"),
        ("2020-01-02,11,12,10,11,0", "abc.csv:3: ABC, 2020-01-02: comes twice"),
        (
            "2020-01-03,nan,12,10,11,0",
            "abc.csv:3: ABC, 2020-01-03: open is NaN, prices must be positive numbers",
        ),
        (
            "2020-01-03,11,12,-1,11,0",
            "abc.csv:3: ABC, 2020-01-03: low is -1, prices must be positive numbers",
        ),
    ],
)
def test_a_refusal_names_the_line(desk: Desk, tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "abc.csv"
    path.write_text(
        f"date,open,high,low,close,volume\n2020-01-02,10,12,9,11,100\n{line}\n2020-01-06,1,1,1,1,0\n"
    )
    (series,) = read_csv(path)
    with desk.connect("director") as director:
        with pytest.raises(PriceError) as caught:
            load(director, series)
        found = director.execute("select 1 from desk.instruments where symbol = 'ABC'").fetchone()
    assert message in caught.value.message
    assert found is None, "a refused series leaves nothing"


def test_only_the_director_and_his_runners_load(desk: Desk) -> None:
    """A runner loads for jobs of kind load_prices; nobody else may."""
    series = read_sample().series[0]
    for role in ("viewer", "importer", "dbt"):
        with desk.connect(role) as connection, pytest.raises(Exception, match="permission denied"):
            load(connection, series)


def test_a_table_of_any_postgresql_is_loaded(desk: Desk) -> None:
    """The desk's own server stands for the other: its views have the columns of a table of bars."""
    with desk.connect("director") as director:
        load(director, PriceSeries("TAB", "made", (BAR,)))
    query = (
        "select i.symbol, b.* from desk.instruments as i, desk.series_bars(i.id, '1d', 1) as b"
        " where i.symbol = 'TAB';"
    )
    (series,) = read_postgresql(desk.conninfo("viewer"), query)
    assert series.symbol == "TAB"
    assert series.bars == (replace(BAR, line=2),)
    with pytest.raises(PriceError, match=r'relation "no.such" does not exist'):
        read_postgresql(desk.conninfo("viewer"), "no.such")


def test_many_bars_are_the_same_bits_when_they_are_read_again(desk: Desk) -> None:
    with desk.connect("director") as director:
        one = load(director, PriceSeries("MANY", "made", Bars.of(read_sample().series[0].bars)))
        found = director.execute(
            "select extract(epoch from b.bar_time)::bigint, b.open, b.high, b.low, b.close, b.volume"
            " from desk.instruments as i, desk.series_bars(i.id, '1d', 1) as b where i.symbol = 'MANY'"
        ).fetchall()
    assert one.new_bars == len(found)
    assert found == [
        (int(bar.time.timestamp()), bar.open, bar.high, bar.low, bar.close, bar.volume)
        for bar in read_sample().series[0].bars
    ]
