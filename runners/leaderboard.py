"""The leaderboard as text: read from dbt's marts, formatted for people, no number computed here."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from runners.errors import DeskError
from runners.words import count, number, parameters_text, per_cent, symbols_text


class NoLeaderboard(DeskError):
    """The views that dbt builds are not there."""


@dataclass(frozen=True)
class Entry:
    """One row of `desk.board` with its place: in the marts, or among what fits a page's filters.

    Fractions, not per cents.
    """

    rank: int
    strategy: str
    status: str
    symbols: list[str]
    start_date: date | None
    end_date: date | None
    timeframe: str | None
    engine: str | None
    parameters: dict[str, Any]
    passed: bool
    deflated_sharpe_z: float | None
    deflated_sharpe: float | None
    sharpe_ratio: float | None
    pbo: float | None
    trials: int | None
    annual_return: float | None
    excess_return: float | None
    total_return: float | None
    max_drawdown: float | None
    trades: int | None
    win_rate: float | None
    profit_factor: float | None
    fee_pct: float | None
    fee_share_of_profit: float | None
    out_of_sample_efficiency: float | None
    reproduced: str | None
    finished_at: datetime
    backtest_result_id: int
    optimization_run_id: int
    rejection_reasons: list[str]
    strategy_id: int
    out_of_sample: bool
    walk_forward_efficiency: float | None
    survived: bool
    lost: bool
    luck_p: float | None
    haircut_sharpe: float | None
    checked: str | None
    flags: list[str]


COLUMNS = tuple(field.name for field in fields(Entry))

HEADINGS = (
    "rank", "strategy", "status", "symbols", "parameters",
    "deflated", "Sharpe", "annual", "drawdown", "trades", "fees", "passed",
)  # fmt: skip
NUMBERS = ("rank", "deflated", "Sharpe", "annual", "drawdown", "trades", "fees")


def read(
    connection: psycopg.Connection[Any],
    *,
    limit: int | None = None,
    strategy: str | None = None,
    status: str | None = None,
    passed: bool = False,
    minimum_trades: int = 0,
    results: bool = False,
) -> list[Entry]:
    """The board in order of rank: the best result of each strategy, or with `results` every result."""
    conditions = [
        condition
        for wanted, condition in (
            (strategy is not None, "strategy = %(strategy)s"),
            (status is not None, "status = %(status)s"),
            (passed, "passed"),
            (minimum_trades > 0, "trades >= %(minimum_trades)s"),
        )
        if wanted
    ]
    # The views come in the order of rank; inside, "order by rank" would rank all.
    query = sql.SQL(
        "select * from (select {columns} from {board} where {conditions} limit %(limit)s) as first"
        " order by rank"
    ).format(
        conditions=sql.SQL(" and ".join(conditions) or "true"),
        columns=sql.SQL(", ").join(map(sql.Identifier, COLUMNS)),
        board=sql.Identifier("analytics", "result_leaderboard" if results else "strategy_leaderboard"),
    )
    values = {"strategy": strategy, "status": status, "minimum_trades": minimum_trades, "limit": limit}
    try:
        with connection.cursor(row_factory=class_row(Entry)) as cursor:
            return cursor.execute(query, values).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        raise NoLeaderboard(
            "the leaderboard's views are missing, or are older than this code", hint="run `backdesk up`"
        ) from error


def of_all_tried(connection: psycopg.Connection[Any]) -> str:
    """What is left of the board's first after everything that this desk ever tried; empty where none is."""
    row = connection.execute(
        "select trials, strategy, deflated_sharpe, luck_p from desk.desk_luck()"
        " where deflated_sharpe is not null"
    ).fetchone()
    if row is None:
        return ""
    trials, strategy, deflated, luck = row
    return (
        f"Best of all that this desk ever tried, {count(trials)} trials with the stitched tests: {strategy}, "
        f"deflated by all of them to {per_cent(deflated)}; the best of as many without skill is as good with "
        f"{per_cent(luck)}."
    )


def cells(entry: Entry) -> tuple[str, ...]:
    """An entry as people read it, in the order of HEADINGS."""
    return (
        str(entry.rank),
        entry.strategy,
        entry.status,
        symbols_text(entry.symbols),
        parameters_text(entry.parameters),
        per_cent(entry.deflated_sharpe),
        number(entry.sharpe_ratio),
        per_cent(entry.annual_return),
        per_cent(entry.max_drawdown),
        count(entry.trades),
        per_cent(entry.fee_pct),
        "fault" if entry.checked == "fault" else "yes" if entry.passed else "no",
    )


def markdown(entries: Sequence[Entry]) -> str:
    """The board as a Markdown table."""
    rule = ["---:" if heading in NUMBERS else ":---" for heading in HEADINGS]
    lines = [HEADINGS, rule, *([cell.replace("|", "\\|") for cell in cells(entry)] for entry in entries)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def comma_separated(entries: Sequence[Entry]) -> str:
    """The board as CSV: every column, every digit; lists, parameters and truth values as JSON."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        writer.writerow([json.dumps(v) if isinstance(v, bool | list | dict) else v for v in astuple(entry)])
    return text.getvalue()
