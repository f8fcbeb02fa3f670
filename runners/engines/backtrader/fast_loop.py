"""The bar loop: what Cerebro._runonce and Strategy._oncepost do, as far as it can matter on a bar."""

from __future__ import annotations

from array import array
from typing import Any

import backtrader as bt
from backtrader.lineiterator import LineIterator

from runners.engines.backtrader.fast_broker import FastBroker
from runners.engines.backtrader.fast_equity import EquityLog
from runners.engines.backtrader.fast_lines import (
    Cell,
    RidingOwnLine,
    RidingPriceLine,
    alight,
    ride,
    rides,
)
from runners.engines.backtrader.fast_movers import Movers
from runners.engines.backtrader.recorder import Recorder
from runners.engines.backtrader.timeline import Timeline

NAN = float("nan")


class FastLoop:
    """Runs one strategy over feeds that are loaded. `talkative` strategies or analyzers hear of every bar."""

    def __init__(self, cerebro: Any, strategy: Any, timeline: Timeline, recorder: Recorder | None) -> None:
        self._cerebro = cerebro
        self._strategy = strategy
        self._timeline = timeline
        self._recorder = recorder
        self._broker: FastBroker = cerebro.broker
        self._step: Cell = [-1]
        self._talkative = recorder is None or _hears_every_bar(strategy)
        self._late = bool(cerebro._timers or cerebro._timerscheat or cerebro.p.cheat_on_open)
        aligned = timeline.moves is None
        self._feed_cells: list[Cell] = [self._step if aligned else [-1] for _ in strategy.datas]
        self._movers = Movers(strategy, self._feed_cells, late=self._late)
        self._own_step: Cell = [-1] if self._late else self._step

    def run(self) -> None:
        strategy, broker = self._strategy, self._broker
        log = EquityLog(broker, dict(zip(strategy.datas, self._timeline.closes, strict=True)))
        own_lines = [line for line in strategy.lines.lines if rides(line)]
        try:
            for data, cell in zip(strategy.datas, self._feed_cells, strict=True):
                for line in data.lines.lines:
                    ride(line, cell, RidingPriceLine)
            for line in own_lines:
                ride(line, self._own_step, RidingOwnLine)
            self._movers.mount()
            broker.begin(self._step, log, every_bar=self._late or not self._timeline.ordinary)
            self._run(broker, strategy, log)
            log.write_until(self._step[0] + 1)
            if self._recorder is not None and not self._talkative:
                self._recorder.take(log)
        finally:
            broker.end()
            self._movers.dismount()
            for line in own_lines:
                alight(line)
            for data in strategy.datas:
                for line in data.lines.lines:
                    alight(line)

    def _run(self, broker: FastBroker, strategy: Any, log: EquityLog) -> None:
        cerebro, movers = self._cerebro, self._movers
        timeline, step, own_step = self._timeline, self._step, self._own_step
        feed_cells, moves = self._feed_cells, timeline.moves
        late, talkative, always = self._late, self._talkative, movers.always
        notifications, pending, additions = broker.notifs, broker.pending, broker._cash_addition
        time_line: array[float] = strategy.lines.datetime.array
        more_lines = [line.array for line in strategy.lines.lines if line is not strategy.lines.datetime]
        append = time_line.append
        warming_up = True
        for now, number in enumerate(timeline.numbers):
            step[0] = now
            if moves is not None:
                for feed in moves[now]:
                    feed_cells[feed][0] += 1
            if late and self._before_broker(number):
                return
            told = False
            if notifications or pending or additions or broker.every_bar:
                log.write_until(now)
                broker.next()
                while notifications:
                    order = notifications.popleft()
                    (strategy if order.owner is None else order.owner)._addnotification(
                        order, quicknotify=False
                    )
                    told = True
            if late:
                cerebro._check_timers([strategy], number, cheat=False)
            if always:
                movers.follow(moves[now] if moves is not None else None)
            own_step[0] = now
            append(number)
            for line in more_lines:
                line.append(NAN)
            if talkative:
                strategy._notify()
            elif told:
                self._notify()
            if warming_up:
                status = strategy._getminperstatus()
                if status > 0:
                    strategy.prenext()
                elif status == 0:
                    strategy.nextstart()
                else:
                    warming_up = False
                    strategy.next()
            else:
                strategy.next()
            if talkative:
                strategy._next_analyzers(strategy._minperstatus, once=True)
                strategy.clear()
            elif told:
                strategy.clear()
            if cerebro._event_stop:
                return

    def _before_broker(self, number: float) -> bool:
        """Timers and next_open(), which still see the last bar's indicators. True when asked to stop."""
        cerebro, strategy = self._cerebro, self._strategy
        cerebro._check_timers([strategy], number, cheat=True)
        if cerebro.p.cheat_on_open:
            strategy._oncepost_open()
        return bool(cerebro._event_stop)

    def _notify(self) -> None:
        """Strategy._notify() for a strategy that does not listen for cash and value."""
        strategy, recorder = self._strategy, self._recorder
        assert recorder is not None
        for order in strategy._orderspending:
            if order.exectype != bt.Order.Historical or order.histnotify:
                strategy.notify_order(order)
            recorder.notify_order(order)
        for trade in strategy._tradespending:
            strategy.notify_trade(trade)
            recorder.notify_trade(trade)


def _hears_every_bar(strategy: Any) -> bool:
    kind = type(strategy)
    return (
        len(strategy.analyzers) != 1
        or bool(strategy._slave_analyzers)
        or bool(strategy._lineiterators[LineIterator.ObsType])
        or any(
            getattr(kind, name) is not getattr(bt.Strategy, name) or name in vars(strategy)
            for name in ("notify_cashvalue", "notify_fund")
        )
    )
