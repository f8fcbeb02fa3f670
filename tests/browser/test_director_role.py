"""Who may press: the page reads as the viewer, and only where that is asked for it acts as the director."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from streamlit.testing.v1 import AppTest

from streamlit_app import director
from tests import desks
from tests.desks import Desk


@contextmanager
def buttons(state: str) -> Iterator[None]:
    with desks.environment({director.BUTTONS: state}):
        yield


def page_with_a_button() -> AppTest:
    def script() -> None:
        from streamlit_app import director

        director.note()
        director.button("Note it", "select desk.note(%(job)s, 'seen')", {"job": 1}, key="note")
        director.button("Cancel", "select cancel_job(%(job)s)", {"job": 99}, key="cancel", confirm="Really?")

    return AppTest.from_function(script, default_timeout=30)


@pytest.mark.usefixtures("desk")
def test_a_refusal_is_a_sentence_with_what_to_do_and_stays_on_the_page() -> None:
    with buttons("on"):
        page = page_with_a_button().run()
        assert not page.button(key="cancel").disabled
        page = page.button(key="cancel").click().run()
        assert page.error[0].value == "There is no job 99. See: select job_id, state from job_progress."
        page = page.run()
    assert [one.value[:19] for one in page.error] == ["There is no job 99."]
    assert not page.exception


@pytest.mark.usefixtures("desk")
def test_without_buttons_they_are_grey_and_a_press_that_is_sent_all_the_same_does_nothing() -> None:
    with buttons("off"):
        page = page_with_a_button().run()
        assert page.button(key="note").disabled
        assert "`backdesk app --with-buttons`" in page.button(key="note").help
        assert "Buttons are off" in page.caption[0].value
        answer = director.call("select cancel_job(1)")
    assert not answer.done
    assert answer.sentence.startswith("Buttons are off")


@contextmanager
def login_of(desk: Desk, roles: tuple[str, ...]) -> Iterator[str]:
    """Address of a login that may act in these roles and no other."""
    login = f"page_of_{len(roles)}"
    name = sql.Identifier(login)
    with desk.connect("admin") as admin:
        admin.execute(sql.SQL("create role {} login password 'page'").format(name))
        for role in roles:
            admin.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), name))
        try:
            yield make_conninfo(desk.conninfo("admin"), user=login, password="page", passfile="")
        finally:
            admin.execute(sql.SQL("drop role {}").format(name))


@pytest.mark.parametrize(
    ("roles", "may", "reason"),
    [
        (("desk_viewer",), False, "the page's login may not act as desk_director. Give it that role with"),
        (("desk_viewer", "desk_director"), True, ""),
    ],
)
def test_a_login_presses_only_where_it_may_act_as_the_director(
    desk: Desk, roles: tuple[str, ...], may: bool, reason: str
) -> None:
    with buttons("on"), login_of(desk, roles) as address, desks.environment({"DATABASE_URL": address}):
        allowed, said = director.may_act()
        page = page_with_a_button().run()
        assert not page.exception
        assert page.button(key="note").disabled is not may
    assert allowed is may
    assert reason in said
