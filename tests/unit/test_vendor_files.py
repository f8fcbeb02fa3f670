"""Files as their sources write them are read to the same bars, and each says what it was taken for.

The files are made here from one series of bars, in the shape that the source is known for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from runners.prices.bars import Bar
from runners.prices.csv_files import read_csv
from runners.prices.csv_series import Dialect
from runners.prices.series import PriceError, session_time

NEW_YORK = ZoneInfo("America/New_York")
# Day, open, high, low, close, volume; the 13th and 14th tell a day from a month.
DAYS = [
    (dt.date(2022, 1, day), 100.0 + day, 103.5 + day, 99.25 + day, 101.5 + day, 1_250_000.0 + day * 10_000)
    for day in (3, 4, 5, 13, 14)
]
MINUTES = [
    (dt.datetime(2022, 1, 3, 9, 30 + minute), 77.7, 77.75, 77.5, 77.6, 10.0 + minute) for minute in range(5)
]
Row = tuple[dt.date, float, float, float, float, float]


def lines(
    head: Iterable[str], rows: Iterable[Row], row: Callable[..., str], *, newest_first: bool = False
) -> str:
    made = [row(*one) for one in rows]
    return "\n".join([*head, *(reversed(made) if newest_first else made)]) + "\n"


def german(number: float) -> str:
    return f"{number:,.2f}".translate(str.maketrans(",.", ".,"))


def indian(number: float) -> str:
    whole = f"{number:.0f}"
    return f"{whole[:-5]},{whole[-5:-3]},{whole[-3:]}" if len(whole) > 5 else whole


def plain(when: object, *numbers: float) -> str:
    return ",".join([str(when), *(f"{number:.2f}" for number in numbers)])


DAILY = {
    "yfinance": (
        lines(
            ["Price,Close,High,Low,Open,Volume", "Ticker,ABC,ABC,ABC,ABC,ABC", "Date,,,,,"], DAYS,
            lambda d, o, h, low, c, v: plain(d, c, h, low, o, v),
        ),
        "read as yfinance, prices in columns of ABC",
    ),
    "pandas": (
        lines([",Open,High,Low,Close,Volume"], DAYS, plain),
        "read as pandas, the date in its unnamed index",
    ),
    "Stooq": (
        lines(
            ["<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"], DAYS,
            lambda d, *n: f"ABC,D,{d:%Y%m%d},000000,{plain(*n)},0",
        ),
        "read as Stooq",
    ),
    "MetaTrader 5": (
        lines(
            ["<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"], DAYS,
            lambda d, o, h, low, c, v: f"{d:%Y.%m.%d}\t{o:.3f}\t{h:.3f}\t{low:.3f}\t{c:.3f}\t5\t{v:.0f}\t1",
        ),
        "read as MetaTrader",
    ),
    "Alpha Vantage": (
        lines(
            ["timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient"], DAYS,
            lambda d, o, h, low, c, v: f"{plain(d, o, h, low, c, c, v)},0.0000,1.0", newest_first=True,
        ),
        "read as Alpha Vantage",
    ),
    "NSE": (
        lines(
            ['"Date ","series ","OPEN ","HIGH ","LOW ","PREV. CLOSE ","ltp ","close ","vwap ","VOLUME "'],
            DAYS,
            lambda d, o, h, low, c, v: (
                f'{d:%d-%b-%Y},EQ,"{o:,.2f}","{h}","{low}","1","2","{c}","3","{indian(v)}"'
            ),
            newest_first=True,
        ),
        "read as NSE",
    ),
    "nasdaq.com": (
        lines(
            ["Date,Close/Last,Volume,Open,High,Low"], DAYS,
            lambda d, o, h, low, c, v: (
                f"{d:%m/%d/%Y},${c:.2f},{v:.0f},${o:.2f},${h:.2f},${low:.2f}"
            ),
            newest_first=True,
        ),
        "read as nasdaq.com",
    ),
    "investing.com": (
        lines(
            ['"Date","Price","Open","High","Low","Vol.","Change %"'], DAYS,
            lambda d, o, h, low, c, v: f'"{d:%m/%d/%Y}","{c}","{o}","{h}","{low}","{v / 1e6:.2f}M","-1.25%"',
        ),
        "read as investing.com",
    ),
    "Kaggle": (
        lines(["date,open,high,low,close,volume,Name"], DAYS, lambda *n: f"{plain(*n)},ABC"),
        "read as Kaggle's S&P 500",
    ),
    "Interactive Brokers": (
        lines(["date,open,high,low,close,volume,average,barCount"], DAYS, lambda *n: f"{plain(*n)},1.5,-1"),
        "read as Interactive Brokers",
    ),
    "milliseconds": (
        lines(
            ["timestamp,open,high,low,close,volume"], DAYS,
            lambda d, *n: plain(int(session_time(d).timestamp() * 1000), *n),
        ),
        "times are milliseconds since 1970, UTC",
    ),
    "Binance": (
        lines(
            [], DAYS,
            lambda d, *n: (
                f"{session_time(d).timestamp() * 1e6:.0f},{plain(*n)},"
                f"{session_time(d).timestamp() * 1e6 + 5:.0f},1,2,3,4,0"
            ),
        ),
        "read as Binance, no header: date, open, high, low, close, volume",
    ),
    "CryptoDataDownload": (
        lines(
            ["https://www.example.org", "unix,date,symbol,open,high,low,close,volume"], DAYS,
            lambda d, *n: f"1,{d} 00:00:00,ABC,{plain(*n)}", newest_first=True,
        ),
        "1 line above the header left out: https://www.example.org",
    ),
    "no header": (
        lines([], DAYS, lambda d, *n: plain(f"{d:%m/%d/%Y}", *n)),
        "no header: date, open, high, low, close, volume",
    ),
    "Excel": (
        lines(
            ["sep=;\r", "Date;Open;High;Low;Close;Volume\r"], DAYS,
            lambda *n: plain(*n).replace(",", ";") + "\r",
        ),
        None,
    ),
    "German": (
        lines(
            ["Datum;Eröffnung;Hoch;Tief;Schluss;Volumen"], DAYS,
            lambda d, *n: ";".join([f"{d:%d.%m.%Y}", *map(german, n)]),
        ),
        None,
    ),
    "two-digit years": (
        lines(["Date,Open,High,Low,Close,Volume"], DAYS, lambda d, *n: plain(f"{d:%d-%b-%y}", *n)),
        None,
    ),
    "Polygon": (
        lines(
            ["ticker,volume,open,close,high,low,window_start,transactions"], DAYS,
            lambda d, o, h, low, c, v: (
                f"ABC,{v},{o},{c},{h},{low},{session_time(d).timestamp():.0f}000000000,9"
            ),
        ),
        "read as Polygon",
    ),
    "Databento": (
        lines(
            ["ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol"], DAYS,
            lambda d, *n: f"{d}T00:00:00.000000000Z,35,1,5482,{plain('', *n)[1:]},ABC",
        ),
        "read as Databento",
    ),
    "Tiingo": (
        lines(
            ["date,close,high,low,open,volume,adjClose,divCash,splitFactor"], DAYS,
            lambda d, o, h, low, c, v: f"{d}T00:00:00.000Z,{c},{h},{low},{o},{v},{c},0.0,1.0",
        ),
        "read as Tiingo",
    ),
    "words": (
        lines(
            ["Date,Open,High,Low,Close,Volume"], DAYS,
            lambda d, *n: f'"{d:%b %d, %Y}",' + plain("", *n)[1:],
        ),
        None,
    ),
}  # fmt: skip


def read(tmp_path: Path, text: str | bytes, timeframe: str = "1d", **dialect: object) -> list[Bar]:
    path = tmp_path / "abc.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (series,) = read_csv(
        path,
        timeframe=timeframe,
        zone=NEW_YORK,
        dialect=Dialect(**dialect),  # type: ignore[arg-type]
    )
    assert series.symbol == "ABC"
    return list(series.bars)


def values(bars: Iterable[Bar]) -> list[tuple[object, ...]]:
    return [(bar.time, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]


EXPECTED = [(session_time(day), *numbers) for day, *numbers in DAYS]


@pytest.mark.parametrize("source", DAILY)
def test_daily_files_of_many_sources_are_the_same_bars(tmp_path: Path, source: str) -> None:
    text, said = DAILY[source]
    assert values(read(tmp_path, text)) == EXPECTED
    (series,) = read_csv(tmp_path / "abc.csv")
    assert said is None or said in series.remarks


@pytest.mark.parametrize(
    ("encoding", "mark", "said"),
    [
        ("utf-16-le", b"\xff\xfe", "read as UTF-16-LE"),
        ("utf-16-be", b"", "read as UTF-16-BE"),
        ("cp1252", b"", "read as Windows-1252, since it is no UTF-8"),
    ],
)
def test_an_encoding_is_told_by_its_bytes(tmp_path: Path, encoding: str, mark: bytes, said: str) -> None:
    assert values(read(tmp_path, mark + DAILY["German"][0].encode(encoding))) == EXPECTED
    assert said in read_csv(tmp_path / "abc.csv")[0].remarks


@pytest.mark.parametrize(
    ("head", "row"),
    [
        (["Date,Time,Open,High,Low,Close,Volume"], "{0:%Y-%m-%d},{0:%H:%M:%S},{1}"),
        (["<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>"], "{0:%Y%m%d},{0:%H%M%S},{1}"),
        (["<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>"], "{0:%Y%m%d},{2},{1}"),
        ([], "{0:%Y.%m.%d},{0:%H:%M},{1}"),
        (["date,open,high,low,close,volume"], "{0:%Y%m%d  %H:%M:%S},{1}"),
        (["date,open,high,low,close,volume"], "{0:%Y%m%d %H:%M:%S} US/Eastern,{1}"),
        (["Date,Open,High,Low,Close,Volume"], "{0:%Y-%m-%d %H:%M:%S}-05:00,{1}"),
        (["Local time,Open,High,Low,Close,Volume"], "{0:%Y-%m-%d %I:%M:%S %p},{1}"),
        (["timestamp,open,high,low,close,volume"], "{3},{1}"),
    ],
    ids=[
        "two columns",
        "brackets",
        "DTYYYYMMDD",
        "MetaTrader 4",
        "IB",
        "IB with a zone",
        "offsets",
        "AM",
        "seconds",
    ],
)
def test_minutes_are_read_by_their_clock(tmp_path: Path, head: list[str], row: str) -> None:
    text = lines(
        head, MINUTES,
        lambda when, *n: row.format(
            when, ",".join(map(str, n)), int(f"{when:%H%M%S}"), int(when.replace(tzinfo=NEW_YORK).timestamp())
        ),
    )  # fmt: skip
    assert values(read(tmp_path, text, "1m")) == [
        (when.replace(tzinfo=NEW_YORK).astimezone(dt.UTC), *numbers) for when, *numbers in MINUTES
    ]


def test_one_table_of_several_symbols_is_several_series(tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    path.write_text(
        "Price,Close,Close,Open,Open,High,High,Low,Low\nTicker,ABC,NEW,ABC,NEW,ABC,NEW,ABC,NEW\nDate,,,,,,,,\n"
        "2022-01-03,1,,1,,1,,1,\n2022-01-04,2,20,2,20,2,20,2,20\n"
    )
    both = read_csv(path)
    assert [(one.symbol, [(bar.close, bar.line) for bar in one.bars]) for one in both] == [
        ("ABC", [(1, 4), (2, 5)]),
        ("NEW", [(20, 5)]),
    ]
    assert [one.symbol for one in read_csv(path, symbol="new")] == ["NEW"]


def test_what_a_file_does_not_tell_is_asked(tmp_path: Path) -> None:
    days = "date,close\n01/02/2022,1\n03/02/2022,2\n"
    with pytest.raises(
        PriceError, match=r"abc.csv:2: '01/02/2022' may be 2022-02-01 or 2022-01-02"
    ) as caught:
        read(tmp_path, days)
    assert caught.value.hint == "--date-format %d/%m/%Y or --date-format %m/%d/%Y"
    assert [bar.time.day for bar in read(tmp_path, days, date_format="%m/%d/%Y")] == [2, 2]
    numbers = "date;close\n2022-01-03;13.250\n2022-01-04;13.500\n"
    with pytest.raises(PriceError, match=r"abc.csv:2: '13.250' may be 13.25 or 13250") as caught:
        read(tmp_path, numbers)
    assert [bar.close for bar in read(tmp_path, numbers, decimal=".")] == [13.25, 13.5]
    assert [bar.close for bar in read(tmp_path, numbers, thousands=".")] == [13250, 13500]
    # One number that can be read in one way only speaks for all.
    assert [bar.close for bar in read(tmp_path, numbers + "2022-01-05;9,5\n")] == [13250, 13500, 9.5]


def test_columns_are_told_by_word_number_or_order(tmp_path: Path) -> None:
    text = "Tag,Art,Kurs\n2022-01-03,x,7\n"
    with pytest.raises(
        PriceError, match=r"abc.csv:1: no column for time, close in the header: Tag, Art, Kurs"
    ):
        read(tmp_path, text)
    for columns in ("time=Tag,close=Kurs", "time=1,close=3", "date,-,close"):
        assert [bar.close for bar in read(tmp_path, text, columns=columns)] == [7]
    with pytest.raises(PriceError, match="has no column Preis"):
        read(tmp_path, text, columns="time=Tag,close=Preis")
    with pytest.raises(PriceError, match="nothing is called cost"):
        read(tmp_path, text, columns="time=Tag,close=Kurs,cost=2")
    with pytest.raises(PriceError, match="two columns are called close"):
        read(tmp_path, "date,close,close\n2022-01-03,1,2\n")


def test_bad_rows_are_left_out_only_when_one_says_so_and_then_they_are_listed(tmp_path: Path) -> None:
    text = "date,open,high,low,close\n2022-01-03,null,1,1,1\n2022-01-04,1,2,1,1\n2022-01-05,1,0.5,1,1\n"
    text += "Total: 3\n"
    with pytest.raises(PriceError, match=r"abc.csv:2: open is 'null'"):
        read(tmp_path, text)
    assert [bar.line for bar in read(tmp_path, text, skip_bad_rows=True)] == [3]
    (series,) = read_csv(tmp_path / "abc.csv", dialect=Dialect(skip_bad_rows=True))
    assert series.remarks == (
        "3 bad rows left out:",
        "line 2 left out: open is 'null'",
        "line 4 left out: high is not the highest price",
        "line 5 left out: time is 'Total: 3', which is no date or time that is known here",
    )


def test_lines_are_counted_through_cells_of_several_lines_and_empty_ones(tmp_path: Path) -> None:
    text = 'date,close,note\n2022-01-03,1,"two\nlines"\n,,\n\n2022-01-04,x,\n'
    with pytest.raises(PriceError, match=r"abc.csv:6: close is 'x'"):
        read(tmp_path, text)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    for data in (b"PK\x03\x04\x00\x01", b"date,close\n2022-01-03,1\x00\n"):
        with pytest.raises(PriceError, match="is not a CSV file"):
            read(tmp_path, data)
    with pytest.raises(PriceError, match="there is no encoding 'latin9x'"):
        read(tmp_path, "date,close\n2022-01-03,1\n", encoding="latin9x")
