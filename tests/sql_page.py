"""docs/sql.md, out of a database and the files of db/: `python -m tests.sql_page` writes it."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import psycopg

from backdesk.data import folder

PAGE = Path(__file__).resolve().parent.parent / "docs" / "sql.md"
CREATED = re.compile(r"(?im)^\s*create (?:or replace )?(?:function|view|aggregate) desk\.(\w+)")
CODE = re.compile(r"'([0-9A-Z]{5})'\s*\Z")
RAISED = re.compile(r"(?i)\braise\s+exception\b((?:'(?:[^']|'')*'|[^';])*);")
PLAIN, REFUSED = "P0001", "22023"  # of a `raise exception` and of `desk.refuse` without a code
MEANINGS = {
    "22023": "a value that the desk does not take: a config, an argument, a state that forbids it",
    "22P02": "text that cannot be read as what it should be",
    "23503": "it names something that is not there",
    "23505": "it is there already",
    "23514": "a row breaks a rule of its table",
    "25001": "an order that is asked for in a transaction, or under another isolation than READ COMMITTED",
    "42501": "history that nobody may change",
    "55000": "another process has taken over",
    "BD000": "the desk's own: caught where it is raised for, never seen outside",
    "P0001": "a rule of the desk forbids it",
}
OBJECTS = """
select o.name, o.arguments, o.may, o.comment, o.source
from (
  select p.proname::text as name,
         '(' || pg_get_function_identity_arguments(p.oid) || ')' as arguments,
         (
           select string_agg(distinct replace(a.grantee::regrole::text, 'desk_', ''), ', ')
           from aclexplode(p.proacl) as a where a.grantee <> p.proowner and a.grantee <> 0
         ) as may,
         obj_description(p.oid, 'pg_proc') as comment, p.prosrc as source
  from pg_proc as p where p.pronamespace = 'desk'::regnamespace
  union all
  select c.relname::text, '',
         (
           select string_agg(distinct replace(a.grantee::regrole::text, 'desk_', ''), ', ')
           from aclexplode(c.relacl) as a
           where a.grantee <> c.relowner and a.grantee <> 0 and a.privilege_type = 'SELECT'
         ),
         obj_description(c.oid, 'pg_class'), ''
  from pg_class as c where c.relnamespace = 'desk'::regnamespace and c.relkind = 'v'
) as o
order by o.name collate "C", o.arguments collate "C"
"""
HEAD = """# Functions, views and errors

Everything that SQL answers in the schema `desk`, by the room of [db/](../db/README.md) that holds it. \
*May* are the roles that may call or read it ([permissions](permissions.md)); where it is empty, only other \
functions use it. \
Written by `python -m tests.sql_page`, and held to the database by a test.
"""


def page(admin: psycopg.Connection[Any]) -> str:
    """The whole page, in Markdown."""
    rooms = _rooms()
    rows = admin.execute(OBJECTS).fetchall()
    by_room: dict[str, list[str]] = defaultdict(list)
    by_code: dict[str, set[str]] = defaultdict(set)
    for name, arguments, may, comment, source in rows:
        codes = raised(source)
        by_room[rooms[name]].append(
            _line(f"`{name}{arguments}`", may or "", comment or "", ", ".join(sorted(codes)))
        )
        for code in codes:
            by_code[code].add(f"`{name}`")
    parts = [HEAD]
    for room in sorted(by_room):
        parts.append(
            f"\n## {room}\n\n" + _line("name", "may", "what it does", "errors") + _line(*["---"] * 4)
        )
        parts += by_room[room]
    parts.append(
        "\n## Errors\n\nThe SQLSTATEs that functions raise themselves. The message says what was received,"
        " the detail where, the hint what to do.\n\n"
        + _line("SQLSTATE", "meaning", "raised by")
        + _line(*["---"] * 3)
    )
    parts += [
        _line(f"`{code}`", MEANINGS[code], ", ".join(sorted(by_code[code]))) for code in sorted(by_code)
    ]
    return "".join(parts)


def raised(source: str) -> set[str]:
    """The SQLSTATEs that a function's body raises by itself, not those of what it calls."""
    codes = {match[1] for match in re.finditer(r"(?i)errcode\s*=\s*'(\w{5})'", source)}
    for call in re.finditer(r"\brefuse\s*\(", source):
        code = CODE.search(_arguments(source, call.end()))
        codes.add(code[1] if code else REFUSED)
    if any("errcode" not in match[1].lower() for match in RAISED.finditer(source)):
        codes.add(PLAIN)
    return codes


def _arguments(source: str, start: int) -> str:
    """What stands between a call's brackets; `start` is behind the first of them."""
    depth, quoted = 1, False
    for place in range(start, len(source)):
        letter = source[place]
        if letter == "'":
            quoted = not quoted
        elif not quoted:
            depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return source[start:place]
    raise ValueError(f"a bracket is not closed: {source[start : start + 40]}")


def _rooms() -> dict[str, str]:
    db = folder("db")
    return {
        name: file.relative_to(db).parts[0] if file.parent != db else file.stem
        for file in sorted(db.rglob("*.sql"))
        for name in CREATED.findall(file.read_text(encoding="utf-8"))
    }


def _line(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", r"\|").split()) for cell in cells) + " |\n"


def main() -> None:
    from testing import desks

    with desks.server(None) as settings, desks.migrated(settings) as desk, desk.connect("admin") as admin:
        PAGE.write_text(page(admin), encoding="utf-8")
    print(f"{PAGE.name} written")


if __name__ == "__main__":
    main()
