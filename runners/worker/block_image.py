"""A block of points as desk.complete_block() takes it: an array a raw metric, in PostgreSQL's binary format.

A child makes the arrays, the worker hands them on.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runners.engines.base import PointRange
from runners.engines.signals.columns import COUNTS, NAMES

if TYPE_CHECKING:
    from runners.engines.signals.block import Block

INT4, INT8, FLOAT8, TEXT, DATE = 23, 20, 701, 25, 1082
HEADER = struct.Struct("!iiIii")
LENGTH = struct.Struct("!i")
DAY = struct.Struct("!ii")
NULL = LENGTH.pack(-1)
POSTGRES_EPOCH = dt.date(2000, 1, 1).toordinal()
REQUIRED = (
    "sessions", "return_count", "tail_count", "max_drawdown_sessions", "total_orders", "total_trades",
    "winning_trades", "losing_trades", "exposed_sessions", "ending_value", "return_mean", "return_m2",
    "return_m3", "return_m4", "downside_m2", "tail_sum", "tail_return", "max_drawdown", "gross_profit",
    "gross_loss", "trade_profit_sum", "trade_profit_m2", "total_fees", "traded_value", "refused_for_cash",
    "refused_otherwise", "exposed_time",
)  # fmt: skip
"""Arrays in the order of the function's parameters, as far as every point has them."""
TYPES = (
    *("int4[]" if name in COUNTS else "float8[]" for name in REQUIRED),
    "float8[]", "date[]", "int8[]", "text[]", "text[]", "int4[]", "float8[]", "float8[]",
)  # fmt: skip
"""Of all arrays: after the required ones the benchmark's comoment, the day an account was lost, ordinals,
kinds and errors of failed points, and sums by block of those that are sampled."""


@dataclass(frozen=True)
class BlockImage:
    points: int
    seconds: float
    arrays: tuple[bytes | None, ...]


def block_image(
    points: PointRange, block: Block, sessions: Sequence[dt.date], seconds: float, sampled_below: int
) -> BlockImage:
    import numpy as np

    figures = np.where(np.isfinite(block.figures), block.figures, 0.0)
    column = {name: figures[:, place] for place, name in enumerate(NAMES)}
    arrays: list[bytes | None] = [
        _numbers(column[name], ">i4" if name in COUNTS else ">f8") for name in REQUIRED
    ]
    compared = block.figures[:, NAMES.index("benchmark_comoment")]
    arrays.append(None if np.isnan(compared).all() else _numbers(column["benchmark_comoment"], ">f8"))
    lost = block.figures[:, NAMES.index("lost_at")]
    arrays.append(_days(lost.tolist(), sessions) if (lost >= 0).any() else None)
    failed = sorted(block.failed)
    arrays.append(_numbers(np.array([points.ordinal + place for place in failed]), ">i8"))
    arrays += (_texts([block.failed[place][number] for place in failed]) for number in (0, 1))
    ordinals = np.arange(points.ordinal, points.last + 1)
    kept = ordinals * 2654435761 % 4294967296 < sampled_below
    arrays += (
        _numbers(block.block_counts[kept].ravel(), ">i4"),
        _numbers(block.block_sums[kept].ravel(), ">f8"),
        _numbers(block.block_squares[kept].ravel(), ">f8"),
    )
    return BlockImage(len(ordinals), seconds, tuple(arrays))


def _numbers(values: Any, form: str) -> bytes:
    """Each number after its length, all in network order."""
    import numpy as np

    kind = {">i4": INT4, ">i8": INT8, ">f8": FLOAT8}[form]
    if not len(values):
        return struct.pack("!iiI", 0, 0, kind)
    body = np.empty(len(values), [("length", ">i4"), ("value", form)])
    body["length"] = np.dtype(form).itemsize
    body["value"] = values
    return HEADER.pack(1, 0, kind, len(values), 1) + body.tobytes()


def _texts(values: Sequence[str]) -> bytes:
    if not values:
        return struct.pack("!iiI", 0, 0, TEXT)
    parts = [HEADER.pack(1, 0, TEXT, len(values), 1)]
    for value in values:
        encoded = value.replace("\0", "").encode()
        parts += (LENGTH.pack(len(encoded)), encoded)
    return b"".join(parts)


def _days(lost: Sequence[float], sessions: Sequence[dt.date]) -> bytes:
    parts = [HEADER.pack(1, 1, DATE, len(lost), 1)]
    for place in map(int, lost):
        parts.append(DAY.pack(4, sessions[place].toordinal() - POSTGRES_EPOCH) if place >= 0 else NULL)
    return b"".join(parts)
