"""What a file has beside its bars: adjusted closes, splits, dividends, and words that part two series."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from runners.prices.bars import Bars
from runners.prices.notation import EMPTY, Faults
from runners.prices.series import Factor, PriceError
from runners.prices.stated_factors import from_adjusted, from_events
from runners.prices.time_texts import is_clock, is_time

EVENTS = {"adjusted": float("nan"), "split": 0.0, "dividend": 0.0}
"""Columns that state factors, and what an empty cell of theirs is."""

Figures = Callable[[str, float | None], tuple[np.ndarray, Faults, int]]


def read_events(columns: Sequence[str], figures: Figures) -> tuple[dict[str, np.ndarray], Faults]:
    """The columns of these that state factors, as numbers, and what is wrong by row."""
    events: dict[str, np.ndarray] = {}
    faults: Faults = {}
    for name, empty in EVENTS.items():
        if name in columns:
            events[name], wrong, _ = figures(name, empty)
            faults |= wrong
    return events, faults


def half_digit(cells: Sequence[str]) -> float:
    """Half of the last digit behind the decimal mark that any of the cells has."""
    ends = [cell.strip().replace(",", ".").rpartition(".") for cell in cells]
    digits = max((len(end) for _, mark, end in ends if mark), default=0)
    return 0.5 * 10.0 ** -min(digits, 15)


def factors_of(
    bars: Bars, events: dict[str, np.ndarray], rounding: tuple[float, float]
) -> tuple[tuple[Factor, ...] | None, tuple[str, ...]]:
    """Factors from the events of bars in order of time; None where the file states none.

    `rounding` is half of the last digit of adjusted closes and of closes.
    """
    if not events or len(bars) < 2 or bool(np.any(np.diff(bars.times) <= 0)):
        return None, ()
    days = [dt.date(1970, 1, 1) + dt.timedelta(microseconds=int(time)) for time in bars.times]
    adjusted = events.get("adjusted")
    if "split" in events or "dividend" in events:
        return from_events(days, bars.close, events.get("split"), events.get("dividend"), adjusted)
    assert adjusted is not None
    if not np.all(np.isfinite(adjusted) & (adjusted > 0)):
        return None, ("its adjusted closes are not all positive numbers: not used",)
    return from_adjusted(days, bars.close, adjusted, rounding)


def refuse_two_in_one(
    place: str, name: str, cells: Sequence[str], times: np.ndarray, lines: Sequence[int]
) -> None:
    """Raises PriceError where a column of words cuts one symbol's rows into blocks, or its dates repeat."""
    words = [cell.strip() for cell in cells]
    kinds = {word for word in words if word.lower() not in EMPTY}
    if not 1 < len(kinds) <= len(words) / 2 or any(_is_value(word) for word in kinds):
        return
    changes = [row for row, (before, word) in enumerate(pairwise(words), start=1) if before != word]
    if len(changes) >= len(kinds) and len(np.unique(times)) == len(times):
        return
    row = changes[0]
    raise PriceError(
        f"{place}:{lines[row]}: {name or 'a column'} changes from {words[row - 1]!r} to {words[row]!r}: "
        "two series in one?",
        hint=f"--columns with symbol={name} splits the file, --columns without it reads one series",
    )


def _is_value(word: str) -> bool:
    return any(character.isdigit() for character in word) and (
        is_time(word) or is_clock(word) or word.strip("+-$€£%.,KMBkmb0123456789 ") == ""
    )
