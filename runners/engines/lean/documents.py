"""LEAN's JSON files, read so that nothing in them can do harm.

Property names are PascalCase before May 2024 and camelCase since, so they are looked up ignoring case.
Numbers stand as numbers, as decimal texts, as per cents and as money.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runners.errors import DeskError

MAX_BYTES = 1 << 30
TEXT_LIMIT = 2_000
_LONGEST_INTEGER = 18
_LATEST = dt.datetime(9000, 1, 1, tzinfo=dt.UTC).timestamp()
_NUMBER = re.compile(r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class LeanFileError(DeskError):
    """A file of LEAN's that cannot be read; the message is the reason."""


def read_json(path: Path) -> Any:
    """The document in a file; raises LeanFileError, whatever the file holds."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise LeanFileError(f"is larger than {MAX_BYTES >> 30} GiB ({size:,} bytes)")
        raw = path.read_bytes()
    except OSError as error:
        raise LeanFileError(f"cannot be read: {error.strerror}") from error
    return parse_json(raw)


def parse_json(raw: bytes) -> Any:
    if not raw.strip():
        raise LeanFileError("is empty")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LeanFileError(f"is not UTF-8 text (byte {error.start})") from error
    try:
        # An integer of a million digits would cost minutes to convert, and JSON knows no NaN.
        return json.loads(text, parse_int=_integer, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        # A reader that stops at the end of the text has met a file that was cut off.
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        what = "is half-written: it ends in the middle" if cut else f"is not JSON: {error.msg}"
        raise LeanFileError(f"{what} (line {error.lineno}, column {error.colno})") from error
    except RecursionError as error:
        raise LeanFileError("is nested too deeply to be a result") from error


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def find(document: object, *names: str) -> Any:
    """The value under nested property names, whatever their case; None where there is none."""
    for name in names:
        if not isinstance(document, Mapping):
            return None
        if name in document:
            document = document[name]
            continue
        wanted = name.casefold()
        document = next((value for key, value in document.items() if key.casefold() == wanted), None)
    return document


def members(document: object) -> Iterator[tuple[str, Any]]:
    """Names and values of an object; nothing of anything else (an API answer writes an empty map as [])."""
    if isinstance(document, Mapping):
        yield from document.items()


def items(document: object) -> Iterator[Any]:
    """Elements of a list, or the values of an object."""
    if isinstance(document, Mapping):
        yield from document.values()
    elif isinstance(document, list):
        yield from document


def number(value: object) -> float | None:
    """A finite number: `0.0427`, `4.272%` (0.04272), `$-1,728.37`, `-$357.22`; None of anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _finite(value)
    if not isinstance(value, str) or len(value) > 60:
        return None
    found = _NUMBER.search(value)
    if found is None:
        return None
    parsed = _finite(float(found[0].replace(",", "")))
    if parsed is None:
        return None
    if "-" in value[: found.start()]:
        parsed = -abs(parsed)
    return parsed / 100 if value.rstrip().endswith("%") else parsed


def _finite(value: int | float) -> float | None:
    return float(value) if math.isfinite(value) else None


def count(value: object) -> int | None:
    """A whole number from 0 on."""
    found = number(value)
    return int(found) if found is not None and found >= 0 and found == int(found) and found < 1e15 else None


def text(value: object, limit: int = TEXT_LIMIT) -> str:
    """A text that PostgreSQL can store; empty of anything else."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)[:limit] if isinstance(value, str) else ""


def when(value: object) -> dt.datetime | None:
    """An instant in UTC, from ISO, `2023-08-09 17:14:06` or seconds since 1970."""
    if isinstance(value, str):
        try:
            parsed = dt.datetime.fromisoformat(value)
            return parsed.replace(tzinfo=dt.UTC) if parsed.tzinfo is None else parsed.astimezone(dt.UTC)
        except (ValueError, OverflowError):
            return None
    seconds = epoch(value)
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)


def epoch(value: object) -> float | None:
    """Seconds since 1970 within the years that a calendar can hold."""
    seconds = None if isinstance(value, str) else number(value)
    return seconds if seconds is not None and -2e9 < seconds < _LATEST else None
