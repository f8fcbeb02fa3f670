"""Arrays of numbers as the bytes that PostgreSQL receives: a million bars without an object a bar."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Self

import numpy as np
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_ITEM = np.dtype([("length", ">i4"), ("value", ">i8")])


@dataclass(frozen=True)
class Image:
    """One array as it is sent. Items are eight bytes, none of them null."""

    data: bytes
    item_type = 0

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        """The image of an array of int64 or float64."""
        items = np.empty(len(values), dtype=_ITEM)
        items["length"] = 8
        items["value"] = values.view(np.int64)
        head = struct.pack(">iiIii", 1, 0, cls.item_type, len(values), 1)
        return cls(head + items.tobytes())


class Floats(Image):
    """double precision[]"""

    item_type = 701


class Times(Image):
    """timestamptz[], in microseconds since 2000."""

    item_type = 1184


class _FloatsDumper(Dumper):
    format = Format.BINARY
    oid = 1022

    def dump(self, obj: Image) -> bytes:
        return obj.data


class _TimesDumper(_FloatsDumper):
    oid = 1185


psycopg.adapters.register_dumper(Floats, _FloatsDumper)
psycopg.adapters.register_dumper(Times, _TimesDumper)
