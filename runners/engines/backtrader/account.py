"""A broker whose account is its run's config: a strategy that says otherwise is told so, not obeyed.

What a config has a key for (cash, fees, slippage, deposits) is refused where it differs. What it has no key
for is obeyed and noted, and flags the run: fills at prices already seen, and other rules of the broker.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import backtrader as bt
from backtrader.brokers.bbroker import BackBroker
from backtrader.comminfo import CommInfoBase

from runners.engines.backtrader.commission import DeskCommission, is_plain, scheme_of
from runners.engines.backtrader.margin import MarginWatch
from runners.engines.base import Commission, RunSettings
from strategies.contracts import SHARE

FILLS = ((1.0, 1.0), (1.0, 250.0), (100.0, 10.0), (-100.0, 33.0), (10_000.0, 50.0))
"""Sizes and prices at which a strategy's fees are compared with the config's."""
SLIPPAGE = ("slip_perc", "slip_fixed", "slip_open", "slip_limit", "slip_match", "slip_out")
CONTRACT = ("margin", "mult", "leverage", "interest", "automargin")


def open_account(broker: Any, cash: float, commission: Commission, slippage: float) -> None:
    """Gives an account to a broker of Backtrader's; `slippage` is a fraction of the price."""
    broker.set_cash(cash)
    broker.addcommissioninfo(DeskCommission(charges=commission))
    if slippage:
        broker.set_slippage_perc(slippage)


class AccountError(Exception):
    """A strategy contradicts its config about the account."""


