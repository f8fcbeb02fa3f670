"""docs/sql.md says what the database holds."""

from __future__ import annotations

import pytest

from testing.desks import Desk
from tests.sql_page import PAGE, page, raised


@pytest.mark.sql
def test_the_page_shows_every_function_view_and_error(desk: Desk) -> None:
    with desk.connect("admin") as admin:
        assert PAGE.read_text(encoding="utf-8") == page(admin), "write it anew: python -m tests.sql_page"


def test_a_code_is_read_where_it_is_raised() -> None:
    assert raised("perform desk.refuse(format('it''s (%s', x), null, 'no');") == {"22023"}
    assert raised("perform desk.refuse('none', null, h('a', 'b'),\n  '23503');") == {"23503"}
    assert raised("raise exception 'a; b %', x;") == {"P0001"}
    assert raised("raise exception using message = 'a', errcode = '22P02';") == {"22P02"}
    assert raised("raise notice 'a';") == set()
