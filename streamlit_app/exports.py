"""What a table is downloaded as besides CSV: Parquet, with the types of its columns, and Excel."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

PARQUET = "application/vnd.apache.parquet"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def parquet(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """What has no column type of its own (parameters, lists) is JSON."""
    file = io.BytesIO()
    _frame(columns, rows).to_parquet(file, index=False)
    return file.getvalue()


def excel(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """One sheet; times are UTC, since Excel knows no zones."""
    frame = _frame(columns, rows)
    for name in frame.select_dtypes(include=["datetimetz"]).columns:
        frame[name] = frame[name].dt.tz_convert("UTC").dt.tz_localize(None)
    file = io.BytesIO()
    with pd.ExcelWriter(file, engine="openpyxl") as writer:
        frame.to_excel(writer, index=False)
        # A text that begins with = is a text: whoever opens the file runs nothing of it.
        for row in writer.book.worksheets[0].iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    cell.data_type = "s"
    return file.getvalue()


def _frame(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    texts = [
        [json.dumps(value, default=str) if isinstance(value, dict | list) else value for value in row]
        for row in rows
    ]
    frame = pd.DataFrame(texts, columns=list(columns)).convert_dtypes()
    for name in frame.columns:
        # Decimals of PostgreSQL, and dates, which pandas leaves as objects.
        if frame[name].dtype == object:
            frame[name] = frame[name].map(lambda value: str(value), na_action="ignore")
    return frame


def buttons(name: str, help: str, csv: Any, table: Any) -> None:
    """CSV, Parquet and Excel side by side; when pressed `csv` answers bytes, `table` columns and rows."""
    kinds = (
        ("CSV", "csv", "text/csv", csv),
        ("Parquet", "parquet", PARQUET, lambda: parquet(*table())),
        ("Excel", "xlsx", EXCEL, lambda: excel(*table())),
    )
    for label, ending, mime, made in kinds:
        st.download_button(
            label,
            made,
            f"{name}.{ending}",
            mime,
            icon=":material/download:",
            help=help,
            key=ending,
            on_click="ignore",
        )
