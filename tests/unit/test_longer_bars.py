"""Longer bars beside a run's own: worked by hand, and equal to what Backtrader's resampledata gives."""

from __future__ import annotations

import datetime as dt
from array import array
from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.backtrader.feed import ArrayFeed, time_numbers
from runners.engines.backtrader.longer_bars import longer_bars
from runners.engines.base import AdjustedPrices, Point, PointFailure, PointResult
from strategies.base_strategy import BaseStrategy
from strategies.registry import RegisteredStrategy
from strategies.session_days import UTC_DAYS, SessionDay
from tests.unit.price_samples import epoch, real, series_of, settings_for

NEW_YORK = SessionDay("America/New_York")


def days(first: dt.date, closes: list[float], *, without: tuple[int, ...] = ()) -> AdjustedPrices:
    """Bars of Monday to Friday from a first day on, without those of these places."""
    found: list[tuple[dt.date, float, float, float, float, float]] = []
    day = first
    for place, close in enumerate(closes):
        while day.weekday() > 4:
            day += dt.timedelta(days=1)
        if place not in without:
            found.append((day, close, close + 1, close - 1, close, 10.0))
        day += dt.timedelta(days=1)
    return series_of("X", found)


def shown(series: AdjustedPrices) -> list[tuple[str, float, float, float, float, float]]:
    times = [dt.datetime.fromtimestamp(seconds, dt.UTC) for seconds in series.epochs]
    dates = [f"{time:%m-%d %H:%M}".removesuffix(" 00:00") for time in times]
    return list(zip(dates, series.open, series.high, series.low, series.close, series.volume, strict=True))


def test_weeks() -> None:
    """2020-01-06 is a Monday, and without the 17th the second week ends on a Thursday. Each is seen on
    the day after it; of the third, more may come."""
    bars = days(dt.date(2020, 1, 6), [float(n) for n in range(1, 16)], without=(9,))
    assert shown(longer_bars(bars, "1w", UTC_DAYS)) == [("01-13", 1, 6, 0, 5, 50), ("01-20", 6, 10, 5, 9, 40)]


@pytest.mark.parametrize(("timeframe", "seen"), [("1mo", ["02-03", "03-02"]), ("3mo", []), ("12mo", [])])
def test_months(timeframe: str, seen: list[str]) -> None:
    bars = days(dt.date(2020, 1, 1), [5.0] * 45)
    assert [row[0] for row in shown(longer_bars(bars, timeframe, UTC_DAYS))] == seen


def test_hours_and_days_of_the_exchange() -> None:
    """Half hours from 09:30 on in New York, which is 14:30 UTC."""
    opens = epoch(dt.date(2020, 1, 6)) + 14 * 3600 + 1800
    times = [opens + 1800 * n for n in range(5)] + [opens + 86_400 + 1800 * n for n in range(4)]
    closes = array("d", map(float, range(1, 10)))
    ones = array("d", [1.0] * 9)
    bars = AdjustedPrices("X", array("q", times), closes, closes, closes, closes, ones)
    assert shown(longer_bars(bars, "1h", NEW_YORK)) == [
        ("01-06 15:00", 1, 1, 1, 1, 1),
        ("01-06 16:00", 2, 3, 2, 3, 2),
        ("01-07 14:30", 4, 5, 4, 5, 2),
        ("01-07 15:00", 6, 6, 6, 6, 1),
        ("01-07 16:00", 7, 8, 7, 8, 2),
    ]
    assert shown(longer_bars(bars, "1d", NEW_YORK)) == [("01-07 14:30", 1, 5, 1, 5, 5)]


class Watching(bt.Strategy):
    resampled: Any = None

    def __init__(self) -> None:
        self.average = bt.ind.SMA(self.datas[-1].close, period=4)
        self.seen: list[tuple[float, int, float, float]] = []

    def next(self) -> None:
        longer = self.datas[-1]
        self.seen.append((self.data.datetime[0], len(longer), longer.high[0], self.average[0]))
        if self.data.close[0] > self.average[0] and not self.position:
            self.buy(size=10)
        elif self.data.close[0] < self.average[0] and self.position:
            self.close()


