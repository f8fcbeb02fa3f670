"""How values are written for people: on the terminal, in files and on the page alike.

What SQL writes into its sentences is written by `desk.show_number`, by the rule of `metric_text`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

NOTHING = "–"  # noqa: RUF001
"""What stands where there is no value."""


def metric_text(value: float | None, unit: str, decimals: int) -> str:
    """A value of `metric_definitions` in its unit: fractions as per cents, money without a currency."""
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return str(Decimal(value))
    if unit == "fraction":
        return f"{_rounded(value, decimals, 100)}%"
    return _rounded(value, decimals)


def per_cent(fraction: float | None, decimals: int = 1) -> str:
    return metric_text(fraction, "fraction", decimals)


def number(value: float | None, decimals: int = 2) -> str:
    return metric_text(value, "ratio", decimals)


def count(value: float | None) -> str:
    return metric_text(value, "count", 0)


def amount(value: float | None) -> str:
    """Money or shares: whole as it is, below 1 with four digits that count, else with two decimals."""
    if value is None:
        return NOTHING
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if abs(value) < 1 else number(value)


def moment(at: datetime | None) -> str:
    """A time with its zone."""
    return NOTHING if at is None else at.strftime("%Y-%m-%d %H:%M:%S %Z")


def window_text(first: date | None, last: date | None) -> str:
    """A run's window; empty where nobody stated it."""
    return f"{first} to {last}" if first and last else ""


def duration_text(duration: timedelta | None) -> str:
    """Days, hours, minutes and seconds, the two largest that count."""
    if duration is None:
        return NOTHING
    seconds = int(duration.total_seconds())
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        whole, seconds = divmod(seconds, size)
        if whole or (unit == "s" and not parts):
            parts.append(f"{whole} {unit}")
    return " ".join(parts[:2])


def symbols_text(symbols: Sequence[str], shown: int = 4) -> str:
    """The first symbols, and how many more there are."""
    more = len(symbols) - shown
    return " ".join(symbols[:shown]) + (f" +{more}" if more > 0 else "")


def parameters_text(parameters: Mapping[str, Any]) -> str:
    """Parameters as name=value, by name."""
    return " ".join(f"{name}={value}" for name, value in sorted(parameters.items()))


def _rounded(value: float, decimals: int, times: int = 1) -> str:
    """Halves of the digits that people see go away from zero, as PostgreSQL's numeric has it."""
    with localcontext(rounding=ROUND_HALF_UP):
        return f"{Decimal(str(value)) * times:z,.{decimals}f}"
