"""What a strategy may risk: the limits of `RiskManager`, from code, a dict, YAML or rows of the database."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

FRACTIONS = {"max_daily_loss": 1, "max_drawdown": 1, "max_concentration": 10, "max_position_pct": 10}
HIGHEST: dict[str, float] = {
    **FRACTIONS,
    "max_leverage": 100,
    "max_position_value": 1e12,
    "max_position_shares": 1e12,
    "max_positions": 1e6,
    "max_orders_per_day": 1e6,
}
"""As `desk.risk_limit_definitions` has them: a strategy knows its limits also where there is no database."""


class RiskLimitError(ValueError):
    """A limit has an unknown name or an impossible threshold."""


@dataclass(frozen=True)
class RiskLimits:
    """None is no limit. Sizes may reach a limit, losses may not: a loss of exactly 2 % ends the day.

    Position limits count, beside the position, all of its pending orders as if they were filled.
    """

    max_position_shares: float | None = None
    max_position_value: float | None = None
    """Money, at the order's price."""
    max_position_pct: float | None = None
    """Share of the portfolio's value that an order may bring a position to."""
    max_concentration: float | None = 0.25
    """Share of the portfolio's value that a position may have; a warning where its price carries it above."""
    max_leverage: float | None = 1.0
    """Gross value of all positions over the portfolio's value."""
    max_positions: int | None = 20
    max_orders_per_day: int | None = 100
    """All orders count; only those that add exposure are refused, so that a position can always be left."""
    max_daily_loss: float | None = 0.02
    """Share of the value at the day's begin; nothing is entered again before the next session opens."""
    max_drawdown: float | None = 0.20
    """Share of the highest value; nothing is entered again before `resume` is called."""
    flatten_on_daily_loss: bool = False
    flatten_on_drawdown: bool = True
    """Close every position when that limit is reached."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.startswith("flatten"):
                if not isinstance(value, bool):
                    raise RiskLimitError(f"{field.name} is {value!r}; expected true or false")
            elif value is not None and not _is_threshold(value):
                raise RiskLimitError(f"{field.name} is {value!r}; expected a number from 0 on, or nothing")
            elif value is not None and value > HIGHEST[field.name]:
                fraction = " It is a fraction: 0.02 is 2%." if field.name in FRACTIONS else ""
                highest = f"{HIGHEST[field.name]:g}"
                raise RiskLimitError(
                    f"{field.name} is {value!r}; expected at most {highest}, or nothing.{fraction}"
                )

    @classmethod
    def of(cls, limits: RiskLimits | Mapping[str, object] | str | Path | None) -> RiskLimits:
        """From what RiskManager is given: a mapping's missing names keep their defaults, None is no limit."""
        if limits is None:
            return cls()
        if isinstance(limits, RiskLimits):
            return limits
        if isinstance(limits, str | Path):
            return cls.from_yaml(limits)
        if not isinstance(limits, Mapping):
            raise RiskLimitError(f"expected limits by name, received {limits!r}")
        known = {field.name: field for field in fields(cls)}
        unknown = sorted(set(map(str, limits)) - set(known))
        if unknown:
            raise RiskLimitError(f"unknown risk limit {unknown[0]!r}; known are: {', '.join(known)}")
        values: dict[str, Any] = {}
        for name, value in limits.items():
            # Rows of the database hold numbers only.
            if name.startswith("flatten") and value in (0, 1):
                value = bool(value)
            values[name] = value
        return cls(**values)

    @classmethod
    def from_yaml(cls, path: str | Path) -> RiskLimits:
        """A file of `name: threshold`, alone or under the key `risk_limits`."""
        import yaml

        try:
            document = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise RiskLimitError(f"risk limits cannot be read from {path}: {error}") from error
        if not isinstance(document, dict):
            raise RiskLimitError(f"{path} holds {type(document).__name__}; expected limits by name")
        return cls.of(document.get("risk_limits", document))

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[str, float | None]]) -> RiskLimits:
        """Rows of the table `risk_limits`: name and threshold."""
        return cls.of({name: None if value is None else float(value) for name, value in rows})

    def as_dict(self) -> dict[str, object]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _is_threshold(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
    )
