"""Local times as UTC, through the hours that a clock shows twice or never."""

from __future__ import annotations

from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from runners.prices.notation import Faults

_HOURS = 3_600_000_000


def to_utc(local: np.ndarray, zone: ZoneInfo) -> tuple[np.ndarray, Faults, tuple[str, ...]]:
    """Microseconds since 1970 by that zone's clock as UTC, what is wrong by row, and what to say.

    Of an hour that comes twice the first pass is before the change: order tells which. Rows are of one
    symbol, in order of time or the other way round.
    """
    import pandas

    clock = pandas.DatetimeIndex(local.view("datetime64[us]"))
    # pandas wants to be told for every row whether summer time holds, also where there is no doubt.
    summer, winter = (
        clock.tz_localize(zone, ambiguous=np.full(len(local), dst), nonexistent="NaT")
        for dst in (True, False)
    )
    never = summer.isna()
    faults = {
        int(row): f"time is {clock[row]:%Y-%m-%d %H:%M:%S}, which no clock in {zone} showed"
        for row in np.flatnonzero(never)
    }
    first = summer.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    second = winter.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    twice = np.flatnonzero((first != second) & ~never)
    if not len(twice):
        return first, faults, ()
    backwards = len(local) > 1 and local[0] > local[-1]
    rows = [int(row) for row in (twice[::-1] if backwards else twice)]
    late = {rows[0]: False}
    repeated = {rows[0]: False}
    group = rows[0]
    for before, row in pairwise(rows):
        if abs(int(local[row]) - int(local[before])) > 3 * _HOURS:
            group, late[row], repeated[row] = row, False, False
        else:
            late[row] = late[before] or local[row] <= local[before]
            repeated[group] = repeated[group] or late[row]
    result = first.copy()
    for row in rows:
        if late[row]:
            result[row] = second[row]
    once = [row for row, again in repeated.items() if not again]
    said = (
        f"{clock[once[0]]:%Y-%m-%d %H:%M} stands once, where {zone} has it twice: taken as the first"
        if once
        else ""
    )
    more = f" (and {len(once) - 1} more such days)" if len(once) > 1 else ""
    return result, faults, (said + more,) if once else ()
