"""Arrays as PostgreSQL receives them, made by whole arrays.

A list goes value by value through a dumper, which takes longer than some backtests. Nothing of a database
driver is needed here, so that a child, which has no connection, can make them.
"""

from __future__ import annotations

import datetime as dt
import struct
import sys
from array import array
from collections.abc import Sequence
from functools import lru_cache

# Types of PostgreSQL by the numbers that every server has for them.
FLOAT8, TEXT, DATE, TIMESTAMPTZ = 701, 25, 1082, 1184
FLOAT8_ARRAY, TEXT_ARRAY, DATE_ARRAY, TIMESTAMPTZ_ARRAY = 1022, 1009, 1182, 1185
HEADER = struct.Struct("!iiIii")
EMPTY = struct.Struct("!iiI")
LENGTH = struct.Struct("!i")
POSTGRES_EPOCH = dt.date(2000, 1, 1).toordinal()
POSTGRES_MIDNIGHT = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)


def header(element_type: int, count: int) -> bytes:
    """What stands before the elements of an array of one dimension without nulls."""
    return HEADER.pack(1, 0, element_type, count, 1) if count else EMPTY.pack(0, 0, element_type)


def doubles(values: Sequence[float]) -> bytes:
    """As float8[]."""
    return _numbers(FLOAT8, array("d", values))


def days(values: Sequence[dt.date]) -> bytes:
    """As date[]."""
    return _calendar(tuple(values))


def moments(values: Sequence[dt.datetime]) -> bytes:
    """As timestamptz[]; each value knows its zone."""
    return _numbers(TIMESTAMPTZ, array("q", [(value - POSTGRES_MIDNIGHT) // MICROSECOND for value in values]))


def texts(values: Sequence[str]) -> bytes:
    """As text[]."""
    parts = [header(TEXT, len(values))]
    for value in values:
        encoded = value.encode()
        parts += (LENGTH.pack(len(encoded)), encoded)
    return b"".join(parts)


@lru_cache(maxsize=16)
def _calendar(values: tuple[dt.date, ...]) -> bytes:
    """Points of one run have one calendar, so its image is made once."""
    return _numbers(DATE, array("i", [day.toordinal() - POSTGRES_EPOCH for day in values]))


def _numbers(element_type: int, values: array[float] | array[int]) -> bytes:
    """Each number after its length, all in network order."""
    if not values:
        return header(element_type, 0)
    if sys.byteorder == "little":
        values.byteswap()
    size, count, raw = values.itemsize, len(values), values.tobytes()
    width = size + 4
    body = bytearray(width * count)
    body[3::width] = bytes((size,)) * count
    for place in range(size):
        body[4 + place :: width] = raw[place::size]
    return header(element_type, count) + bytes(body)
