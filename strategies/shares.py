"""Shares of the day: adjusted prices are those of the series' end, and so are the shares that one buys.

Before a split fewer shares were traded at a higher price. What counts shares (whole ones, a fee a share, a
limit) counts those of the bar's own day; what a strategy writes as a size stays in adjusted shares.
"""

from __future__ import annotations

import math
from typing import Any

from strategies.contracts import contract_of

ROUNDING = 1e-9


def day_shares(data: Any) -> float:
    """Shares of the bar's own day that one adjusted share is: 1/28 before splits of 7:1 and 4:1.

    `data.splits`, which an engine sets, has for each later split the time number of its first bar and the
    factor before it, oldest first; a feed without it has no splits.
    """
    steps = getattr(data, "splits", None)
    if steps:
        now = data.datetime[0]
        for until, factor in steps:
            if now < until:
                return float(factor)
    return 1.0


def whole(shares: float, data: Any) -> float:
    """Adjusted shares that are whole shares of the day, or whole lots, rounded towards none."""
    contract = contract_of(data)
    if contract.lot is not None:
        return math.copysign(contract.whole_lots(abs(shares)), shares)
    factor = day_shares(data)
    if factor == 1.0:
        return int(shares)
    return clean(int(shares * factor * (1.0 + ROUNDING)) / factor)


def clean(shares: float) -> float:
    """A whole number where it is one but for rounding."""
    nearest = round(shares)
    return nearest if math.isclose(shares, nearest, rel_tol=ROUNDING, abs_tol=ROUNDING) else shares
