"""Runs one SQL file of pgTAP assertions, and reads what it answers (the Test Anything Protocol)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus

_RESULT = re.compile(r"(?P<failed>not )?ok \d+(?P<rest>[^\n]*)")
_PLAN = re.compile(r"1\.\.(\d+)")


class TapError(AssertionError):
    """A file that raised an SQL error, did not keep its plan, or has an assertion that failed."""


def run_file(connection: psycopg.Connection[Any], path: Path) -> int:
    """Runs the file in one transaction that is always rolled back; the number of its assertions."""
    text = path.read_text(encoding="utf-8")
    connection.execute("begin")
    try:
        connection.execute("set local search_path = desk, analytics, tap")
        connection.execute("set local client_min_messages = warning")
        try:
            lines = _answers(connection.execute(text.encode()))
        except psycopg.Error as error:
            raise TapError(_explained(path, text, error)) from error
        if connection.info.transaction_status != TransactionStatus.INTRANS:
            raise TapError(f"{path}: ends its transaction itself; leave out begin, commit and rollback")
        return check(path, lines)
    finally:
        connection.execute("rollback")


def check(path: Path, lines: list[str]) -> int:
    """The number of assertions that passed, if all did and they are as many as planned."""
    results = [match for line in lines if (match := _RESULT.match(line))]
    plans = [int(match[1]) for line in lines if (match := _PLAN.match(line))]
    failed = [match for match in results if match["failed"] and "# TODO" not in match["rest"]]
    if failed:
        raise TapError(f"{path}: {len(failed)} of {len(results)} failed\n" + "\n".join(lines))
    if len(plans) != 1:
        raise TapError(f"{path}: has {len(plans)} plans; begin with select plan(n)")
    if plans[0] != len(results) or not results:
        raise TapError(f"{path}: planned {plans[0]}, ran {len(results)}\n" + "\n".join(lines))
    return len(results)


def _answers(cursor: psycopg.Cursor[Any]) -> list[str]:
    lines: list[str] = []
    while True:
        if cursor.pgresult and cursor.pgresult.status == ExecStatus.TUPLES_OK:
            lines += [str(row[0]) for row in cursor.fetchall() if row and row[0] is not None]
        if not cursor.nextset():
            return lines


def _explained(path: Path, text: str, error: psycopg.Error) -> str:
    where = str(path)
    if error.diag.statement_position:
        where += f":{text.count(chr(10), 0, int(error.diag.statement_position) - 1) + 1}"
    parts = (error.diag.message_primary or str(error), error.diag.message_detail, error.diag.context)
    return f"{where}: [{error.sqlstate}] " + "\n".join(part for part in parts if part)
