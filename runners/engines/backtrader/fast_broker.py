"""Backtrader's broker, which computes the account's value only when somebody asks."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from runners.engines.backtrader.account import ConfiguredBroker
from runners.engines.backtrader.commission import is_plain
from runners.engines.backtrader.fast_equity import EquityLog
from runners.engines.backtrader.fast_lines import Cell
from runners.engines.backtrader.fast_orders import FastBuyOrder, FastSellOrder, new_order


class FastBroker(ConfiguredBroker):
    """Behaves as BackBroker; between `begin` and `end` it need not be called on bars without orders.

    What it does not keep up to date on such bars are a position's `adjbase` and `datetime`, which only assets
    with margin or interest read; where there are such, `every_bar` is set and BackBroker's own next() runs.
    """

    _cell: Cell | None = None
    _log: EquityLog
    _valued = -1
    every_bar = False

    def begin(self, cell: Cell, log: EquityLog, *, every_bar: bool) -> None:
        self._cell, self._log, self._valued = cell, log, -1
        self.every_bar = False
        self._must_see_every_bar = every_bar
        self._look_at_rules()

    def end(self) -> None:
        if self._cell is not None:
            self._revalue()
            self._cell = None

    def _look_at_rules(self) -> None:
        seen_every_bar = self.every_bar
        self.every_bar = (
            self._must_see_every_bar
            or self.watches_bars
            or self.p.filler is not None
            or not self.p.shortcash
            or any(not is_plain(rules) for rules in self.comminfo.values())
        )
        if self.every_bar and not seen_every_bar:
            for data, position in self.positions.items():
                if position.size:
                    position.adjbase, position.datetime = data.close[0], data.datetime.datetime()

    # What changes the rules

    def set_filler(self, filler: Any) -> None:
        super().set_filler(filler)
        if self._cell is not None:
            self._look_at_rules()

    def set_shortcash(self, shortcash: bool) -> None:
        super().set_shortcash(shortcash)
        if self._cell is not None:
            self._look_at_rules()

    def addcommissioninfo(self, comminfo: Any, name: str | None = None) -> None:
        super().addcommissioninfo(comminfo, name)
        if self._cell is not None:
            self._look_at_rules()

    def setcommission(self, *args: Any, **kwargs: Any) -> None:
        super().setcommission(*args, **kwargs)
        if self._cell is not None:
            self._look_at_rules()

    # What changes cash or value between two bars

    def add_cash(self, cash: float) -> None:
        if self._cell is not None:
            self._revalue()
            self._log.write_until(self._cell[0] + 1)
        super().add_cash(cash)

    def next_step(self) -> int:
        return super().next_step() if self._cell is None else self._cell[0] + 1

    def get_value(self, datas: Any = None, mkt: bool = False, lever: bool = False) -> float:
        if self._cell is None:
            return float(super().get_value(datas, mkt, lever))
        if datas is None:
            self._revalue()
        value: float = super().get_value(datas, mkt, lever)
        if datas is not None and len(datas) != 1:
            # Backtrader then takes the value of these feeds for that of the account until the next bar.
            self._state()
        return value

    getvalue = get_value

    def _state(self) -> None:
        assert self._cell is not None
        if self._cell[0] >= 0:
            self._log.state(self._cell[0], self._value)
        self._valued = self._cell[0]

    def _revalue(self) -> None:
        assert self._cell is not None
        if self._valued != self._cell[0]:
            self._get_value()
            self._valued = self._cell[0]

    def get_leverage(self) -> float:
        if self._cell is not None:
            self._revalue()
        return float(super().get_leverage())

    def get_fundvalue(self) -> float:
        if self._cell is not None:
            self._revalue()
        return float(super().get_fundvalue())

    fundvalue = property(get_fundvalue)

    # Orders

    def buy(
        self, owner: Any, data: Any, size: float, price: Any = None, plimit: Any = None,
        exectype: Any = None, valid: Any = None, tradeid: int = 0, oco: Any = None,
        trailamount: Any = None, trailpercent: Any = None, parent: Any = None, transmit: bool = True,
        histnotify: bool = False, _checksubmit: bool = True, **kwargs: Any,
    ) -> Any:  # fmt: skip
        order = new_order(
            FastBuyOrder, owner=owner, data=data, size=size, price=price, pricelimit=plimit,
            exectype=exectype, valid=valid, tradeid=tradeid, trailamount=trailamount,
            trailpercent=trailpercent, parent=parent, transmit=transmit, histnotify=histnotify,
        )  # fmt: skip
        order.addinfo(**kwargs)
        self._ocoize(order, oco)
        return self.submit(order, check=_checksubmit)

    def sell(
        self, owner: Any, data: Any, size: float, price: Any = None, plimit: Any = None,
        exectype: Any = None, valid: Any = None, tradeid: int = 0, oco: Any = None,
        trailamount: Any = None, trailpercent: Any = None, parent: Any = None, transmit: bool = True,
        histnotify: bool = False, _checksubmit: bool = True, **kwargs: Any,
    ) -> Any:  # fmt: skip
        order = new_order(
            FastSellOrder, owner=owner, data=data, size=size, price=price, pricelimit=plimit,
            exectype=exectype, valid=valid, tradeid=tradeid, trailamount=trailamount,
            trailpercent=trailpercent, parent=parent, transmit=transmit, histnotify=histnotify,
        )  # fmt: skip
        order.addinfo(**kwargs)
        self._ocoize(order, oco)
        return self.submit(order, check=_checksubmit)

    # Bars

    def next(self) -> None:
        """BackBroker.next() without what is zero for plain assets: interest, margin, histories."""
        if self._cell is None:
            super().next()
            return
        if self.every_bar:
            super().next()
            self._state()
            return
        while self._toactivate:
            self._toactivate.popleft().activate()
        if self.submitted and self.p.checksubmit:
            self.check_submitted()
        pending = self.pending
        pending.append(None)
        while (order := pending.popleft()) is not None:
            if order.expire():
                self.notify(order)
                self._ococheck(order)
                self._bracketize(order, cancel=True)
            elif not order._active:
                pending.append(order)
            else:
                self._try_exec(order)
                if order.alive():
                    pending.append(order)
                elif order.status == bt.Order.Completed:
                    self._bracketize(order)
        if self._cash_addition:
            self._get_value()
            self._valued = self._cell[0]
