"""What one backtest is asked to do."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runners.errors import DeskError
from strategies.parameters import ParameterError, Value, convert_all
from strategies.registry import ENGINE, RegisteredStrategy, StrategyError, admit_file, resolve


class RequestError(DeskError):
    """A backtest that cannot be run as it was asked for."""


@dataclass(frozen=True)
class BacktestRequest:
    """`commission` and `slippage` are fractions of the traded value; a window without end is that of the
    prices."""

    entry: RegisteredStrategy
    symbols: tuple[str, ...]
    parameters: Mapping[str, Value] = field(default_factory=dict)
    timeframe: str = "1d"
    start: dt.date | None = None
    end: dt.date | None = None
    cash: float = 100_000.0
    commission: float = 0.001
    slippage: float = 0.0
    seed: int = 0
    resample: tuple[str, ...] | None = None
    """Longer timeframes; None is what the strategy asks for."""

    def __post_init__(self) -> None:
        if not self.symbols:
            raise RequestError("no symbol is named", hint="such as --symbols AAPL,IBM")
        if self.start and self.end and self.end < self.start:
            raise RequestError(f"the window ends on {self.end}, before it starts on {self.start}")
        if not self.cash > 0:
            raise RequestError(f"the starting cash is {self.cash:g}", hint="it must be above 0")


def strategy_named(text: str) -> RegisteredStrategy:
    """The registered strategy of that name, or the one in that file (`FILE.py`, or `FILE.py:NAME`), which
    Backtrader runs: another engine's would do nothing here, and look as if it had been tried."""
    entry = _entry(text)
    if entry.engine != ENGINE:
        raise RequestError(
            f"{entry.name} is a strategy of the engine {entry.engine}, which runs it from the queue only",
            hint=f"a config of one point: backdesk run FILE, with strategy: {entry.name}",
        )
    return entry


def _entry(text: str) -> RegisteredStrategy:
    file, _, name = text.partition(".py")
    try:
        if text.endswith(".py") or ".py:" in text:
            return admit_file(Path(file + ".py"), name.removeprefix(":") or None)
        return resolve(text)
    except StrategyError as error:
        hint = None
        if "/" in text or Path(text + ".py").is_file():
            hint = "a file is named with its ending: --strategy my_strategy.py"
        raise RequestError(str(error), hint=hint) from error


def symbols_in(text: str) -> tuple[str, ...]:
    """Symbols separated by commas or blanks, in upper case, each once."""
    return tuple(dict.fromkeys(text.replace(",", " ").upper().split()))


def parameters_from(entry: RegisteredStrategy, pairs: Sequence[str]) -> dict[str, Value]:
    """`period=20` and the like as typed values; also several in one text, separated by commas."""
    values: dict[str, object] = {}
    for pair in (one for text in pairs for one in text.split(",") if one.strip()):
        name, equals, value = pair.partition("=")
        if not equals:
            raise RequestError(f"--params {pair!r} has no value", hint="write name=value, such as period=20")
        default = entry.untyped.get(name.strip())
        if default is not None:
            raise RequestError(
                f"strategy {entry.name}: parameter {name.strip()!r} has a default of {default}, which has no "
                "type",
                hint="give it a number, a text, True or False as default",
            )
        values[name.strip()] = _value(value.strip())
    try:
        return convert_all(entry.parameters, values)
    except ParameterError as error:
        raise RequestError(f"strategy {entry.name}: {error}") from error


def _value(text: str) -> object:
    try:
        return json.loads(text.lower() if text.lower() in ("true", "false") else text)
    except json.JSONDecodeError:
        return text
