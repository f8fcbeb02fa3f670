"""The table of codes in docs/ib.md, out of a database: `python -m tests.codes_page` writes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg

PAGE = Path(__file__).resolve().parent.parent / "docs" / "ib.md"
MARKS = re.compile(r"(<!-- begin codes -->\n).*?(<!-- end codes -->)", re.DOTALL)
CODES = """
select code::text, meaning, coalesce(of_order, ''), coalesce(of_request, ''), coalesce(of_subscription, ''),
       coalesce(of_link, '')
from desk.broker_codes order by code
"""


def page(text: str, admin: psycopg.Connection[Any]) -> str:
    """The page with its table replaced."""
    head = ("code", "meaning", "order", "request", "subscription", "link")
    rows = [head, ("---",) * len(head), *admin.execute(CODES).fetchall()]
    made = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return MARKS.sub(lambda match: match[1] + made + match[2], text)


def main() -> None:
    from testing import desks

    with desks.server(None) as settings, desks.migrated(settings) as desk, desk.connect("admin") as admin:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), admin), encoding="utf-8")
    print(f"{PAGE.name} written")


if __name__ == "__main__":
    main()
