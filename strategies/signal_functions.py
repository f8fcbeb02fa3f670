"""Functions of arrays that several strategies need. Numpy is imported where it is used: it takes as long as
all strategies together, and who only lists them does without.
"""

from __future__ import annotations

from typing import Any

from strategies.bar_time import DAY_SECONDS, EPOCH_DAY


def new_month(time: Any) -> Any:
    """True on the first bar of a calendar month but the very first, by Backtrader's time numbers; looks at
    two bars."""
    import numpy as np

    seconds = np.rint((time - EPOCH_DAY) * DAY_SECONDS).astype("datetime64[s]")
    months = seconds.astype("datetime64[M]")
    found = np.zeros(len(time), bool)
    found[1:] = months[1:] != months[:-1]
    return found
