"""When a fill was, of the shapes in which a gateway states it."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

_SHAPE = re.compile(r"(\d{8})(-| +)(\d\d:\d\d:\d\d)(?: (\S.*))?")


def stated_time(text: str) -> dt.datetime | None:
    """Shapes: `20260105 09:30:00 US/Eastern` (zones by name), `20260105-14:30:00`, which is UTC, and bare,
    which is taken as UTC. None where it cannot be read: the text is kept."""
    if text.isdigit() and len(text) > 8:
        return dt.datetime.fromtimestamp(int(text), dt.UTC)
    found = _SHAPE.fullmatch(text.strip())
    if not found:
        return None
    try:
        at = dt.datetime.strptime(found[1] + found[3], "%Y%m%d%H:%M:%S")
        return at.replace(tzinfo=ZoneInfo(found[4].strip()) if found[4] else dt.UTC)
    except (ValueError, KeyError, OSError):
        # No such day, or no such zone.
        return None
