"""What `RiskManager` has to say: an event with a severity."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "critical"]


@dataclass(frozen=True)
class RiskEvent:
    """`limit` names the field of RiskLimits; `observed` would be, or is, against `threshold`.

    info: a new day. warning: an order was refused, or a position has grown too large by its price.
    critical: a loss limit is reached, or everything is being closed.
    """

    time: dt.datetime | None
    limit: str
    severity: Severity
    message: str
    observed: float | None = None
    threshold: float | None = None
    symbol: str | None = None
    size: float | None = None
    price: float | None = None


@dataclass(frozen=True)
class Breach:
    """Why an order must not be sent."""

    limit: str
    message: str
    observed: float
    threshold: float
