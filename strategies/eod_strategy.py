"""`EODStrategy`: flat before the close, every day, half days and clock changes included.

An order given on a bar is filled at the next bar's open. So the position is closed on the last bar whose
successor opens no later than the deadline; on daily bars there is no such bar, and the class says so once and
does nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from strategies.bar_time import bar_seconds, epoch, is_intraday
from strategies.base_strategy import BaseStrategy
from strategies.exposure import reach
from strategies.market_calendar import Session, market_calendar
from strategies.order_flow import OrderRequest
from strategies.parameters import Parameter, ParameterError


class EODStrategy(BaseStrategy):
    """Liquidates at `eod_time` of the exchange (15:55 in New York), on half days as long before the close.

    No entry reaches the broker within `eod_no_entry_minutes` of the close. Write `next()` or `on_bar(data)`
    and ask `should_trade()`; what is here happens whether the strategy calls `super().next()` or not. Hooks:
    `on_session_start(date)`, `on_eod(date)`.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("eod_liquidate", bool, True, description="Close every position before the session ends."),
        Parameter("enable_risk_manager", bool, True,
                  description="Keep orders that break a risk limit from the broker."),
        Parameter("enable_db_logging", bool, False,
                  description="Record orders, positions, trades and the account's value."),
        Parameter("eod_time", str, "15:55", description="When, on the exchange's clock of a full session."),
        Parameter("eod_no_entry_minutes", int, 30, 0, 390, "Minutes before the close without entries."),
    )  # fmt: skip

    def prepare(self) -> None:
        super().prepare()
        self.session: Session | None = None
        """The session of the newest bar; None on daily bars."""
        self.session_snapshots: list[tuple[dt.date, float, float]] = []
        """By session: its date, the account's value before its first bar and at its deadline."""
        self._begin_value = 0.0
        self._value_before = float(self.broker.getvalue())
        self._liquidated = False
        self._deadline = self._no_entries = 0

    def equip(self) -> None:
        super().equip()
        if not is_intraday(self.data):
            self.log("daily bars: EODStrategy does nothing, positions are held overnight", level="warning")
            return
        self._offset = self._before_close(self.params.eod_time)
        self.before_each_bar(self._watch_the_clock)
        self.add_order_check(_NoLateEntries(self))

    def should_trade(self) -> bool:
        """True while entries are allowed; always on daily bars."""
        if self.session is None:
            return not is_intraday(self.data)
        return self.bar_end() < self._no_entries and not self._liquidated

    def minutes_to_close(self) -> float:
        """From the end of the newest bar; infinite on daily bars."""
        return float("inf") if self.session is None else (self.session.close - self.bar_end()) / 60

    def bar_end(self) -> int:
        """When the newest bar ended, in UTC seconds."""
        return epoch(self.lines.datetime[0]) + bar_seconds(self.data)

    def on_session_start(self, date: dt.date) -> None:
        """On the first bar of a session, before the strategy sees it."""

    def on_eod(self, date: dt.date) -> None:
        """At the deadline, after everything was ordered to be closed."""

    def _before_close(self, clock: str) -> int:
        """Seconds before the close: 15:55 is five minutes before 16:00, also where a day ends at 13:00."""
        try:
            wanted = dt.time.fromisoformat(clock)
        except ValueError:
            raise ParameterError(f"eod_time is {clock!r}; expected a time such as 15:55") from None
        calendar = market_calendar(self.calendar)
        full = next(
            session for session in reversed(calendar.between(dt.date(2024, 1, 2), dt.date(2024, 1, 31)))
            if not calendar.is_half_day(session)
        )  # fmt: skip
        offset = full.close - calendar.at(full.date, wanted)
        if not 0 < offset < full.close - full.open:
            opened, closed = (f"{calendar.local(at):%H:%M}" for at in (full.open, full.close))
            raise ParameterError(f"eod_time is {clock}; expected a time between {opened} and {closed}")
        return offset

    def _watch_the_clock(self) -> None:
        began = epoch(self.lines.datetime[0])
        session = market_calendar(self.calendar).trading_day(began)
        if session is None:
            return
        if self.session is None or session.date != self.session.date:
            self._begin(session)
        self._value_before = self.broker.getvalue()
        # The next bar is this one's length away: when it ends after the deadline, this is the last chance.
        last_chance = self.bar_end() + bar_seconds(self.data) > self._deadline
        if last_chance and self.params.eod_liquidate:
            self._liquidate(session)

    def _begin(self, session: Session) -> None:
        self.session = session
        self._begin_value = float(self._value_before)
        self._liquidated = False
        self._deadline = session.close - self._offset
        self._no_entries = session.close - 60 * self.params.eod_no_entry_minutes
        self.on_session_start(session.date)

    def _liquidate(self, session: Session) -> None:
        first, self._liquidated = not self._liquidated, True
        # Also on later bars: an order that could not be filled, or a position from before the first bar.
        self.cancel_entries()
        for data in self.datas:
            size = self.getposition(data).size
            if size and not self.has_pending_order(data):
                self.close(data)
        if first:
            self.session_snapshots.append((session.date, self._begin_value, float(self.broker.getvalue())))
            self.on_eod(session.date)

    def cancel_entries(self) -> None:
        """Cancel what rests; market orders that close a position stay."""
        for order in list(self.pending_orders()):
            held = self.getposition(order.data).size
            if order.exectype != order.Market or held * order.created.size >= 0:
                self.cancel(order)


class _NoLateEntries:
    """Keeps orders that add exposure from the broker near the close."""

    def __init__(self, strategy: EODStrategy) -> None:
        self._strategy = strategy

    def refusal(self, request: OrderRequest) -> str | None:
        strategy = self._strategy
        held = strategy.getposition(request.data).size
        # Beside exits that are on their way, another would turn the position round.
        if reach(held, strategy.pending_orders(request.data)).reduces(request.size):
            return None
        parent = request.parent
        if parent is not None and parent.isbuy() == (request.size < 0):
            return None
        if strategy.should_trade():
            return None
        return f"No entries within {strategy.params.eod_no_entry_minutes} minutes of the close"

    def largest(self, data: Any, price: float) -> float:
        return float("inf") if self._strategy.should_trade() else 0.0

    def sent(self, request: OrderRequest, order: Any) -> None:
        """Nothing to count."""
