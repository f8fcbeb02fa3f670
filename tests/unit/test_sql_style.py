"""SQL reads the same everywhere: what no linter of ours knows."""

from __future__ import annotations

import re

from backdesk.data import folder

FILES = {
    str(file): file.read_text()
    for file in sorted([*folder("db").rglob("*.sql"), *folder("dbt").glob("m*/**/*.sql")])
}
LONGEST = 120


def test_no_line_is_longer_than_a_reviewer_sees() -> None:
    assert len(FILES) > 60
    found = [
        f"{name}:{number}"
        for name, text in FILES.items()
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > LONGEST or line != line.rstrip()
    ]
    assert found == []


def test_what_default_privileges_hold_is_not_said_again() -> None:
    """`roles.sql` takes EXECUTE from PUBLIC for every function that the owner will ever make."""
    again = re.compile(r"(?im)^revoke execute on function .* from public;")
    assert [name for name, text in FILES.items() if again.search(text)] == []
