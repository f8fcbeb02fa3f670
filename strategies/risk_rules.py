"""Which orders break a limit: a function of the account, the pending orders and the order itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from strategies.contracts import contract_of
from strategies.exposure import Reach, reach
from strategies.order_flow import OrderRequest
from strategies.risk_events import Breach
from strategies.risk_limits import RiskLimits
from strategies.shares import clean, day_shares

TINY = 1e-9
"""Relative: a position of exactly the limit must not fail on the last bit of a product."""


@dataclass(frozen=True)
class State:
    """What the day has brought: the limit that halts entries, if one does, and the orders sent."""

    halted: str
    orders_today: int


class RiskRules:
    """Judges the orders of one strategy; remembers nothing but a plain strategy's own orders."""

    def __init__(self, strategy: Any, limits: RiskLimits) -> None:
        self.strategy = strategy
        self.limits = limits
        self.own_orders: list[Any] = []

    def breach(self, request: OrderRequest, state: State) -> Breach | None:
        """The first limit that the order would break; None where it keeps all, or only reduces."""
        size, price = request.size, request.price
        if not (math.isfinite(size) and math.isfinite(price) and price > 0):
            return Breach("order", f"No order of {size} at {price}", math.nan, 0.0)
        held = self.reach(request.data)
        if not size or held.reduces(size) or _protects(request):
            return None
        if state.halted:
            return Breach(state.halted, f"Trading is halted: {state.halted}", 1.0, 0.0)
        limits, value = self.limits, self.value()
        worst = held.with_order(size).worst
        worth = worst * price * contract_of(request.data).multiplier
        gross = self._gross(except_for=request.data) + worth
        checks: list[tuple[str, str, float, float | None]] = [
            ("max_orders_per_day", "Orders today", state.orders_today + 1, limits.max_orders_per_day),
            (
                "max_position_shares",
                "Position in shares",
                worst * day_shares(request.data),
                limits.max_position_shares,
            ),
            ("max_position_value", "Position value", worth, limits.max_position_value),
            ("max_position_pct", "Position share", share(worth, value), limits.max_position_pct),
            ("max_concentration", "Concentration", share(worth, value), limits.max_concentration),
            ("max_leverage", "Leverage", share(gross, value), limits.max_leverage),
            ("max_positions", "Open positions", self._positions(request.data), limits.max_positions),
        ]
        for name, what, observed, threshold in checks:
            if threshold is not None and observed > threshold * (1 + TINY):
                shown = f"{what}: {observed:,.6g} > {threshold:,.6g}"
                return Breach(name, shown, float(observed), float(threshold))
        return None

    def largest(self, data: Any, price: float, state: State) -> float:
        """Whole shares of the day that could be bought at `price`; inf where nothing bounds them."""
        limits, value, held = self.limits, self.value(), self.reach(data)
        worth = price * contract_of(data).multiplier
        bounds = [math.inf]
        if limits.max_position_shares is not None:
            bounds.append(limits.max_position_shares / day_shares(data) - held.most)
        if limits.max_position_value is not None:
            bounds.append(limits.max_position_value / worth - held.most)
        for part in (limits.max_position_pct, limits.max_concentration):
            if part is not None:
                bounds.append(part * value / worth - held.most)
        if limits.max_leverage is not None:
            room = limits.max_leverage * value - self._gross(except_for=data)
            bounds.append(room / worth - held.most)
        most = min(bounds)
        if most == math.inf:
            return most if self.breach(OrderRequest(data, 1, price, {}), state) is None else 0
        factor = day_shares(data)
        shares = max(0, math.floor(most * factor * (1 + TINY)))
        # A bound that the division rounded up is a share too many.
        for fewer in (shares, shares - 1):
            size = fewer if factor == 1.0 else clean(fewer / factor)
            if fewer > 0 and self.breach(OrderRequest(data, size, price, {}), state) is None:
                return size
        return 0

    def reach(self, data: Any) -> Reach:
        return reach(self.strategy.broker.getposition(data).size, self.pending(data))

    def pending(self, data: Any) -> list[Any]:
        """Orders that may still be filled."""
        if hasattr(self.strategy, "pending_orders"):
            return list(self.strategy.pending_orders(data))
        self.own_orders = [order for order in self.own_orders if order.alive()]
        return [order for order in self.own_orders if order.data is data]

    def value(self) -> float:
        return float(self.strategy.broker.getvalue())

    def _gross(self, *, except_for: Any) -> float:
        others = (data for data in self.strategy.datas if data is not except_for and len(data))
        return float(
            sum(self.reach(data).worst * data.close[0] * contract_of(data).multiplier for data in others)
        )

    def _positions(self, adding: Any) -> int:
        """Symbols that have, or will have, a position."""
        return 1 + sum(1 for data in self.strategy.datas if data is not adding and self.reach(data).worst)


def _protects(request: OrderRequest) -> bool:
    """True of a bracket's stop or target: it can only close what its parent opens."""
    parent = request.parent
    return (
        parent is not None
        and parent.isbuy() == (request.size < 0)
        and abs(request.size) <= abs(parent.created.size)
    )


def share(part: float, whole: float) -> float:
    """A fraction; infinite of an account that is worth nothing."""
    if whole > 0:
        return part / whole
    return math.inf if part > 0 else 0.0
