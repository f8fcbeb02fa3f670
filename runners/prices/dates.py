"""UTC seconds as dates."""

from __future__ import annotations

import datetime as dt


def date_of(epoch: int) -> dt.date:
    """The UTC date of a bar, which is its session's."""
    return dt.datetime.fromtimestamp(epoch, dt.UTC).date()
