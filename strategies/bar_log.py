"""A strategy's log: lines with the bar's time, bounded, silent unless somebody listens."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from strategies.bar_time import moment

LOG_LIMIT = 1_000
Level = Literal["debug", "info", "warning", "error", "critical"]


@dataclass(frozen=True)
class LogRecord:
    """One line of the log; `time` is the bar's, naive in UTC, None before the first bar."""

    time: dt.datetime | None
    level: Level
    text: str
    values: Mapping[str, object] = field(default_factory=dict)


class BarLog:
    """What `BaseStrategy` logs with."""

    print_log: bool = False
    log_sink: Callable[[dt.datetime | None, str], None] | None = None
    lines: Any

    def prepare_log(self) -> None:
        self.log_records: deque[LogRecord] = deque(maxlen=LOG_LIMIT)
        self.log_lines: deque[str] = deque(maxlen=LOG_LIMIT)

    # `dt` is the name that Backtrader's own examples give this argument.
    def log(
        self, text: str, dt: dt.datetime | None = None, *, level: Level = "info", **values: object
    ) -> None:
        """Keep `text` with the bar's time (the last 1,000 lines); pass it to `log_sink` where one is set."""
        when = dt if dt is not None else self.bar_time()
        self.log_records.append(LogRecord(when, level, text, values))
        shown = text if level == "info" else f"{level}: {text}"
        if values:
            shown += "  " + " ".join(f"{name}={value}" for name, value in values.items())
        line = f"{when.isoformat(sep=' ') if when else 'before the first bar'}  {shown}"
        self.log_lines.append(line)
        if self.log_sink is not None:
            self.log_sink(when, shown)
        if self.print_log:
            print(line)

    def debug(self, text: str) -> None:
        self.log(text, level="debug")

    def error(self, text: str) -> None:
        self.log(text, level="error")

    def bar_time(self) -> dt.datetime | None:
        """Time of the newest bar: UTC, when it began; daily bars at 00:00. None before the first."""
        # len() is Backtrader's count of bars; before the first the line holds zero or NaN.
        number = self.lines.datetime[0] if len(self) else 0.0  # type: ignore[arg-type]
        return moment(number) if number > 0 else None
