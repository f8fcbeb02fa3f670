"""Each `test_*.sql` beside this file is a test: `pytest tests/pgtap -k test_roles` runs one.

A file begins with `select plan(n);`, ends with `select * from finish();`, has no begin, commit or rollback of
its own, and starts as the installing login; `set local role desk_director` makes it somebody else.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from testing.desks import Desk
from tests.pgtap import tap

FILES = sorted(Path(__file__).parent.glob("test_*.sql"))


@pytest.mark.sql
@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_file(pgtap_desk: Desk, path: Path) -> None:
    with pgtap_desk.connect("admin") as admin:
        tap.run_file(admin, path)


@pytest.mark.sql
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("select 1;", "has 0 plans"),
        ("select plan(2); select ok(true); select * from finish();", "planned 2, ran 1"),
        ("select * from no_plan(); select * from finish();", "planned 0, ran 0|No tests run"),
        ("select plan(1); select ok(false, 'it holds'); select * from finish();", "1 of 1 failed"),
        ("select plan(1);\nselect oops();", r":2: \[42883\]"),
        ("select plan(1); select ok(true); commit;", "ends its transaction itself"),
    ],
)
def test_a_file_that_proves_nothing_fails(pgtap_desk: Desk, tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "test_it.sql"
    path.write_text(text)
    with pgtap_desk.connect("admin") as admin, pytest.raises(tap.TapError, match=reason):
        tap.run_file(admin, path)
