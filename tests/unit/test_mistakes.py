"""What a strategy's error says besides Python's own words: the bar, the symbol, and what was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import Point, PointFailure
from strategies.base_strategy import BaseStrategy
from strategies.registry import RegisteredStrategy
from tests.unit.price_samples import by_hand, settings_for


class Stock(bt.Strategy):
    params = (("period", 20),)
    mistake: Any
    nothing: Any = None

    def __init__(self) -> None:
        self.average = bt.ind.SMA(self.data, period=3)

    def next(self) -> None:
        if len(self) == 5:
            type(self).mistake(self, self.datas[-1])


class Ours(BaseStrategy):
    parameters = ()
    params = (("period", 20),)
    mistake: Any
    nothing: Any = None

    def on_bar(self, data: Any) -> None:
        if len(data) == 5:
            type(self).mistake(self, data)


def divided(_: Any, data: Any) -> None:
    1 / (data.close[0] - data.close[0])


@pytest.fixture(params=["stock", "fast"])
def said(request: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    def first_line(mistake: Any, base: Any = Stock, symbols: int = 1, **more: Any) -> str:
        kind: Any = type("Made", (base,), {"mistake": staticmethod(mistake), **more})
        here = Path(__file__)
        entry = RegisteredStrategy("made", kind, __name__, here, here.parent)
        monkeypatch.setattr("runners.engines.backtrader.engine.resolve", lambda _: entry)
        series = [by_hand([float(n) for n in range(1, 9)], symbol=f"S{n}") for n in range(symbols)]
        settings = settings_for("made", series, stock=request.param == "stock")
        (found,) = BacktraderEngine().run(settings, series, [Point(1, {})], lambda _: None)
        assert isinstance(found, PointFailure), found
        return found.error.partition("\n")[0]

    return first_line


AT = "(bar 5 of 8, 2020-01-05, S0)"


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda s, _: s.p.perod, "AttributeError: self.p has no 'perod'; did you mean 'period'?"),
        (lambda s, _: s.params.zzz, "AttributeError: self.p has no 'zzz'; it has period"),
        (lambda _, d: d.clse[0], "AttributeError: the feed S0 has no 'clse'; did you mean 'close'?"),
        (lambda s, _: s.averge, "AttributeError: the strategy has no 'averge'; did you mean 'average'?"),
        (lambda s, _: s.average.smaa, "AttributeError: the indicator SMA has no 'smaa'; did you mean 'sma'?"),
        (lambda s, _: s.nothing.close, "AttributeError: 'NoneType' object has no attribute 'close'"),
        (lambda s, _: vars()["x"], "KeyError: 'x'"),
        (divided, "ZeroDivisionError: float division by zero"),
    ],
)
def test_the_error_says_what_was_meant_and_where(said: Any, mistake: Any, words: str) -> None:
    assert said(mistake) == f"{words} {AT}"


def test_of_several_symbols_it_is_the_one_in_hand(said: Any) -> None:
    assert (
        said(divided, symbols=2) == "ZeroDivisionError: float division by zero (bar 5 of 8, 2020-01-05, S1)"
    )
    assert said(divided, Ours, symbols=3).endswith("(bar 5 of 8, 2020-01-05, S0)")
    assert said(lambda s, _: [][1:][s.p.period], symbols=5).endswith("2020-01-05, S4)")


def test_before_the_first_bar_there_is_none(said: Any) -> None:
    def fails(self: Any) -> None:
        self.wanted = self.p.perod

    assert said(None, __init__=fails) == "AttributeError: self.p has no 'perod'; did you mean 'period'?"


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda s: s.env.resampledata(s.data, timeframe=bt.TimeFrame.Weeks), "cerebro.resampledata()"),
        (lambda s: s.env.replaydata(s.data, timeframe=bt.TimeFrame.Weeks), "cerebro.replaydata()"),
        (lambda s: s.env.adddata(s.data), "cerebro.adddata()"),
        (lambda s: s.data.resample(timeframe=bt.TimeFrame.Weeks), "a filter, resample() or replay()"),
        (lambda s: s.data.addfilter_simple(print), "a filter, resample() or replay()"),
    ],
)
def test_a_feed_that_comes_too_late_is_refused_with_what_to_write(said: Any, call: Any, named: str) -> None:
    line = said(None, __init__=call)
    assert f"LateFeedError: {named}" in line
    assert "write resample: [1w] in the config" in line
