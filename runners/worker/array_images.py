"""Long arrays as PostgreSQL receives them, made by whole arrays.

A list goes value by value through a dumper, which takes longer than some backtests.
"""

from __future__ import annotations

import datetime as dt
import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

HEADER = struct.Struct("!iiIii")
POSTGRES_EPOCH = dt.date(2000, 1, 1).toordinal()
POSTGRES_MIDNIGHT = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True)
class Doubles:
    """To be sent as float8[]."""

    values: Sequence[float]


@dataclass(frozen=True)
class Days:
    """To be sent as date[]."""

    values: Sequence[dt.date]


@dataclass(frozen=True)
class Moments:
    """To be sent as timestamptz[]; each knows its zone."""

    values: Sequence[dt.datetime]


def image(element_type: int, values: array[float] | array[int]) -> bytes:
    """A one-dimensional array without nulls: each element after its length, all in network order."""
    if not values:
        return HEADER.pack(0, 0, element_type, 0, 1)[:12]
    if sys.byteorder == "little":
        values.byteswap()
    size, count, raw = values.itemsize, len(values), values.tobytes()
    width = size + 4
    body = bytearray(width * count)
    body[3::width] = bytes((size,)) * count
    for place in range(size):
        body[4 + place :: width] = raw[place::size]
    return HEADER.pack(1, 0, element_type, count, 1) + bytes(body)


class DoublesDumper(Dumper):
    format = Format.BINARY
    oid = psycopg.adapters.types["float8"].array_oid

    def dump(self, obj: Doubles) -> Buffer:
        return image(psycopg.adapters.types["float8"].oid, array("d", obj.values))


class DaysDumper(Dumper):
    format = Format.BINARY
    oid = psycopg.adapters.types["date"].array_oid

    def dump(self, obj: Days) -> Buffer:
        return _calendar(tuple(obj.values))


@lru_cache(maxsize=16)
def _calendar(days: tuple[dt.date, ...]) -> bytes:
    """Points of one run have one calendar, so its image is made once."""
    return image(
        psycopg.adapters.types["date"].oid, array("i", [day.toordinal() - POSTGRES_EPOCH for day in days])
    )


class MomentsDumper(Dumper):
    format = Format.BINARY
    oid = psycopg.adapters.types["timestamptz"].array_oid

    def dump(self, obj: Moments) -> Buffer:
        values = array("q", [(value - POSTGRES_MIDNIGHT) // MICROSECOND for value in obj.values])
        return image(psycopg.adapters.types["timestamptz"].oid, values)


psycopg.adapters.register_dumper(Moments, MomentsDumper)
psycopg.adapters.register_dumper(Doubles, DoublesDumper)
psycopg.adapters.register_dumper(Days, DaysDumper)
