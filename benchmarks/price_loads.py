"""(h) Loads of prices: bars of a minute through the desk, against a bare binary COPY of the same rows.

The bare table has the columns and the primary key of desk.bars, and nothing else: no checks, no hash, no
comparison with what is there. Its rows are bytes already when its clock starts; the desk's begin as arrays.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
import psycopg

from benchmarks import desk as desks
from benchmarks.rounds import measure, table
from runners.prices.bars import Bars
from runners.prices.load import load
from runners.prices.series import PriceSeries

BARS = 400_000
_MINUTE = 60_000_000
_BEGIN = 1_672_531_200_000_000
"""2023-01-01 in microseconds since 1970; what PostgreSQL counts from is 30 years later."""
_SINCE_2000 = 946_684_800_000_000
_CHUNK = 1 << 20
BARE = """
drop table if exists desk.bare_bars;
create table desk.bare_bars (like desk.bars including defaults);
alter table desk.bare_bars add primary key (instrument_id, timeframe, bar_time, version);
"""


def tables(quick: bool) -> Iterator[str]:
    bars = made(BARS // 10 if quick else BARS)
    rows = _copied(bars)
    number = count(1)
    with desks.desk() as here, here.connect("owner") as owner, here.connect("director") as director:

        def bare() -> float:
            owner.execute(BARE.encode())
            return len(bars) / _copy(owner, rows)

        def loaded() -> float:
            series = PriceSeries(f"MADE{next(number)}", "made", bars, "1m")
            began = time.perf_counter()
            load(director, series)
            return len(bars) / (time.perf_counter() - began)

        found = measure(
            {"bare binary COPY": bare, "desk: checks, version, gaps, hash": loaded}, 1 if quick else 7
        )
    yield f"{len(bars):,} bars of a minute\n\n" + table(found, "bars a second", digits=0)


def made(number: int) -> Bars:
    """A seeded walk without a gap, in cents."""
    walk = np.cumsum(np.random.default_rng(1).normal(0, 0.05, number))
    close = np.round(100 + walk - min(walk.min(), -50), 2)
    opened = np.concatenate(([close[0]], close[:-1]))
    return Bars(
        _BEGIN + np.arange(number, dtype=np.int64) * _MINUTE,
        opened,
        np.maximum(opened, close) + 0.05,
        np.minimum(opened, close) - 0.05,
        close,
        np.arange(number, dtype=np.float64) % 1000,
    )


def _copied(bars: Bars) -> bytes:
    """The rows as a binary COPY has them."""
    fields: list[Any] = [
        ("n", ">i2"),
        ("l0", ">i4"),
        ("instrument", ">i8"),
        ("l1", ">i4"),
        ("timeframe", "S2"),
    ]
    fields += [("l2", ">i4"), ("at", ">i8"), ("l3", ">i4"), ("version", ">i4")]
    prices = {"o": bars.open, "h": bars.high, "l": bars.low, "c": bars.close, "v": bars.volume}
    for name in prices:
        fields += [(f"length_{name}", ">i4"), (f"price_{name}", ">f8")]
    rows = np.zeros(len(bars), dtype=fields)
    rows["n"], rows["l0"], rows["instrument"], rows["l1"], rows["timeframe"] = 9, 8, 1, 2, b"1m"
    rows["l2"], rows["at"], rows["l3"], rows["version"] = 8, bars.times - _SINCE_2000, 4, 1
    for name, values in prices.items():
        rows[f"length_{name}"], rows[f"price_{name}"] = 8, values
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"


def _copy(owner: psycopg.Connection[Any], rows: bytes) -> float:
    began = time.perf_counter()
    with owner.transaction(), owner.cursor().copy("copy desk.bare_bars from stdin (format binary)") as copy:
        for start in range(0, len(rows), _CHUNK):
            copy.write(rows[start : start + _CHUNK])
    return time.perf_counter() - began
