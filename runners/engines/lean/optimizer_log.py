"""What LEAN's optimizer says in its `log.txt`: the only place that knows which backtest had which parameters
when a result file is missing, and whether the optimization came to its end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runners.engines.lean.documents import text

_LAUNCHED = re.compile(r"launched backtest '([^']{1,80})' with parameters '(.*?)'\s*$")
_FAILED = re.compile(r"Got null/empty backtest result for backtest id '([^']{1,80})'")
_PROGRESS = re.compile(r"SendUpdate\(\): (\d{1,9}) Completed:(\d{1,9}), Failed:(\d{1,9}), Running:(\d{1,9})")
_REACHED = re.compile(
    r"Result for Target: (\S+) at: (\S+): was reached using ParameterSet: .* backtestId '([^']+)'"
)
_ENDED = "Optimization has ended."
_LAUNCH = "launched backtest '"
_MAX_BYTES = 256 << 20


@dataclass(frozen=True)
class OptimizerLog:
    """`parameters` by backtest id, in order of their start; `ended` is False of an optimization cut off."""

    parameters: Mapping[str, dict[str, str]] = field(default_factory=dict)
    failed: frozenset[str] = frozenset()
    ended: bool = False
    target: str = ""
    best: str = ""
    """Backtest that the optimizer named the winner: of equals the first to finish."""
    completed: int = 0
    errors: tuple[str, ...] = ()
    """Its ERROR lines, the last few."""


def read_optimizer_log(path: Path) -> OptimizerLog | None:
    """The log of an optimizer; None where the file is none, such as the log of a single backtest."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    if _LAUNCH not in content and "LeanOptimizer" not in content:
        return None
    parameters: dict[str, dict[str, str]] = {}
    failed, errors = set(), []
    target = best = ""
    completed = 0
    for line in content.splitlines():
        if (found := _LAUNCHED.search(line)) is not None:
            parameters[found[1]] = parameter_set(found[2])
        elif (found := _FAILED.search(line)) is not None:
            failed.add(found[1])
        elif (found := _REACHED.search(line)) is not None:
            target, best = found[1].replace("['", "").replace("']", ""), found[3]
        elif (found := _PROGRESS.search(line)) is not None:
            completed = int(found[2])
        elif "ERROR::" in line:
            errors.append(text(line.partition("ERROR::")[2].strip(), 300))
    return OptimizerLog(
        parameters, frozenset(failed), _ENDED in content, target, best, completed, tuple(errors[-5:])
    )


def parameter_set(words: str) -> dict[str, str]:
    """`fast_sma:5,slow_sma:40` by name; a value may hold a colon, a name may not."""
    found: dict[str, str] = {}
    last = ""
    for part in words.split(","):
        name, colon, value = part.partition(":")
        if colon:
            last = text(name.strip(), 200)
            found[last] = text(value.strip(), 500)
        elif last:
            # A comma inside of a value.
            found[last] = f"{found[last]},{text(part, 500)}"
    return found
