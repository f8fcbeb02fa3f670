"""Terms of a contract: what a unit stands for, what may be quoted and ordered, what a position must have."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

ROUNDING = 1e-9


@dataclass(frozen=True)
class Contract:
    """`multiplier` is the money that one unit gains when its price rises by 1. `margin` is the money a unit
    that a position needs, None where it is paid in full. `tick` is the smallest step of its price, `lot`
    what an order is a multiple of; None where nobody told, which of lots means whole units."""

    multiplier: float = 1.0
    tick: float | None = None
    lot: float | None = None
    margin: float | None = None

    def cost(self, price: float) -> float:
        """Cash that one unit takes out of the account when it is bought."""
        return price if self.margin is None else self.margin

    def whole_lots(self, units: float) -> float:
        """So many units at most, as a multiple of the lot."""
        if self.lot is None:
            return math.floor(units)
        lots = math.floor(units / self.lot * (1.0 + ROUNDING))
        # 3 * 0.1 is 0.30000000000000004.
        return float(f"{lots * self.lot:.12g}")

    def rounded(self, price: float) -> float:
        """The price on its tick that is nearest."""
        return price if self.tick is None else float(f"{round(price / self.tick) * self.tick:.12g}")


SHARE = Contract()
"""Of a share: paid in full, whole units."""


def contract_of(data: Any) -> Contract:
    """Terms of a feed, which an engine sets as `data.contract`; a share's where none did."""
    found: Contract = getattr(data, "contract", None) or SHARE
    return found
