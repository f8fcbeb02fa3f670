"""LEAN's defaults that decide numbers: fees, the buffer, rounding (QuantConnect/Lean)."""

from __future__ import annotations

import math

import backtrader as bt

FREE_PORTFOLIO_VALUE = 0.0025
"""Share of the portfolio that set_holdings leaves free (AlgorithmSettings.FreePortfolioValuePercentage)."""
MINIMUM_ORDER_MARGIN = 0.001
"""set_holdings skips orders under this share (AlgorithmSettings.MinimumOrderMarginPortfolioPercentage)."""
FEE_PER_SHARE = 0.005
LEAST_FEE = 1.0
GREATEST_FEE_SHARE = 0.005


def equity_fee(quantity: float, price: float) -> float:
    """Interactive Brokers' tier as LEAN charges it: 0.005 a share, at least 1, at most 0.5 % of the value."""
    shares = abs(quantity)
    if not shares:
        return 0.0
    fee = shares * FEE_PER_SHARE
    most = shares * price * GREATEST_FEE_SHARE
    return max(LEAST_FEE, min(fee, most))


class LeanFees(bt.CommInfoBase):  # type: ignore[misc]
    """`equity_fee` as a Backtrader commission scheme, with the leverage of LEAN's margin account."""

    params = (("stocklike", True), ("commtype", bt.CommInfoBase.COMM_FIXED), ("leverage", 2.0))

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
        return equity_fee(size, price)


def target_quantity(value: float, held: float, price: float, fraction: float, *, lean: bool) -> int:
    """Signed whole shares to order so that a position becomes `fraction` of a portfolio worth `value`.

    By LEAN's rules: of the value without its buffer and without this order's fee; nothing where the order is
    smaller than the least margin. Else of the whole value, as Backtrader's order_target_percent.
    """
    if not price > 0:
        return 0
    if not lean:
        return int(value * fraction / price) - int(held)
    if fraction == 0:
        return -int(held)
    quantity, fee = 0.0, 0.0
    # The fee depends on the quantity and the quantity on the fee; it settles at once or falls by one share.
    for _ in range(100):
        target = (value - fee) * (1.0 - FREE_PORTFOLIO_VALUE) * fraction
        quantity = math.trunc((target - held * price) / price)
        if abs(quantity * price) < value * MINIMUM_ORDER_MARGIN:
            return 0
        new_fee = equity_fee(quantity, price)
        if new_fee <= fee:
            break
        fee = new_fee
    return int(quantity)
