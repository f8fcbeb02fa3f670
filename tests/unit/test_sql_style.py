"""SQL reads the same everywhere: what no linter of ours knows."""

from __future__ import annotations

import re
from pathlib import Path

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


def test_whether_a_job_or_a_run_is_open_is_asked_of_its_column() -> None:
    """`job_states` and `run_states` say which states are open; a list of them would be a second place."""
    lists = (
        ("pending|running", 2),
        ("held|waiting|running|paused", 3),
        ("done|completed|failed|cancelled", 3),
    )
    words = "|".join(f"""(?:["'](?:{one})["'],? ?){{{most},}}""" for one, most in lists)
    asked = re.compile(rf"in \((?:{words})\)")
    code = {
        str(file): file.read_text()
        for top in ("runners", "streamlit_app")
        for file in Path(__file__).parents[2].joinpath(top).rglob("*.py")
    }
    found = [
        f"{name}: {match.group()}"
        for name, text in (FILES | code).items()
        if not re.search(r"tables\.sql$|/V\d{4}__", name)
        for match in asked.finditer(text)
    ]
    assert found == []