def run(
    monkeypatch: pytest.MonkeyPatch, strategy: Any, *series: AdjustedPrices, **config: Any
) -> tuple[PointResult | PointFailure, Any]:
    made: list[Any] = []

    class Kept(strategy):
        def start(self) -> None:
            made.append(self)

    entry = RegisteredStrategy("kept", Kept, __name__, Path(__file__), Path(__file__).parent)
    monkeypatch.setattr("runners.engines.backtrader.engine.resolve", lambda _: entry)
    settings = settings_for("kept", series, **config)
    (found,) = BacktraderEngine().run(settings, series, [Point(1, {})], lambda _: None)
    return found, made[-1] if made else None


@pytest.mark.parametrize("stock", [True, False], ids=["stock", "fast"])
@pytest.mark.parametrize("timeframe", ["1w", "1mo"])
def test_it_is_what_backtrader_makes(monkeypatch: pytest.MonkeyPatch, timeframe: str, stock: bool) -> None:
    series = real("AAPL", 700)
    found, strategy = run(monkeypatch, Watching, series, stock=stock, resample=[timeframe])
    assert isinstance(found, PointResult), found
    metrics: Any = found.metrics
    assert metrics["engine_metrics"]["loop"] == ("stock" if stock else "fast")
    assert found.metrics["bars"] == 700
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.set_cash(100_000)
    feed = ArrayFeed(series=series, numbers=time_numbers(series.epochs))
    cerebro.adddata(feed)
    cerebro.resampledata(feed, timeframe=bt.TimeFrame.Weeks if timeframe == "1w" else bt.TimeFrame.Months)
    cerebro.addstrategy(Watching)
    (plain,) = cerebro.run()
    # At the end it calls once more, with what there is of the last bar.
    assert plain.seen[:-1] == strategy.seen
    assert len(strategy.seen) > 500
    assert metrics["total_orders"] > 4


@pytest.mark.parametrize("stock", [True, False], ids=["stock", "fast"])
def test_the_desks_own_class_trades_its_symbols_and_looks_at_the_others(
    monkeypatch: pytest.MonkeyPatch, stock: bool
) -> None:
    class Looks(BaseStrategy):
        def __init__(self) -> None:
            self.weeks = {data: self.longer("1w", data) for data in self.traded_feeds}
            self.asked: set[str] = set()

        def on_bar(self, data: Any) -> None:
            self.asked.add(f"{data._name} {self.weeks[data]._name}")
            self.size = self.calculate_position_size(data.close[0], data=data)

    series = (real("AAPL", 60), real("IBM", 60))
    found, strategy = run(monkeypatch, Looks, *series, stock=stock, resample=["1w", "1mo"])
    assert isinstance(found, PointResult), found
    assert [data._name for data in strategy.datas] == [
        "AAPL", "IBM", "AAPL 1w", "IBM 1w", "AAPL 1mo", "IBM 1mo"
    ]  # fmt: skip
    assert strategy.asked == {"AAPL AAPL 1w", "IBM IBM 1w"}
    assert strategy.size == int(100_000 * 0.95 / 2 / series[1].close[-1])
    with pytest.raises(KeyError, match=r"no bars of AAPL 1d; it has \['AAPL 1w', 'AAPL 1mo'\]"):
        strategy.longer("1d")


def test_an_order_on_longer_bars_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Orders(bt.Strategy):
        def next(self) -> None:
            self.buy(self.datas[-1])

    found, _ = run(monkeypatch, Orders, real("AAPL", 60), resample=["1w"])
    assert isinstance(found, PointFailure)
    assert "send it on AAPL, which trades" in found.error


def test_the_warm_up_goes_by_the_runs_own_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    series = real("AAPL", 300)
    since = dt.datetime.fromtimestamp(series.epochs[200], dt.UTC).date()
    found, strategy = run(
        monkeypatch, Watching, series, resample=["1w"], warm_up_bars=200, start_date=since.isoformat()
    )
    assert isinstance(found, PointResult), found
    assert strategy.seen[0][0] == time_numbers(series.epochs)[200]
    assert strategy.seen[0][1] > 35
    assert len(found.sessions) == 100
