"""Yahoo's answers, made here in the shape that its chart API has, read through yfinance itself.

No test contacts Yahoo: whatever yfinance would fetch is answered by `Answers`, and anything else is an error.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yfinance
from yfinance.data import YfData

from runners.prices.adjusted import adjusted
from runners.prices.series import PriceError
from runners.prices.yahoo import read_yahoo

NEW_YORK = ZoneInfo("America/New_York")


def chart(times: list[dt.datetime], closes: list[float | None], **events: Any) -> dict[str, Any]:
    """An answer of the chart API; a bar opens at its close and spans a unit around it."""
    stamps = [int(time.timestamp()) for time in times]
    quote = {
        "open": closes,
        "close": closes,
        "high": [close and close + 1 for close in closes],
        "low": [close and close - 1 for close in closes],
        "volume": [None if close is None else 1000 for close in closes],
    }
    session = {"timezone": "EST", "gmtoffset": -18000, "start": stamps[0], "end": stamps[0] + 23_400}
    meta = {
        "currency": "USD", "symbol": "TEST", "exchangeName": "NYQ", "instrumentType": "EQUITY",
        "exchangeTimezoneName": "America/New_York", "timezone": "EST", "gmtoffset": -18000, "priceHint": 2,
        "regularMarketPrice": 1.0, "regularMarketTime": stamps[-1], "dataGranularity": "1d", "range": "",
        "validRanges": ["1d", "max"], "firstTradeDate": stamps[0],
        "tradingPeriods": [[session]],
    }  # fmt: skip
    indicators = {"quote": [quote], "adjclose": [{"adjclose": closes}]}
    result = {"meta": meta, "timestamp": stamps, "events": events, "indicators": indicators}
    return {"chart": {"result": [result], "error": None}}


class Answer:
    status_code = 200
    url = "https://query2.finance.yahoo.com/v8/finance/chart/TEST"

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.text = json.dumps(document)

    def json(self) -> dict[str, Any]:
        return self.document


class Answers:
    """Stands where yfinance fetches; `asked` are the questions."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {}
        self.asked: list[dict[str, Any]] = []

    def get(self, url: str, params: dict[str, Any] | None = None, timeout: float = 30) -> Answer:
        assert "/v8/finance/chart/" in url, url
        self.asked.append(dict(params or {}))
        return Answer(self.document)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Answers:
    recorded = Answers()
    yfinance.set_tz_cache_location(str(tmp_path))
    for method in ("get", "cache_get"):
        monkeypatch.setattr(YfData, method, staticmethod(recorded.get))
    return recorded


def mornings(*days: str) -> list[dt.datetime]:
    return [dt.datetime.fromisoformat(f"{day}T09:30").replace(tzinfo=NEW_YORK) for day in days]


def test_daily_bars_stand_at_their_session_and_dividends_are_factors(answers: Answers) -> None:
    times = mornings("2024-03-07", "2024-03-08", "2024-03-11")
    ex = int(times[1].timestamp())
    answers.document = chart(times, [100.0, 99.0, 101.0], dividends={str(ex): {"amount": 2.0, "date": ex}})
    series = read_yahoo("test", start=dt.date(2024, 3, 7), end=dt.date(2024, 3, 11))
    assert (series.symbol, series.source, series.timeframe) == ("TEST", "yahoo", "1d")
    # The clocks changed in between.
    assert [bar.time.isoformat() for bar in series.bars] == [
        "2024-03-07T00:00:00+00:00", "2024-03-08T00:00:00+00:00", "2024-03-11T00:00:00+00:00",
    ]  # fmt: skip
    first = series.bars[0]
    assert (first.open, first.high, first.low, first.close, first.volume) == (
        100.0, 101.0, 99.0, 100.0, 1000.0,
    )  # fmt: skip
    (factor,) = series.factors or ()
    assert (factor.effective_date, factor.kind) == (dt.date(2024, 3, 8), "dividend")
    # 2 of a close of 100 before.
    assert factor.factor == pytest.approx(0.98)
    assert list(adjusted(series).close) == pytest.approx([98.0, 99.0, 101.0])
    # Yahoo leaves the last day out, so it was asked for one more.
    last = max(int(question.get("period2", 0)) for question in answers.asked)
    assert dt.datetime.fromtimestamp(last, NEW_YORK).date() == dt.date(2024, 3, 12)


def test_rows_without_a_price_are_left_out_and_told(answers: Answers) -> None:
    answers.document = chart(mornings("2024-03-07", "2024-03-08", "2024-03-11"), [100.0, None, 101.0])
    series = read_yahoo("TEST", start=dt.date(2024, 3, 7), end=dt.date(2024, 3, 11))
    assert [bar.time.day for bar in series.bars] == [7, 11]


def test_bars_within_the_day_keep_their_time_and_leave_factors_alone(answers: Answers) -> None:
    first = dt.datetime(2024, 3, 8, 9, 30, tzinfo=NEW_YORK)
    answers.document = chart(
        [first + dt.timedelta(minutes=5 * place) for place in range(3)], [100.0, 101.0, 99.0]
    )
    series = read_yahoo("TEST", start=dt.date(2024, 3, 8), end=dt.date(2024, 3, 8), timeframe="5m")
    assert [bar.time.isoformat() for bar in series.bars][:2] == [
        "2024-03-08T14:30:00+00:00", "2024-03-08T14:35:00+00:00",
    ]  # fmt: skip
    assert series.factors is None


def test_an_unknown_symbol_is_told(answers: Answers) -> None:
    answers.document = {
        "chart": {"result": None, "error": {"code": "Not Found", "description": "No data found"}}
    }
    with pytest.raises(PriceError, match="Yahoo gave no prices of NOPE"):
        read_yahoo("NOPE")


def test_a_bar_that_yahoo_does_not_have_is_refused_unasked(answers: Answers) -> None:
    with pytest.raises(PriceError, match="Yahoo has no bars of 7m"):
        read_yahoo("TEST", timeframe="7m")
    assert answers.asked == []
