"""Tables of a page: what stands under each heading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

Row = Mapping[str, Any]
Columns = Mapping[str, str | Callable[[Row], object]]
"""By heading: the column of the desk's that stands there as it is, or what makes it of a row."""


def table(found: Sequence[Row], columns: Columns) -> pd.DataFrame:
    return pd.DataFrame(
        {heading: one[what] if isinstance(what, str) else what(one) for heading, what in columns.items()}
        for one in found
    )


def written(column: str, words: Callable[[Any], object]) -> Callable[[Row], object]:
    """A column as `words` writes it."""
    return lambda row: words(row[column])


def in_per_cent(column: str) -> Callable[[Row], object]:
    """A fraction for a column that Streamlit writes as a number with a sign of per cent."""
    return written(column, lambda fraction: None if fraction is None else 100 * fraction)
