"""What RiskManager refuses under the rows of risk_limits, the gate refuses, order by order.

A Backtrader run of random orders, cancels, brackets and one-cancels-others is mirrored to a session of the
gate, fill by fill and bar by bar; each order is judged by both. Where the account's own limits are wide, as
here, the gate refuses nothing else either.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import backtrader as bt
import psycopg
import pytest

from strategies.base_strategy import BaseStrategy
from strategies.order_flow import OrderRequest
from strategies.risk_limits import RiskLimits
from strategies.risk_manager import RiskManager
from testing.accounts import SYMBOLS, Account, open_account
from testing.desks import Desk
from tests.unit.price_samples import series_of
from tests.unit.strategy_bench import played, sessions

pytestmark = pytest.mark.live

BARS = 45
LIMITS: tuple[dict[str, float], ...] = (
    {"max_position_shares": 60, "max_positions": 2},
    {"max_position_value": 5_000, "max_orders_per_day": 3},
    {"max_position_pct": 0.05, "max_leverage": 0.1},
    {"max_concentration": 0.06, "max_daily_loss": 0.003},
    {"max_leverage": 0.12, "max_drawdown": 0.006, "flatten_on_drawdown": 1},
    {"max_daily_loss": 0.002, "flatten_on_daily_loss": 1, "max_positions": 2},
)


class Mirror:
    """A session of the gate that is told what Backtrader does."""

    def __init__(self, account: Account, session: int) -> None:
        self.account, self.session = account, session
        self.number = 0
        self.orders: dict[int, int] = {}
        """Orders of the gate by Backtrader's reference."""
        self.waiting: list[int] = []
        """Allowed and not yet bound to an order of Backtrader's."""
        self.verdicts: Counter[tuple[str, str]] = Counter()
        self.differ: list[str] = []

    def ask(self, *orders: dict[str, Any]) -> str | None:
        """The rule by which the gate refuses; all of a bracket together."""
        rows = []
        for order in orders:
            self.number += 1
            common = {"trading_session_id": self.session, "key": f"k:{self.number}", "time_in_force": "gtc"}
            rows.append(common | {"intent": "trade"} | order)
        found = self.account.admin.execute(
            "select o.id, o.rule from desk.place_orders((select array_agg(b order by e.place)"
            " from jsonb_array_elements(%s) with ordinality as e (item, place)"
            " cross join lateral jsonb_populate_record(null::desk.broker_orders, e.item) as b), null) as o",
            (psycopg.types.json.Jsonb(rows),),
        ).fetchall()
        self.waiting = [number for number, _ in found]
        rule: str | None = found[0][1]
        return rule

    def bar(self, strategy: Any) -> None:
        time = bt.num2date(strategy.datas[0].datetime[0]).replace(tzinfo=dt.UTC)
        self.account.bar(self.session, time, *(data.close[0] for data in strategy.datas))

    def notified(self, order: Any) -> None:
        number = self.orders.get(order.ref)
        if number is None or order.status in (order.Submitted, order.Accepted):
            return
        self.take()
        if order.executed.size:
            assert order.status == order.Completed
            self.account.value(
                "select desk.record_execution(%s, %s, %s, 1, %s::bigint, %s, %s, %s, now(), %s)",
                self.account.name, self.account.link, f"{self.session}:{number}", number, order.data._name,
                float(order.executed.size), float(order.executed.price), float(order.executed.comm),
            )  # fmt: skip
        else:
            state = "cancelled" if order.status == order.Canceled else "rejected"
            self.account.value(
                "select desk.record_order_state(%s, %s, %s::bigint, %s)",
                self.account.name, self.account.link, number, state,
            )  # fmt: skip
        del self.orders[order.ref]

    def cancelled(self, order: Any) -> None:
        if number := self.orders.get(order.ref):
            self.account.value("select desk.cancel_order(%s::bigint, 'strategy', 'test')", number)

    def take(self) -> None:
        self.account.value(
            "select count(*) from desk.take_orders(%s, %s, 1000)", self.account.name, self.account.link
        )


def kind(request: OrderRequest) -> dict[str, Any]:
    """An order's terms as the gate has them."""
    options = request.options
    found: dict[str, Any] = {"symbol": request.symbol, "quantity": float(request.size), "type": "market"}
    if options.get("exectype") == bt.Order.Limit:
        found |= {"type": "limit", "limit_price": float(options["price"])}
    elif options.get("exectype") == bt.Order.Stop:
        found |= {"type": "stop", "stop_price": float(options["price"])}
    return found