class ConfiguredBroker(BackBroker):  # type: ignore[misc]
    """BackBroker until keep_to(); from then on the account is that of the settings."""

    _kept: RunSettings | None = None
    margin: MarginWatch | None = None
    flow_steps: frozenset[int] = frozenset()
    _step = -1

    def keep_to(self, settings: RunSettings, flow_steps: frozenset[int] = frozenset()) -> None:
        """`flow_steps` are the steps of the run's clock at which the config's flow is due."""
        open_account(self, settings.cash, settings.commission, settings.slippage)
        for symbol, contract in settings.contracts.items():
            if contract.margin is not None:
                self.addcommissioninfo(scheme_of(settings.commission, contract), name=symbol)
        self.noted: dict[str, None] = {}
        self._slippage = {name: getattr(self.p, name) for name in SLIPPAGE}
        if settings.margin is not None:
            self.margin = MarginWatch(self, settings.margin)
        self.flow_steps = flow_steps
        self.flows: dict[int, float] = {}
        self._kept = settings

    def count_shares_of_the_day(self, feeds: Iterable[Any]) -> None:
        """Fees a share are those of the shares that were traded then."""
        if self._kept is None or not self._kept.commission.per_share:
            return
        for feed in feeds:
            if feed.splits:
                contract = self._kept.contracts.get(feed._name, SHARE)
                super().addcommissioninfo(scheme_of(self._kept.commission, contract, feed), feed._name)

    @property
    def watches_bars(self) -> bool:
        """True where next() must be called on every bar."""
        return self.margin is not None or bool(self.flow_steps)

    def next(self) -> None:
        self._step += 1
        if self._step in self.flow_steps and self._kept is not None and self._kept.cash_flows is not None:
            self._pay(self._step, self._kept.cash_flows.amount)
        if self.margin is None:
            super().next()
            return
        self.margin.before_fills()
        super().next()
        self.margin.after_fills()

    def _pay(self, step: int, cash: float) -> None:
        """Cash that the value at this step's close is the first to have."""
        self.flows[step] = self.flows.get(step, 0.0) + cash
        self._cash_addition.append(cash)

    def next_step(self) -> int:
        return self._step + 1

    def _execute(
        self, order: Any, ago: int | None = None, price: float | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        if ago is None or price is None or self.margin is None or not self.margin.forbids(order, price):
            return super()._execute(order, ago, price, *args, **kwargs)
        # As Backtrader does where cash is lacking.
        order.margin()
        self.notify(order)
        self._ococheck(order)
        self._bracketize(order, cancel=True)
        return None

    # What the config decides

    def set_cash(self, cash: float) -> None:
        if self._kept is None:
            super().set_cash(cash)
        elif cash != self.cash:
            raise AccountError(
                f"set_cash({cash:.15g}) contradicts the config, which has cash: {self._kept.cash:.15g}; "
                f"write cash: {cash:.15g} there, and leave the call out"
            )

    setcash = set_cash

    def add_cash(self, cash: float) -> None:
        if self._kept is None:
            super().add_cash(cash)
        elif self._kept.cash_flows is None or not self._kept.cash_flows.by_strategy:
            raise AccountError(
                f"add_cash({cash:.15g}) is a deposit or withdrawal that the config does not have; write "
                "cash_flows: {by_strategy: true} there, which keeps it out of the returns, or leave the call "
                "out"
            )
        else:
            self._pay(self.next_step(), float(cash))

    def setcommission(self, *args: Any, **kwargs: Any) -> None:
        if self._kept is None:
            super().setcommission(*args, **kwargs)
            return
        before: dict[str | None, Any] = self.comminfo
        self.comminfo: dict[str | None, Any] = {}
        try:
            super().setcommission(*args, **kwargs)
            ((name, scheme),) = self.comminfo.items()
        finally:
            self.comminfo = before
        self.addcommissioninfo(scheme, name)

    def addcommissioninfo(self, comminfo: Any, name: str | None = None) -> None:
        if self._kept is not None:
            check_fees(comminfo, self._kept, name)
            if is_plain(comminfo):
                # Its fees are the config's, which the config's own scheme charges.
                return
            self._note(f"contract terms ({_terms(comminfo)})")
        super().addcommissioninfo(comminfo, name)

    def set_slippage_perc(self, perc: float, *args: Any, **kwargs: Any) -> None:
        self._set_slippage("set_slippage_perc", perc, *args, **kwargs)

    def set_slippage_fixed(self, fixed: float, *args: Any, **kwargs: Any) -> None:
        self._set_slippage("set_slippage_fixed", fixed, *args, **kwargs)

    def _set_slippage(self, method: str, amount: float, *args: Any, **kwargs: Any) -> None:
        getattr(super(), method)(amount, *args, **kwargs)
        if self._kept is not None and self.changed_slippage():
            raise AccountError(
                f"{method}({amount:.15g}) contradicts the config, which has slippage: "
                f"{self._kept.slippage:.15g}; write slippage there, a fraction of the price, and leave the "
                "call out"
            )

    def changed_slippage(self) -> bool:
        return any(getattr(self.p, name) != value for name, value in self._slippage.items())

    # Money and fills that come from no market

    def add_order_history(self, orders: Any, notify: bool = True) -> None:
        self._refuse_history("add_order_history()")
        super().add_order_history(orders, notify)

    def set_fund_history(self, fund: Any) -> None:
        self._refuse_history("set_fund_history()")
        super().set_fund_history(fund)

    def submit(self, order: Any, check: bool = True) -> Any:
        if self._kept is not None and getattr(order.data, "longer_of", None) is not None:
            raise AccountError(
                f"an order on {order.data._name}, whose bars are made of shorter ones: send it on "
                f"{order.data.longer_of._name}, which trades"
            )
        if order.exectype == bt.Order.Historical:
            self._refuse_history("an order of exectype Historical")
        return super().submit(order, check)

    def _refuse_history(self, what: str) -> None:
        if self._kept is not None:
            raise AccountError(
                f"{what} fills orders or sets cash at the strategy's own figures; send orders of another "
                "exectype, which the run's prices fill"
            )

    # What no key decides is noted

    def set_coc(self, coc: bool) -> None:
        super().set_coc(coc)
        self._note_if(coc, "cheat-on-close")

    def set_coo(self, coo: bool) -> None:
        super().set_coo(coo)
        self._note_if(coo, "cheat-on-open")

    def set_filler(self, filler: Any) -> None:
        super().set_filler(filler)
        self._note_if(filler is not None, f"filler {getattr(filler, '__name__', type(filler).__name__)}")

    def set_shortcash(self, shortcash: bool) -> None:
        super().set_shortcash(shortcash)
        self._note_if(not shortcash, "set_shortcash(False)")

    def set_checksubmit(self, checksubmit: bool) -> None:
        super().set_checksubmit(checksubmit)
        self._note_if(not checksubmit, "set_checksubmit(False)")

    def set_eosbar(self, eosbar: bool) -> None:
        super().set_eosbar(eosbar)
        self._note_if(eosbar, "set_eosbar(True)")

    seteosbar = set_eosbar

    def set_int2pnl(self, int2pnl: bool) -> None:
        super().set_int2pnl(int2pnl)
        self._note_if(not int2pnl, "set_int2pnl(False)")

    def _note_if(self, differs: bool, what: str) -> None:
        if differs:
            self._note(what)

    def _note(self, what: str) -> None:
        if self._kept is not None:
            self.noted[what] = None


def check_fees(scheme: Any, settings: RunSettings, symbol: str | None) -> None:
    """Raise AccountError where a symbol's scheme charges something else than the config's commission."""
    if type(scheme) is DeskCommission and scheme.p.charges == settings.commission:
        return
    contract = settings.contracts.get(symbol or "", SHARE)
    ours = scheme_of(settings.commission, contract)
    for size, price in FILLS:
        charged, due = scheme.getcommission(size, price), ours.getcommission(size, price)
        if not math.isclose(charged, due, rel_tol=1e-9, abs_tol=1e-12):
            key = _as_key(scheme, on_margin=contract.margin is not None)
            raise AccountError(
                f"the strategy's commission charges {charged:.6g} for {abs(size):g} at {price:g} where the "
                f"config's commission charges {due:.6g}; write {key} in the config, and leave "
                "the call out or pass the same to it"
            )


def _as_key(scheme: Any, *, on_margin: bool) -> str:
    if type(scheme)._getcommission is not CommInfoBase._getcommission:
        return "commission: {percent: ..., per_share: ..., minimum: ...}"
    kind = "percent" if scheme._commtype == CommInfoBase.COMM_PERC else "per_share"
    if kind == "per_share" and on_margin:
        kind = "per_contract"
    return f"commission: {{{kind}: {scheme.p.commission:.15g}}}"


def _terms(scheme: Any) -> str:
    pairs = ((name, getattr(scheme.p, name, None), getattr(CommInfoBase.params, name)) for name in CONTRACT)
    return (
        ", ".join(name for name, value, default in pairs if value and value != default)
        or type(scheme).__name__
    )
