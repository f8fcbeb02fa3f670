"""A session's stream through its code, or newer code, once more; nothing leaves, and SQL compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from runners.jobs.own_code import own_code, publish
from runners.live.asking import rows, value
from runners.live.child_process import ChildProcess
from runners.live.code_copy import CodeCopy, checked, copy_code
from runners.live.session_process import TERMS
from runners.live.starting import CODE
from runners.live.strategy_connection import session_terms
from runners.live.wire import WireClosed
from runners.settings import Settings

ITEMS = """
select number, kind, item::text from desk.session_stream
where trading_session_id = %s and number > %s and number <= %s
order by number limit 1000
"""
DECIDED = "select coalesce(max(decided), 0) from desk.session_processes where trading_session_id = %s"
ANSWERS = "select key, reason from desk.audit_answers(%s::bigint)"
RECORD = "select desk.record_audit(%s::bigint, %s, %s::bigint, %s, %s)"


@dataclass(frozen=True)
class Audit:
    """What SQL found: `differences` are orders by key, with what is recorded and what was asked for now."""

    session_id: int
    code_hash: str
    through: int
    orders: int
    differences: list[dict[str, Any]]


@dataclass(frozen=True)
class Code:
    """Of which hash a session's stream goes through, and where its files are."""

    code_hash: str
    copy: CodeCopy


def code_of(director: psycopg.Connection[Any], session_id: int, settings: Settings, *, newest: bool) -> Code:
    """The session's own, or the strategy's newest, which is copied."""
    terms = session_terms(director, session_id)
    if not newest:
        return Code(terms.code_hash, checked(settings.home, terms.code_copy))
    publish(director, *own_code())
    ((strategy, _, code_hash, files),) = rows(director, CODE, terms.strategy, None)
    return Code(code_hash, copy_code(settings.home, strategy, files or {}))


def audit(director: psycopg.Connection[Any], session_id: int, code: Code) -> Audit:
    """Goes through all that the session has decided on."""
    through = int(value(director, DECIDED, session_id))
    document = value(director, TERMS, session_id)
    # Nothing that is logged is kept.
    child = ChildProcess(code.copy, document | {"newest_row": 1 << 62})
    asked: list[dict[str, Any]] = []
    try:
        fault = _serve(director, child, session_id, through, asked)
    finally:
        child.end()
    found = value(director, RECORD, session_id, code.code_hash, through, Jsonb(asked), fault)
    return Audit(session_id, code.code_hash, through, len(asked), found)


def _serve(
    director: psycopg.Connection[Any],
    child: ChildProcess,
    session_id: int,
    through: int,
    asked: list[dict[str, Any]],
) -> str | None:
    """What went wrong, if anything did."""
    answers = dict(rows(director, ANSWERS, session_id))
    wire = child.wire
    while True:
        try:
            message = wire.receive()
        except WireClosed:
            return "the strategy's process ended by itself"
        match message:
            case {"do": "fetch", "after": after}:
                items = rows(director, ITEMS, session_id, after, through)
                parts = [f'[{number},"{kind}",{item}]' for number, kind, item in items]
                wire.send(f'{{"items":[{",".join(parts) or _end(through)}]}}')
            case {"do": "submit", "orders": orders}:
                asked += orders
                wire.tell(reasons=[answers.get(terms["key"]) for terms in orders])
            case {"do": "cancel"}:
                wire.tell(done=True)
            case {"do": "fault", "rule": rule, "reason": reason}:
                return f"{rule}: {reason}"
            case {"do": "end"}:
                return None


def _end(through: int) -> str:
    return f'[{through + 1},"end",{{}}]'