def strategy(mirror: Mirror, limits: RiskLimits, seed: int) -> type[BaseStrategy]:
    draw = random.Random(seed)

    class Both(BaseStrategy):
        def __init__(self) -> None:
            super().__init__()
            self.before_each_bar(lambda: mirror.bar(self))
            self.risk = RiskManager(self, limits)
            self.bracket: list[dict[str, Any]] = []
            refusal, sent, cancel = self.risk.refusal, self.risk.sent, self.broker.cancel

            def both(request: OrderRequest) -> str | None:
                message = refusal(request)
                if request.parent is not None:
                    assert message is None, "it closes what its parent opens"
                    return None
                terms = kind(request)
                oco = request.options.get("oco")
                if oco is not None and oco.ref in mirror.orders:
                    terms["oco_id"] = mirror.orders[oco.ref]
                rule = mirror.ask(terms, *self.bracket)
                self.bracket = []
                mirror.verdicts["refused" if message else "allowed", rule or "allowed"] += 1
                if (message is None) != (rule is None):
                    mirror.differ.append(f"bar {len(self)}, {terms}: {message!r}, gate {rule!r}")
                return message or rule

            def bind(request: OrderRequest, order: Any) -> None:
                sent(request, order)
                if mirror.waiting:
                    mirror.orders[order.ref] = mirror.waiting.pop(0)

            def give_up(order: Any, **options: Any) -> Any:
                done = cancel(order, **options)
                # Backtrader cancels no order on the bar on which it was sent.
                if done:
                    mirror.cancelled(order)
                return done

            self.risk.refusal = both  # type: ignore[method-assign]
            self.risk.sent = bind  # type: ignore[method-assign]
            self.broker.cancel = give_up

        def notify_order(self, order: Any) -> None:
            mirror.notified(order)

        def next(self) -> None:
            for _ in range(draw.randrange(4)):
                self.act(draw.choice(self.datas), draw.choice((1, -1)), draw.randrange(1, 60))

        def act(self, data: Any, sign: int, size: int) -> None:
            close, send = data.close[0], self.buy if sign > 0 else self.sell
            match draw.randrange(8):
                case 0 | 1 | 2:
                    send(data, size)
                case 3:
                    send(data, size, exectype=bt.Order.Limit, price=close * (1 - sign * 0.01))
                case 4:
                    send(data, size, exectype=bt.Order.Stop, price=close * (1 + sign * 0.01))
                case 5:
                    first = send(data, size, exectype=bt.Order.Limit, price=close * (1 - sign * 0.02))
                    if first is not None:
                        send(data, size, exectype=bt.Order.Stop, price=close * (1 + sign * 0.02), oco=first)
                case 6:
                    exits = {"symbol": data._name, "quantity": float(-sign * size)}
                    stop, target = close * (1 - sign * 0.03), close * (1 + sign * 0.03)
                    self.bracket = [
                        exits | {"type": "stop", "stop_price": stop},
                        exits | {"type": "limit", "limit_price": target},
                    ]
                    bracket = self.buy_bracket if sign > 0 else self.sell_bracket
                    bracket(data=data, size=size, exectype=bt.Order.Market, stopprice=stop, limitprice=target)
                    self.bracket = []
                case _:
                    if pending := list(self.pending_orders(data)):
                        self.broker.cancel(draw.choice(pending))

    return Both


def prices(seed: int) -> list[Any]:
    """The symbols on the same days, with some that fall enough to lose a limit."""
    draw = random.Random(seed)
    found = []
    for symbol in SYMBOLS:
        price, rows = 100.0, []
        for session in sessions("2020-01-07", BARS):
            opened = price * (1 + draw.gauss(0, 0.01))
            price = opened * (1 + draw.gauss(0, 0.02))
            high, low = max(opened, price) * 1.005, min(opened, price) * 0.995
            rows.append((session.date, opened, high, low, price, 1e6))
        found.append(series_of(symbol, rows))
    return found


@pytest.fixture(scope="module")
def account(desk: Desk) -> Iterator[Account]:
    with desk.connect("admin") as admin:
        yield open_account(admin)


@pytest.mark.parametrize("number", range(len(LIMITS)))
def test_both_refuse_the_same_orders(account: Account, number: int) -> None:
    limits = LIMITS[number]
    account.admin.execute("begin")
    try:
        for name, threshold in limits.items():
            account.limit(name, threshold, of_account=False)
        mirror = Mirror(account, account.session(clock="stream"))
        none = dict.fromkeys(RiskLimits().as_dict()) | {
            "flatten_on_daily_loss": False, "flatten_on_drawdown": False,
        }  # fmt: skip
        played(strategy(mirror, RiskLimits.of(none | limits), number), *prices(number))
    finally:
        account.admin.execute("rollback")
    assert mirror.differ == []
    refused = sum(count for (said, _), count in mirror.verdicts.items() if said == "refused")
    assert refused >= 10, mirror.verdicts
    assert sum(mirror.verdicts.values()) - refused >= 10, mirror.verdicts
