"""docs/ib.md has every code of the table, as it is there."""

from __future__ import annotations

import pytest

from testing.desks import Desk
from tests.codes_page import PAGE, page


@pytest.mark.sql
def test_the_page_has_every_code(desk: Desk) -> None:
    text = PAGE.read_text(encoding="utf-8")
    with desk.connect("admin") as admin:
        assert text == page(text, admin), "write it anew: python -m tests.codes_page"
    assert "| 201 | rejected | rejected |" in text
