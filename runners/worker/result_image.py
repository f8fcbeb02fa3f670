"""A finished point as PostgreSQL receives it: a value of the type desk.point_outcome, in its binary format.

A child makes all of it but the claim, which only the worker knows and puts in front. So the worker hands on
bytes, whatever the length of a curve.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from uuid import UUID

from runners.engines.base import PointResult
from runners.worker.array_images import (
    DATE_ARRAY,
    FLOAT8_ARRAY,
    LENGTH,
    TEXT_ARRAY,
    TIMESTAMPTZ_ARRAY,
    days,
    doubles,
    header,
    moments,
    texts,
)

INT8, UUID_TYPE, JSONB = 20, 2950, 3802
JSONB_VERSION = b"\x01"
FIELDS = 14
FIELD = struct.Struct("!Ii")
CLAIM = struct.Struct("!iIiqIi16s")
ORDINAL = struct.Struct("!q")


def result_image(result: PointResult) -> bytes:
    """The fields after the claim, in the order of the type: each its type, its length and its value."""
    trades = result.trades
    fields = (
        (INT8, ORDINAL.pack(result.ordinal)),
        (JSONB, JSONB_VERSION + json.dumps(result.metrics).encode()),
        (DATE_ARRAY, days(result.sessions)),
        (FLOAT8_ARRAY, doubles(result.equity)),
        (TEXT_ARRAY, texts([trade.symbol for trade in trades])),
        (TIMESTAMPTZ_ARRAY, moments([trade.entry_time for trade in trades])),
        (TIMESTAMPTZ_ARRAY, moments([trade.exit_time for trade in trades])),
        (FLOAT8_ARRAY, doubles([trade.size for trade in trades])),
        (FLOAT8_ARRAY, doubles([trade.entry_price for trade in trades])),
        (FLOAT8_ARRAY, doubles([trade.exit_price for trade in trades])),
        (FLOAT8_ARRAY, doubles([trade.profit for trade in trades])),
        (FLOAT8_ARRAY, doubles([trade.fees for trade in trades])),
    )
    return b"".join([part for kind, value in fields for part in (FIELD.pack(kind, len(value)), value)])


def outcomes_image(outcome_type: int, claimed: Iterable[tuple[int, UUID, bytes]]) -> bytes:
    """An array of outcomes: of each its work item, the token of the claim, and its result_image().

    `outcome_type` is the number that the database has for desk.point_outcome.
    """
    parts: list[bytes] = []
    for work_item_id, token, image in claimed:
        claim = CLAIM.pack(FIELDS, INT8, 8, work_item_id, UUID_TYPE, 16, token.bytes)
        parts += (LENGTH.pack(len(claim) + len(image)), claim, image)
    return header(outcome_type, len(parts) // 3) + b"".join(parts)
