"""Backtrader's lines as arrays: all of them at once where they are complete, else their newest values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backtrader.linebuffer import LineBuffer

from strategies.signals import PRICES, Bars, Lines

Row = tuple[float, list[dict[str, Any]]]
"""One step: its time, and of each feed the newest values by name."""


def whole_bars(data: Any, made: Mapping[str, Any]) -> Bars:
    """All bars of a feed, and its indicators `made`; the arrays are Backtrader's own."""
    import numpy as np

    def read(line: Any) -> Any:
        return np.frombuffer(line.array)

    return Bars(str(data._name), _arrays(data, made, read))


def newest_bars(data: Any, made: Mapping[str, Any], window: int) -> Bars:
    """At most `window` newest bars."""
    import numpy as np

    count = min(max(1, window), len(data))

    def read(line: Any) -> Any:
        return np.array(line.get(ago=0, size=count))

    return Bars(str(data._name), _arrays(data, made, read))


def _arrays(data: Any, made: Mapping[str, Any], read: Any) -> dict[str, Any]:
    arrays = {name: read(getattr(data.lines, name)) for name in PRICES}
    arrays["time"] = read(data.lines.datetime)
    for name, thing in made.items():
        lines = _lines(thing)
        arrays[name] = (
            read(lines[0][1]) if len(lines) == 1 else Lines({alias: read(line) for alias, line in lines})
        )
    return arrays


def _lines(thing: Any) -> list[tuple[str, Any]]:
    if isinstance(thing, LineBuffer):
        return [("", thing)]
    return [(alias, getattr(thing.lines, alias)) for alias in thing.lines.getlinealiases()]


# The run's clock: one step a time at which any feed has a bar


def newest_at_steps(feeds: Sequence[Bars]) -> list[Bars]:
    """Whole bars of several feeds on one clock: at each step the newest values, NaN before the first bar."""
    import numpy as np

    times = [feed.time for feed in feeds]
    if all(np.array_equal(one, times[0]) for one in times[1:]):
        return list(feeds)
    clock = np.unique(np.concatenate(times))

    def spread(values: Any, places: Any) -> Any:
        return np.where(places < 0, np.nan, values[places])

    found = []
    for feed in feeds:
        places = np.searchsorted(feed.time, clock, side="right") - 1
        arrays: dict[str, Any] = {}
        for name, values in vars(feed).items():
            if isinstance(values, Lines):
                arrays[name] = Lines({alias: spread(one, places) for alias, one in vars(values).items()})
            elif name != "symbol":
                arrays[name] = spread(values, places)
        arrays["time"] = clock
        found.append(Bars(feed.symbol, arrays))
    return found


def newest_row(strategy: Any) -> Row:
    """What the newest step knows, bar by bar."""
    feeds = []
    for data, made in zip(strategy.traded_feeds, strategy.declared, strict=True):
        row: dict[str, Any] = {name: _newest(getattr(data.lines, name), data) for name in PRICES}
        for name, thing in made.items():
            lines = _lines(thing)
            row[name] = (
                _newest(lines[0][1], data)
                if len(lines) == 1
                else {alias: _newest(line, data) for alias, line in lines}
            )
        row["symbol"] = str(data._name)
        feeds.append(row)
    return float(strategy.lines.datetime[0]), feeds


def _newest(line: Any, data: Any) -> float:
    return float(line[0]) if len(data) and len(line) else float("nan")


def rows(kept: Iterable[Row]) -> list[Bars]:
    """Rows of the newest steps as arrays."""
    import numpy as np

    steps = list(kept)
    time = np.array([when for when, _ in steps])
    found = []
    for feed, first in enumerate(steps[0][1]):
        arrays: dict[str, Any] = {"time": time}
        for name, value in first.items():
            column = [feeds[feed][name] for _, feeds in steps]
            if isinstance(value, dict):
                arrays[name] = Lines({alias: np.array([one[alias] for one in column]) for alias in value})
            elif name != "symbol":
                arrays[name] = np.array(column)
        found.append(Bars(first["symbol"], arrays))
    return found
