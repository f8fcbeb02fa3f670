"""A strategy that does what a script says, and writes down all that Backtrader tells it."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import backtrader as bt

from runners.engines.backtrader.commission import DeskCommission
from runners.engines.backtrader.data_set import DataSet
from runners.engines.backtrader.fast_cerebro import FastCerebro
from runners.engines.backtrader.fast_results import ResultCache
from runners.engines.backtrader.recorder import Recorder
from runners.engines.backtrader.warm_up import WarmUp
from runners.engines.base import AdjustedPrices, Commission
from tests.unit.price_samples import FIRST_DAY, series_of, settings_for

Action = Callable[["Scripted"], None]


@dataclass(frozen=True)
class Case:
    """One random run."""

    feeds: list[tuple[str, int, int, int, float]]
    """Arguments of `random_series`."""
    actions: dict[int, list[tuple[Any, ...]]]
    """What is done at the n-th call, see `Scripted._do`."""
    indicators: list[tuple[Any, ...]]
    cash: float = 100_000.0
    commission: dict[str, float] = field(default_factory=dict)
    slippage: tuple[str, float] | None = None
    warm_up: int = 0
    reads_value: bool = False
    hears_cash: bool = False
    broker_settings: tuple[str, ...] = ()
    timer: bool = False

    @property
    def series(self) -> list[AdjustedPrices]:
        return [random_series(*feed) for feed in self.feeds]


class Scripted(bt.Strategy):
    params = (("case", None),)

    def __init__(self) -> None:
        self.case: Case = self.p.case
        self.seen: list[Any] = []
        self.calls = 0
        self.placed: list[Any] = []
        self.base = next(bt.Order.refbasis)
        self.values = [self._indicator(*description) for description in self.case.indicators]
        if self.case.timer:
            self.add_timer(when=bt.timer.SESSION_START, weekdays=[1, 3])

    def _indicator(self, kind: str, feed: int, period: int) -> Any:
        data = self.datas[feed % len(self.datas)]
        other = self.datas[(feed + 1) % len(self.datas)]
        match kind:
            case "sma":
                return bt.ind.SMA(data, period=period)
            case "sma of high":
                return bt.ind.SMA(data.high, period=period)
            case "sum":
                return bt.ind.SumN(data.low, period=period)
            case "sum of late":
                return bt.ind.SumN(bt.ind.Average(data.high, period=5), period=period)
            case "endless":
                nothing = data.close - data.close
                return bt.ind.Average(bt.DivByZero(data.close, nothing, zero=float("inf")), period=period)
            case "rsi":
                return bt.ind.RSI(data, period=period, safediv=True)
            case "cross":
                return bt.ind.CrossOver(bt.ind.EMA(data, period=period), bt.ind.SMA(data, period=period + 2))
            case "bands":
                return bt.ind.BollingerBands(data, period=period, devfactor=1.5)
            case "operation":
                return bt.And(data.close > data.close(-period), data.high - data.low > 0.5)
            case "constant":
                return (data.high + data.low) / 2.0 - 1.0
            case "of operation":
                return bt.ind.Highest(data.high - data.low, period=period)
            case "macd":
                return bt.ind.MACDHisto(data, period_me1=period, period_me2=period + 3, period_signal=3)
            case "atr":
                return bt.ind.ATR(data, period=period)
            case "stochastic":
                return bt.ind.Stochastic(data, period=period, safediv=True)
            case "two feeds":
                return bt.ind.SMA(data.close - other.close, period=period)
            case "by bar":
                return bt.ind.HeikinAshi(data)
            case "own":
                own: Any = TypicalRange
                return own(data, period=period)
        raise ValueError(kind)

    def prenext(self) -> None:
        self._step("prenext")

    def nextstart(self) -> None:
        self._step("nextstart")

    def next(self) -> None:
        self._step("next")

    def _step(self, where: str) -> None:
        self.calls += 1
        seen: list[Any] = [where, len(self), self.datetime[0]]
        for data in self.datas:
            if len(data):
                seen += [len(data), data.datetime[0], data.close[0], data[0]]
                seen.append(data.high[-min(2, len(data) - 1)])
            position = self.getposition(data)
            seen += [position.size, position.price]
        for value in self.values:
            if len(value):
                seen += [len(value), value[0]]
        if self.case.reads_value:
            broker = self.broker
            seen += [broker.getvalue(), broker.get_value(mkt=True), broker.get_leverage(), broker.fundvalue]
            seen.append(broker.get_value([self.data]) if len(self.data) else None)
        seen.append(self.broker.getcash())
        self.seen.append(seen)
        for action in self.case.actions.get(self.calls, ()):
            self._do(*action)

    def _do(self, what: str, feed: int, *more: Any) -> None:
        data = self.datas[feed % len(self.datas)]
        if not len(data):
            return
        getattr(self, f"_{what}")(data, *more)

    def _order(
        self, data: Any, buys: bool, kind: int, size: float, offset: float, limit: float | None,
        valid: Any, trail: tuple[float | None, float | None], oco: int | None, tradeid: int,
    ) -> None:  # fmt: skip
        price = None if kind in (bt.Order.Market, bt.Order.Close) else data.close[0] * offset
        group = None
        if oco is not None and self.placed:
            group = self.placed[-1 - oco % len(self.placed)]
        if kind not in (bt.Order.StopTrail, bt.Order.StopTrailLimit):
            trail = (None, None)
        order = (self.buy if buys else self.sell)(
            data, size=size, exectype=kind, price=price,
            plimit=None if limit is None or price is None else price * limit,
            valid=self._valid(data, valid), trailamount=trail[0], trailpercent=trail[1], oco=group,
            tradeid=tradeid, note="scripted",
        )  # fmt: skip
        if order is not None:
            self.placed.append(order)

    def _valid(self, data: Any, valid: Any) -> Any:
        match valid:
            case None | 0:
                return valid
            case "date":
                return data.datetime.date(0) + dt.timedelta(days=3)
            case "number":
                return data.datetime[0] + 2
            case _:
                return dt.timedelta(days=valid)

    def _bracket(self, data: Any, buys: bool, size: float, width: float, market: bool) -> None:
        close = data.close[0]
        sign = 1 if buys else -1
        self.placed += [
            order
            for order in (self.buy_bracket if buys else self.sell_bracket)(
                data=data, size=size, price=None if market else close * (1 - sign * width / 4),
                exectype=bt.Order.Market if market else bt.Order.Limit,
                stopprice=close * (1 - sign * width), limitprice=close * (1 + sign * width),
            )
            if order is not None
        ]  # fmt: skip

    def _cancel(self, data: Any, back: int) -> None:
        if self.placed:
            self.cancel(self.placed[-1 - back % len(self.placed)])

    def _close(self, data: Any) -> None:
        order = self.close(data)
        if order is not None:
            self.placed.append(order)

    def _target(self, data: Any, kind: str, target: float) -> None:
        getattr(self, f"order_target_{kind}")(data, target)

    def _add_cash(self, data: Any, cash: float) -> None:
        self.broker.add_cash(cash)

    def _value_of(self, data: Any) -> None:
        self.seen.append(self.broker.get_value([one for one in self.datas if len(one)]))

    def _setcommission(self, data: Any, margin: float | None) -> None:
        self.broker.setcommission(commission=2.0, margin=margin, mult=2.0 if margin else 1.0)

    def _stop_run(self, data: Any) -> None:
        self.env.runstop()

    def notify_order(self, order: Any) -> None:
        done = order.executed
        self.seen.append([
            "order", order.ref - self.base, order.getstatusname(), order.data._name, order.isbuy(),
            order.size, order.exectype, order.created.dt, order.created.size, order.created.price,
            order.created.pricelimit,
            order.price, order.pricelimit, order.plimit, order.valid, order.tradeid, order.dteos,
            done.dt, done.size, done.price, done.value, done.comm, done.pnl, done.remsize, done.psize,
            done.pprice, order.alive(), order.active(), order.triggered, dict(order.info),
            [(bit.size, bit.price, bit.opened, bit.closed) for bit in done.iterpending()],
        ])  # fmt: skip

    def notify_trade(self, trade: Any) -> None:
        self.seen.append([
            "trade", trade.data._name, trade.size, trade.price, trade.value, trade.commission, trade.pnl,
            trade.pnlcomm, trade.isopen, trade.isclosed, trade.justopened, trade.dtopen, trade.dtclose,
            trade.barlen, trade.baropen, trade.barclose, trade.tradeid,
        ])  # fmt: skip

    def notify_timer(self, timer: Any, when: Any, *args: Any, **kwargs: Any) -> None:
        self.seen.append(["timer", when, len(self), len(self.data), [len(value) for value in self.values]])
        for action in self.case.actions.get(-1, ()):
            self._do(*action)

    def stop(self) -> None:
        broker = self.broker
        self.seen.append([
            "stop", len(self), broker.getvalue(), broker.getcash(), broker.get_value(mkt=True, lever=True),
            [(len(data), data.close[0]) for data in self.datas if len(data)],
            [(len(value), value[0]) for value in self.values if len(value)],
            [(position.size, position.price) for position in map(self.getposition, self.datas)],
        ])  # fmt: skip


class Attentive(Scripted):
    """Also hears of cash and value at every bar."""

    def notify_cashvalue(self, cash: float, value: float) -> None:
        self.seen.append(["cash", cash, value])

    def notify_fund(self, cash: float, value: float, fundvalue: float, shares: float) -> None:
        self.seen.append(["fund", fundvalue, shares])


class TypicalRange(bt.Indicator):
    """Written as users write them: by bar."""

    lines: Any = ("range",)
    params = (("period", 3),)

    def __init__(self) -> None:
        self.addminperiod(self.p.period)

    def next(self) -> None:
        self.lines.range[0] = max(self.data.high.get(size=self.p.period)) - self.data.low[0]


@cache
def random_series(symbol: str, seed: int, bars: int, late: int, gaps: float) -> AdjustedPrices:
    """Wilder than real prices, so that stops and limits are met."""
    generator = random.Random(seed)
    price = generator.uniform(5, 200)
    rows: list[Any] = []
    for day in range(late, late + bars):
        opened = price * (1 + generator.gauss(0, 0.02))
        price = opened * (1 + generator.gauss(0, 0.03))
        high = max(opened, price) * (1 + abs(generator.gauss(0, 0.01)))
        low = min(opened, price) * (1 - abs(generator.gauss(0, 0.01)))
        if generator.random() >= gaps or not rows:
            rows.append((FIRST_DAY + dt.timedelta(days=day), opened, high, low, price, 1000.0))
    return series_of(symbol, rows)


def run(case: Case, *, fast: bool, results: ResultCache | None = None) -> tuple[str, Any]:
    """Everything that can be seen of a run, as text; and the loop that ran."""
    series = case.series
    data_set = DataSet(settings_for("scripted", series), series)
    if fast:
        cerebro = FastCerebro(stdstats=False).over(data_set, results or ResultCache(1 << 20))
    else:
        cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(case.cash)
    scheme = DeskCommission(charges=Commission(**case.commission))
    cerebro.broker.addcommissioninfo(scheme)
    if case.slippage is not None:
        kind, amount = case.slippage
        getattr(cerebro.broker, f"set_slippage_{kind}")(amount)
    for name in case.broker_settings:
        match name:
            case "coc":
                cerebro.broker.set_coc(True)
            case "no check":
                cerebro.broker.set_checksubmit(False)
            case "short cash":
                cerebro.broker.set_shortcash(False)
            case "filler":
                cerebro.broker.set_filler(bt.broker.fillers.FixedSize(size=7))
    data_set.add_to(cerebro, shared=fast)
    if case.warm_up:
        cerebro.addindicator(WarmUp, bars=case.warm_up)
    cerebro.addstrategy(Attentive if case.hears_cash else Scripted, case=case)
    cerebro.addanalyzer(Recorder, epochs=data_set.epochs, _name="recorder")
    try:
        (strategy,) = cerebro.run()
    except Exception as error:
        return f"{type(error).__name__}: {error}", getattr(cerebro, "loop", "stock")
    account = strategy.analyzers.recorder.account(data_set.timeline)
    return (
        "\n".join(map(repr, itertools.chain(strategy.seen, [account]))),
        (cerebro.loop, cerebro.why_stock) if fast else "stock",
    )


def alike(case: Case, caches: Sequence[ResultCache] = ()) -> tuple[str, Any]:
    """Assert that both loops show the same; returns what the fast one showed."""
    expected, _ = run(case, fast=False)
    for results in caches or (None,):
        shown, loop = run(case, fast=True, results=results)
        if shown != expected:
            pairs = itertools.zip_longest(expected.splitlines(), shown.splitlines())
            number, (stock, fast) = next((n, pair) for n, pair in enumerate(pairs) if pair[0] != pair[1])
            raise AssertionError(f"line {number}\nstock: {stock}\nfast:  {fast}")
    return shown, loop
