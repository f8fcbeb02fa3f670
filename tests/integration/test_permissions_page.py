"""docs/permissions.md says what the database says."""

from __future__ import annotations

import pytest

from testing.desks import Desk
from tests.permissions_page import PAGE, page, tables


@pytest.mark.sql
def test_the_page_says_what_each_role_may_do(desk: Desk) -> None:
    text = PAGE.read_text(encoding="utf-8")
    with desk.connect("admin") as admin:
        expected = page(text, tables(admin))
    assert text == expected, "write it anew: python -m tests.permissions_page"
