"""The tables of docs/permissions.md, out of a database: `python -m tests.permissions_page` writes them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg

PAGE = Path(__file__).resolve().parent.parent / "docs" / "permissions.md"
MARKS = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)

FUNCTIONS = """
select replace(a.role, 'desk_', ''),
       string_agg(distinct '`' || p.proname || '`', ', ' order by '`' || p.proname || '`')
from pg_proc as p
cross join lateral (
  select x.grantee::regrole::text as role from aclexplode(p.proacl) as x
  where x.grantee <> p.proowner and x.grantee <> 0
) as a
where p.pronamespace = 'desk'::regnamespace
group by 1 order by 1
"""
TABLES = """
select replace(g.role, 'desk_', ''), lower(g.privilege),
       string_agg('`' || g.object || '`', ', ' order by '`' || g.object || '`')
from (
  select a.grantee::regrole::text as role, a.privilege_type as privilege, c.relname::text as object
  from pg_class as c, aclexplode(c.relacl) as a
  where c.relnamespace = 'desk'::regnamespace and a.grantee <> c.relowner
  union all
  select a.grantee::regrole::text, a.privilege_type,
         c.relname || ' (' || string_agg(t.attname, ', ' order by t.attnum) || ')'
  from pg_class as c join pg_attribute as t on t.attrelid = c.oid cross join aclexplode(t.attacl) as a
  where c.relnamespace = 'desk'::regnamespace and a.grantee <> c.relowner
  group by 1, 2, c.relname
) as g
group by 1, 2 order by 1, 2
"""


def tables(admin: psycopg.Connection[Any]) -> dict[str, str]:
    """Marked name to Markdown."""
    return {
        "functions": _markdown(("role", "functions"), admin.execute(FUNCTIONS).fetchall()),
        "tables": _markdown(("role", "may", "tables and views"), admin.execute(TABLES).fetchall()),
    }


def page(text: str, made: dict[str, str]) -> str:
    """The page with its tables replaced."""
    return MARKS.sub(lambda match: match[1] + made[match[2]] + match[3], text)


def _markdown(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [headings, ("---",) * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    from testing import desks

    with desks.server(None) as settings, desks.migrated(settings) as desk, desk.connect("admin") as admin:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), tables(admin)), encoding="utf-8")
    print(f"{PAGE.name} written")


if __name__ == "__main__":
    main()
