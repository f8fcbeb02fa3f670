"""A desk with as many results as one likes, written past the triggers: for plans and timings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

ANALYZED = (
    "full_results",
    "optimization_runs",
    "strategies",
    "run_progress",
    "run_tallies",
    "run_statistics",
    "walk_forward_folds",
    "reproductions",
)


def fill(owner: psycopg.Connection[Any], results: int, strategies: int = 300) -> None:
    """`results` results of three runs a strategy, a seventeenth of them passed, over ninety days."""
    text = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    text = text.replace(":results", str(int(results))).replace(":strategies", str(int(strategies)))
    owner.execute(text.encode())
    for table in ANALYZED:
        owner.execute(f"analyze desk.{table}".encode())


def add_series(owner: psycopg.Connection[Any]) -> None:
    """Beside them: ten years of a curve and 2,000 trades of twenty, a walk-forward of 60 folds, and a session
    that logged 20,000 orders."""
    owner.execute(Path(__file__).with_name("long_series.sql").read_bytes())
    owner.execute("analyze")


def explained(reader: psycopg.Connection[Any], query: str) -> tuple[int, float]:
    """Pages that a query touches, and the milliseconds it takes."""
    row = reader.execute(f"explain (analyze, buffers, format json) {query}".encode()).fetchone()
    assert row is not None
    plan = row[0][0]
    pages = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return pages, plan["Execution Time"]
