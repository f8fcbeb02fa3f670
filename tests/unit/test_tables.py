"""Parquet and DuckDB files bring the bars that a CSV file of theirs would."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pandas
import pytest

from runners.prices.series import PriceError
from runners.prices.tables import read_duckdb, read_parquet

DAYS = pandas.date_range("2022-01-03", periods=3, name="Date")


def frame(shift: float = 0.0) -> pandas.DataFrame:
    close = [10.1 + shift, 11.3 + shift, 12.7 + shift]
    prices = dict.fromkeys(("Open", "High", "Low", "Close"), close)
    return pandas.DataFrame(prices | {"Volume": [1, 2, 3]}, DAYS)


def test_a_folder_of_parquet_files_is_a_series_a_file_or_as_folders_name_them(tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "abc.parquet")
    (tmp_path / "symbol=XYZ").mkdir()
    frame(1).to_parquet(tmp_path / "symbol=XYZ" / "part-0.parquet")
    both = read_parquet(tmp_path)
    assert [(one.symbol, [bar.close for bar in one.bars]) for one in both] == [
        ("ABC", [10.1, 11.3, 12.7]),
        ("XYZ", [11.1, 12.3, 13.7]),
    ]
    assert both[0].bars[0].time == dt.datetime(2022, 1, 3, tzinfo=dt.UTC)
    assert both[0].source == "parquet: abc.parquet"


def test_times_of_a_zone_and_columns_of_symbols_are_read_and_put_in_order(tmp_path: Path) -> None:
    times = pandas.date_range("2022-01-03 09:30", periods=3, freq="1min", tz="America/New_York")[::-1]
    pandas.DataFrame({"ts": times, "ticker": ["A", "B", "A"], "close": [3.5, 2.5, 1.5]}).to_parquet(
        tmp_path / "minutes.parquet"
    )
    series = read_parquet(tmp_path / "minutes.parquet", timeframe="1m")
    assert [(one.symbol, [(f"{bar.time:%H:%M}", bar.close) for bar in one.bars]) for one in series] == [
        ("A", [("14:30", 1.5), ("14:32", 3.5)]),
        ("B", [("14:31", 2.5)]),
    ]


def test_a_table_or_query_of_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "bars.duckdb"
    with duckdb.connect(str(path)) as file:
        file.execute(
            "create table daily as select date '2022-01-03' + i::integer as day, 10.25 + i as close"
            " from range(3) as r(i)"
        )
    for query in ("daily", "select day, close from daily order by day desc"):
        (series,) = read_duckdb(path, query, symbol="ABC")
        assert [bar.close for bar in series.bars] == [10.25, 11.25, 12.25]
    with pytest.raises(PriceError, match="weekly"):
        read_duckdb(path, "weekly", symbol="ABC")
    with pytest.raises(PriceError, match="No such file"):
        read_duckdb(tmp_path / "none.duckdb", "daily")
    assert not (tmp_path / "none.duckdb").exists()


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "abc.parquet").write_text("date,close\n")
    with pytest.raises(PriceError, match=r"abc.parquet cannot be read as Parquet"):
        read_parquet(tmp_path)
    (tmp_path / "none").mkdir()
    with pytest.raises(PriceError, match="has no file that ends in"):
        read_parquet(tmp_path / "none")
