"""A table as Parquet and as Excel: the same rows, with types that each of them has."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal

import pandas as pd
import pytest

from streamlit_app import exports

COLUMNS = ["rank", "strategy", "sharpe_ratio", "passed", "parameters", "start_date", "finished_at", "total"]
AT = dt.datetime(2026, 1, 5, 12, tzinfo=dt.timezone(dt.timedelta(hours=1)))
ROWS = [
    (1, "calm", 1.25, True, {"fast": 5}, dt.date(2020, 1, 2), AT, Decimal("1.5")),
    (2, "=1+1", None, False, {}, dt.date(2020, 1, 2), None, None),
]


@pytest.mark.parametrize("kind", ["parquet", "excel"])
def test_all_rows_are_there_with_their_types(kind: str) -> None:
    made = io.BytesIO(getattr(exports, kind)(COLUMNS, ROWS))
    frame = pd.read_parquet(made) if kind == "parquet" else pd.read_excel(made)
    assert list(frame.columns) == COLUMNS
    assert list(frame["rank"]) == [1, 2]
    assert list(frame["strategy"]) == ["calm", "=1+1"]
    assert frame["sharpe_ratio"][0] == 1.25
    assert pd.isna(frame["sharpe_ratio"][1])
    assert list(frame["passed"]) == [True, False]
    assert frame["parameters"][0] == '{"fast": 5}'
    at = pd.Timestamp(frame["finished_at"][0])
    assert (at if at.tzinfo else at.tz_localize("UTC")) == AT


@pytest.mark.parametrize("kind", ["parquet", "excel"])
def test_a_board_without_rows_has_its_columns(kind: str) -> None:
    made = io.BytesIO(getattr(exports, kind)(COLUMNS, []))
    frame = pd.read_parquet(made) if kind == "parquet" else pd.read_excel(made)
    assert list(frame.columns) == COLUMNS
