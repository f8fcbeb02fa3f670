"""Bars from Parquet and DuckDB files and from any PostgreSQL, read as CSV files are: by the names of columns.

A table goes through the text of a CSV file, which keeps every digit, so that one reader knows all shapes; a
message's line is the row below a header. Rows are put in order of time, which tables do not have.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from runners.prices.csv_files import read_text_of
from runners.prices.csv_text import Text
from runners.prices.series import PriceError, PriceSeries

INSTALL = "pip install 'backdesk[tables]'"


def read_parquet(path: Path, **how: Any) -> list[PriceSeries]:
    """The series of a file, or of all files below a folder; `symbol=ABC/part-0.parquet` is of ABC.

    `how` is what read_csv takes. Raises PriceError, also where pyarrow is not installed.
    """
    try:
        import pandas
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise PriceError("Parquet files need pyarrow", hint=INSTALL) from error
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise PriceError(f"{path} has no file that ends in .parquet")
    found: list[PriceSeries] = []
    for file in files:
        try:
            frame = pandas.read_parquet(file)
        except (OSError, ValueError) as error:
            raise PriceError(f"{file} cannot be read as Parquet: {error}") from error
        found += _of_frame(frame, file, _named_by(file, how))
    return found


def read_duckdb(path: Path, query: str, **how: Any) -> list[PriceSeries]:
    """The series of a table or query of a DuckDB file, where nothing is written. Raises PriceError."""
    try:
        import duckdb
    except ImportError as error:
        raise PriceError("DuckDB files need duckdb", hint=INSTALL) from error
    if not path.is_file():
        raise PriceError(f"{path}: No such file")
    try:
        with duckdb.connect(str(path), read_only=True) as file:
            frame = file.sql(
                query if _is_query(query) else f'from "{query.replace(chr(34), chr(34) * 2)}"'
            ).df()
    except duckdb.Error as error:
        raise PriceError(f"{path}: {str(error).strip()}", hint="a table's name, or a query") from error
    return _of_frame(frame, path, how)


def read_postgresql(url: str, query: str, **how: Any) -> list[PriceSeries]:
    """The series of a table (`schema.name`) or query of the PostgreSQL at `url`, where nothing is written.

    Raises PriceError.
    """
    data = io.BytesIO()
    try:
        with psycopg.connect(url, application_name="backdesk load") as source:
            source.read_only = True
            source.execute("set timezone = 'UTC'")
            source.execute("set datestyle = 'ISO'")
            asked = (
                sql.SQL(query.rstrip("; \n"))
                if _is_query(query)
                else sql.SQL("table {}").format(sql.Identifier(*query.split(".")))
            )
            copied = sql.SQL("copy ({}) to stdout (format csv, header)").format(asked)
            with source.cursor().copy(copied) as copy:
                for part in copy:
                    data.write(part)
    except psycopg.Error as error:
        raise PriceError(
            f"{query}: {error.diag.message_primary or str(error).strip()}", hint="a table's name, or a query"
        ) from error
    name = "query" if _is_query(query) else query.rpartition(".")[2]
    return _of_text(data.getvalue(), Path(name), how)


def _is_query(text: str) -> bool:
    return " " in text.strip()


def _named_by(file: Path, how: dict[str, Any]) -> dict[str, Any]:
    """With the symbol that folders name, where the user names none."""
    found = [part.partition("=")[2] for part in file.parts if part.lower().startswith(("symbol=", "ticker="))]
    return how | {"symbol": found[-1]} if found and not how.get("symbol") else how


def _of_frame(frame: Any, path: Path, how: dict[str, Any]) -> list[PriceSeries]:
    """An index that has a name or times is a column as any other."""
    numbered = frame.index.name is None and frame.index.dtype.kind in "iu"
    return _of_text(
        frame.to_csv(index=not numbered, date_format="%Y-%m-%d %H:%M:%S.%f%z").encode(), path, how
    )


def _of_text(data: bytes, path: Path, how: dict[str, Any]) -> list[PriceSeries]:
    return read_text_of(Text(path, data, ",", 0, ()), **how, in_order=False)
