"""Signals of the library's strategies, worked by hand; what BaseStrategy promises."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import backtrader as bt
import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.backtrader.feed import ArrayFeed, time_numbers
from runners.engines.base import AdjustedPrices, ClosedTrade, Point, PointResult
from strategies.base_strategy import LOG_LIMIT, BaseStrategy
from strategies.parameters import Parameter, ParameterError, convert_all
from tests.unit.price_samples import FIRST_DAY, by_hand, settings_for


def trades(strategy: str, parameters: Mapping[str, object], *series: AdjustedPrices) -> list[ClosedTrade]:
    settings = settings_for(strategy, series)
    (outcome,) = BacktraderEngine().run(settings, series, [Point(1, parameters)], lambda _: None)
    assert isinstance(outcome, PointResult), outcome
    return outcome.trades


def bar(when: dt.datetime) -> int:
    return (when.date() - FIRST_DAY).days


def played(strategy: Any, *series: AdjustedPrices, **parameters: object) -> Any:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(1000.0)
    for one in series:
        cerebro.adddata(ArrayFeed(series=one, numbers=time_numbers(one.epochs)), name=one.symbol)
    cerebro.addstrategy(strategy, **parameters)
    return cerebro.run()[0]


def test_rsi_buys_the_open_after_an_oversold_close() -> None:
    # Changes +1 -1 -1 +1 +2 0. Wilder with period 2: average gain .5 .25 .625 1.3125, loss .5 .75 .375 .1875,
    # so the index at bars 2 to 5 is 50, 25, 62.5, 87.5. Below 30 at bar 3, above 60 at bar 4.
    series = by_hand([10, 11, 10, 9, 10, 12, 12], opens=[10, 11, 10, 9, 9.5, 11, 12])
    (trade,) = trades(
        "rsi_mean_reversion",
        {"rsi_period": 2, "entry_threshold": 30, "exit_threshold": 60, "position_share": 0.9},
        series,
    )
    assert (bar(trade.entry_time), trade.entry_price) == (4, 9.5)
    assert (bar(trade.exit_time), trade.exit_price) == (5, 11.0)
    # 90 % of 100,000 at the signal's close of 9.
    assert trade.size == 10_000


def test_rsi_does_not_divide_by_zero_where_prices_only_rise() -> None:
    assert trades("rsi_mean_reversion", {"rsi_period": 2}, by_hand([10, 11, 12, 13, 14])) == []


def test_bollinger_buys_below_the_band_and_sells_above_the_average() -> None:
    # Period 3, one deviation. Bar 3: closes 10 10 7, mean 9, deviation sqrt(2), lower band 7.59 > 7: buy.
    # Bar 4: 10 7 8, mean 8.33 > 8: hold. Bar 5: 7 8 9, mean 8 < 9: sell.
    series = by_hand([10, 10, 10, 7, 8, 9, 9], opens=[10, 10, 10, 8, 7.5, 8.5, 9.25])
    (trade,) = trades("bollinger_reversion", {"period": 3, "deviations": 1, "position_share": 0.5}, series)
    assert (bar(trade.entry_time), trade.entry_price) == (4, 7.5)
    assert (bar(trade.exit_time), trade.exit_price) == (6, 9.25)


def test_bollinger_can_wait_for_more_than_the_average() -> None:
    # At bar 5 the deviation of 7 8 9 is 0.816: the exit line 8 + 1.3 * 0.816 = 9.06 is above 9.
    # At bar 6 that of 8 9 11 is 1.247 around 9.33, the line 10.95 below 11.
    series = by_hand([10, 10, 10, 7, 8, 9, 11, 11])
    parameters = {"period": 3, "deviations": 1, "exit_deviations": 1.3, "position_share": 0.5}
    (trade,) = trades("bollinger_reversion", parameters, series)
    assert bar(trade.exit_time) == 7


def test_sma_buys_the_cross_up_and_sells_the_cross_down() -> None:
    # Fast minus slow (2 and 3 bars) at bars 2 to 7: -.5, -.17, +.67, +.83, -.17, -1.33.
    series = by_hand([10, 9, 8, 9, 11, 12, 9, 7], opens=[10, 9, 8, 9, 11, 11.5, 9, 8.5])
    (trade,) = trades("sma_crossover", {"fast": 2, "slow": 3}, series)
    assert (bar(trade.entry_time), trade.entry_price) == (5, 11.5)
    assert (bar(trade.exit_time), trade.exit_price) == (7, 8.5)


def test_warm_up_bars_are_seen_and_not_traded() -> None:
    # The averages cross up at bar 4, down at 6 and up again at 9 (fast 8, slow 7.67).
    closes = [10, 9, 8, 9, 11, 12, 9, 7, 7, 9, 10, 10]
    series = by_hand(closes, opens=[10, 9, 8, 9, 11, 11.5, 9, 8.5, 7, 9, 9.25, 10])
    settings = settings_for("sma_crossover", [series], start_date="2020-01-09", warm_up_bars=8)
    points = [Point(1, {"fast": 2, "slow": 3})]
    (outcome,) = BacktraderEngine().run(settings, [series], points, lambda _: None)
    assert isinstance(outcome, PointResult), outcome
    assert outcome.sessions == [FIRST_DAY + dt.timedelta(days=day) for day in (8, 9, 10, 11)]
    # Bought at the open of bar 10: without the bars before, the first cross could be seen at bar 11.
    size = int(95_000 / 9)
    assert outcome.equity == [100_000.0, 100_000.0, *[pytest.approx(100_000 + size * 0.75)] * 2]
    assert (outcome.metrics["total_orders"], outcome.metrics["sessions"]) == (1, 4)


def test_several_symbols_share_the_portfolio_evenly() -> None:
    closes = [10, 9, 8, 9, 11, 12, 9, 7]
    series = [by_hand(closes, opens=[10, 9, 8, 9, 11, 11, 9, 7], symbol=symbol) for symbol in "AB"]
    both = trades("sma_crossover", {"fast": 2, "slow": 3}, *series)
    assert [(trade.symbol, trade.size) for trade in both] == [("A", 4318.0), ("B", 4318.0)]


class Buyer(BaseStrategy):
    """Buys what calculate_position_size says on its second bar, and notes what it saw."""

    parameters = (Parameter("wanted", int, 1, 0, 9),)

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def on_bar(self, data: Any) -> None:
        first = self.calculate_position_size(100.0)
        if len(data) == 2:
            before = self.has_pending_order(data)
            self.buy(data, size=first)
            self.seen.append(
                (first, before, self.has_pending_order(data), self.calculate_position_size(100.0))
            )
        if len(data) == 3:
            self.seen.append(self.has_pending_order(data))
            self.log("third bar")


def test_pending_orders_are_known_at_once_and_their_cash_is_spoken_for() -> None:
    # 950 of 1000 buy 9 at 100; with these 900 spoken for, 50 buy none.
    strategy = played(Buyer, by_hand([100.0, 100.0, 100.0, 100.0]))
    assert strategy.seen == [(9, False, True, 0), False]
    assert list(strategy.log_lines) == ["2020-01-03 00:00:00  third bar"]


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan")])
def test_no_shares_are_bought_at_a_price_that_is_none(price: float) -> None:
    class Sizer(BaseStrategy):
        def stop(self) -> None:
            self.size = self.calculate_position_size(price)

    assert played(Sizer, by_hand([1.0, 2.0])).size == 0


def test_the_log_is_bounded_silent_and_goes_to_a_sink(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[tuple[dt.datetime | None, str]] = []

    class Talker(BaseStrategy):
        log_sink = staticmethod(lambda when, text: heard.append((when, text)))

        def start(self) -> None:
            self.log("begins")

        def on_bar(self, data: Any) -> None:
            for _ in range(LOG_LIMIT):
                self.log("bar")

    strategy = played(Talker, by_hand([1.0, 2.0]))
    assert len(strategy.log_lines) == LOG_LIMIT
    assert heard[0] == (None, "begins")
    assert len(heard) == 2 * LOG_LIMIT + 1
    assert capsys.readouterr().out == ""


def test_an_order_that_cannot_be_paid_is_logged() -> None:
    class Greedy(BaseStrategy):
        def on_bar(self, data: Any) -> None:
            if len(data) == 1:
                self.buy(data, size=1_000_000)

    strategy = played(Greedy, by_hand([10.0, 10.0, 10.0]))
    assert strategy.log_lines[0].endswith("buy 1000000 X: Margin")


def test_parameters_are_declared_once() -> None:
    framework = {"position_share": 0.95, "enable_risk_manager": False, "enable_db_logging": False}
    assert Buyer.params._getpairs() == framework | {"wanted": 1}

    class Stock(BaseStrategy):
        params = (("period", 5), ("how", "fast"), ("unsearchable", None))

    assert [(p.name, p.type, p.default, p.minimum) for p in Stock.parameters[3:]] == [
        ("period", int, 5, None), ("how", str, "fast", None),
    ]  # fmt: skip
    with pytest.raises(ParameterError, match="declares 'wanted' in `parameters` and in `params`"):

        class Both(BaseStrategy):
            params: Any = (("wanted", 2),)
            parameters = (Parameter("wanted", int, 2),)


@pytest.mark.parametrize(
    ("kind", "value", "converted"),
    [
        (int, 14, 14), (int, 14.0, 14), (float, 2, 2.0), (float, 2.5, 2.5), (bool, True, True),
        (str, "x", "x"),
        (int, 14.5, None), (int, "14", None), (int, True, None), (float, float("nan"), None), (bool, 1, None),
        (str, 1, None), (float, None, None), (int, float("inf"), None),
    ],
)  # fmt: skip
def test_values_keep_their_meaning_or_are_refused(kind: type, value: Any, converted: Any) -> None:
    defaults: dict[type, Any] = {int: 1, float: 1.0, bool: False, str: ""}
    parameter = Parameter("p", kind, defaults[kind])
    if converted is None:
        with pytest.raises(ParameterError, match="parameter 'p': expected"):
            parameter.convert(value)
    else:
        assert parameter.convert(value) == converted
        assert type(parameter.convert(value)) is kind


def test_bounds_and_unknown_names_are_refused() -> None:
    declared = (Parameter("period", int, 14, 2, 200),)
    assert convert_all(declared, {}) == {}
    with pytest.raises(ParameterError, match="'period': 1 is below its minimum 2"):
        convert_all(declared, {"period": 1})
    with pytest.raises(ParameterError, match="'period': 201 is above its maximum 200"):
        convert_all(declared, {"period": 201})
    with pytest.raises(ParameterError, match="unknown parameter 'periode'; known are: period"):
        convert_all(declared, {"periode": 5})
