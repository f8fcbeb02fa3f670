"""What the processes of a session are told of it, as `session_terms()` answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from runners.engines.base import Commission
from runners.live.paper_broker import Account


@dataclass(frozen=True)
class SessionTerms:
    """One session. `begins` is in UTC seconds: earlier bars only warm up. `speed` is seconds of bars a
    second, 0 as fast as it goes. A session of the clock `stream` is a replay."""

    trading_session_id: int
    account: str
    account_id: int
    strategy: str
    entry_point: str
    parameters: Mapping[str, Any]
    symbols: tuple[str, ...]
    timeframe: str
    commission: Commission
    slippage: float
    clock: str
    code_hash: str
    code_copy: str
    seed: int
    risk_limits: Mapping[str, float] | None
    memory_mb: float
    seconds_per_step: float
    speed: float
    cash: float
    bar_seconds: int
    begins: int
    session_days: tuple[tuple[str, int], ...]
    newest_row: int

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> SessionTerms:
        """Numbers without a fraction come as integers, and what a newer desk adds is not for this code."""
        values = {one.name: document[one.name] for one in fields(cls)}
        for name in ("slippage", "memory_mb", "seconds_per_step", "speed", "cash"):
            values[name] = float(values[name])
        values["symbols"] = tuple(values["symbols"])
        values["commission"] = Commission(
            **{name: float(value) for name, value in values["commission"].items()}
        )
        days = values["session_days"] or ()
        values["session_days"] = tuple((str(zone), int(begins)) for zone, begins in days)
        if values["risk_limits"] is not None:
            values["risk_limits"] = {name: float(value) for name, value in values["risk_limits"].items()}
        return cls(**values)

    @property
    def is_replay(self) -> bool:
        return self.clock == "stream"

    def opened_with(self, cash: float) -> Account:
        """The account that both sides give to Backtrader's broker."""
        return Account(cash, self.commission, self.slippage)
