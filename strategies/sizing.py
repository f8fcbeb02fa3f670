"""How many shares to buy: four rules, each a function of numbers, and the strategy's way to call them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

from strategies import run_context
from strategies.contracts import Contract, contract_of
from strategies.parameters import ParameterError
from strategies.shares import whole

Sizing = Literal["share", "risk", "volatility", "fixed"]
DEFAULTS: dict[str, Any] = {
    "sizing": "share",
    "risk_per_trade": 0.01,
    "stop_distance": 0.05,
    "volatility_target": 0.15,
    "volatility_period": 20,
    "fixed_size": 100,
}
"""Options that a strategy may declare as parameters of its own; else these hold.

`risk_per_trade` is a share of the portfolio, `stop_distance` a share of the price, `volatility_target` a
yearly standard deviation of the position's value over the portfolio's, `volatility_period` counts bars.
"""


def by_risk(value: float, risk: float, price: float, stop: float) -> float:
    """Shares that lose `risk` of `value` when sold at `stop`; the fixed-fraction rule (Vince 1990)."""
    distance = abs(price - stop)
    return value * risk / distance if distance > 0 else 0.0


def by_volatility(value: float, target: float, price: float, closes: Sequence[float]) -> float:
    """Shares whose yearly deviation is `target` of `value`, by the sample deviation of daily log returns."""
    returns = [math.log(after / before) for before, after in pairwise(closes)]
    if len(returns) < 2:
        return 0.0
    deviation = statistics.stdev(returns) * math.sqrt(run_context.current().sessions_a_year)
    return value * target / (deviation * price) if deviation > 0 else 0.0


class PositionSizing:
    """What `BaseStrategy` sizes with."""

    broker: Any
    data: Any
    datas: Any
    params: Any
    order_checks: list[Any]
    pending_orders: Any

    @property
    def traded_feeds(self) -> list[Any]:
        """The run's symbols, without the longer bars that `resample` gives beside them."""
        return [data for data in self.datas if getattr(data, "longer_of", None) is None]

    def option(self, name: str) -> Any:
        """The strategy's parameter or class attribute of this name, else the default."""
        pairs = self.params
        return getattr(pairs, name) if hasattr(pairs, name) else getattr(type(self), name, DEFAULTS[name])

    def calculate_position_size(
        self,
        price: float,
        method: Sizing | None = None,
        *,
        data: Any | None = None,
        stop_price: float | None = None,
    ) -> float:
        """Whole shares of the bar's day to buy at `price`, in adjusted shares.

        Never more than cash pays for or risk limits allow.
        By `method`, else by the strategy's `sizing`: `share` (an equal share of the portfolio a symbol),
        `risk` (lose `risk_per_trade` of the portfolio at `stop_price`), `volatility` (`volatility_target` a
        year) or `fixed` (`fixed_size`). Cash that pending buy orders will need counts as spent.
        """
        if not price > 0:
            return 0
        feed = data if data is not None else self.data
        value = self.broker.getvalue()
        size = min(self._wanted(method or self.option("sizing"), price, stop_price, feed, value),
                   self._affordable(contract_of(feed), price))  # fmt: skip
        for check in self.order_checks:
            size = min(size, check.largest(feed, price))
        return max(0, whole(size, feed))

    def _wanted(self, method: str, price: float, stop: float | None, feed: Any, value: float) -> float:
        # What a position is worth goes by the value of what it stands for.
        worth = price * contract_of(feed).multiplier
        if method == "share":
            return float(value * self.params.position_share / len(self.traded_feeds) / worth)
        if method == "risk":
            stop = price * (1.0 - self.option("stop_distance")) if stop is None else stop
            multiplier = contract_of(feed).multiplier
            return by_risk(value, self.option("risk_per_trade"), worth, stop * multiplier)
        if method == "volatility":
            bars = min(len(feed), self.option("volatility_period") + 1)
            closes = [feed.close[-ago] for ago in range(bars - 1, -1, -1)]
            target = self.option("volatility_target") / len(self.traded_feeds)
            return by_volatility(value, target, worth, closes)
        if method == "fixed":
            return float(self.option("fixed_size"))
        raise ParameterError(f"sizing is {method!r}; expected share, risk, volatility or fixed")

    def _affordable(self, contract: Contract, price: float) -> float:
        # fsum: Python's sum() rounds otherwise from 3.12 on.
        spoken_for = math.fsum(
            order.executed.remsize * contract_of(order.data).cost(order.created.price)
            for order in self.pending_orders()
            if order.isbuy()
        )
        cash = self.broker.getcash() * self.params.position_share - spoken_for
        return float(cash / contract.cost(price))
