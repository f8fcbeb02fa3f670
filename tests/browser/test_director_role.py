"""Who may press: the page reads as the viewer, and only where that is asked for it acts as the director."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from runners.cli import page
from runners.cli.app import app
from streamlit_app import director
from streamlit_app.database import reading
from testing import desks
from testing.desks import Desk


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


@pytest.mark.parametrize(
    ("arguments", "state", "said", "names"),
    [
        ([], "on", "", ["localhost", "127.0.0.1", "::1"]),
        (["--without-buttons"], "off", "", ["localhost", "127.0.0.1", "::1"]),
        (["--known-as", "desk.example.org"], "on", "", ["localhost", "127.0.0.1", "::1", "desk.example.org"]),
        (["--host", "0.0.0.0"], "off", "can read the desk, without a login", []),
        (["--host", "0.0.0.0", "--with-buttons"], "on", "can read the desk and press its buttons", []),
    ],
)
def test_buttons_are_offered_on_localhost_and_beyond_it_only_when_asked(
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    state: str,
    said: str,
    names: list[str],
) -> None:
    started: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda _, words, variables: started.append((words, variables)))
    monkeypatch.setattr(page, "_refuse_taken", lambda host, port: None)
    result = CliRunner().invoke(app, ["app", *arguments])
    assert result.exit_code == 0, result.output
    ((words, variables),) = started
    assert variables[director.BUTTONS] == state
    assert said in result.output
    allowed = [words[at + 1] for at, word in enumerate(words) if word == "--server.allowedHosts"]
    assert list(dict.fromkeys(allowed)) == names


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


MAY_NOT_WRITE = """
with relations as (
  select c.* from pg_class as c
  where c.relnamespace in ('desk'::regnamespace, 'analytics'::regnamespace)
)
select 'table ' || c.relname || ': ' || w.privilege
from relations as c
cross join unnest('{insert,update,delete,truncate,references,trigger}'::text[]) as w (privilege)
where c.relkind in ('r', 'p', 'v', 'm') and has_table_privilege('desk_viewer', c.oid, w.privilege)
union all
select 'column ' || c.relname || '.' || a.attname || ': ' || w.privilege
from relations as c
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
cross join unnest('{insert,update}'::text[]) as w (privilege)
where c.relkind in ('r', 'p', 'v', 'm')
  and has_column_privilege('desk_viewer', c.oid, a.attnum, w.privilege)
union all
select 'sequence ' || c.relname
from relations as c
where case c.relkind when 'S' then has_sequence_privilege('desk_viewer', c.oid, 'usage, update') end
union all
select 'function ' || p.oid::regprocedure
from pg_proc as p
where p.pronamespace in ('desk'::regnamespace, 'analytics'::regnamespace) and p.provolatile = 'v'
  and has_function_privilege('desk_viewer', p.oid, 'execute')
union all
select 'schema ' || n.nspname || ': create'
from pg_namespace as n
where has_schema_privilege('desk_viewer', n.oid, 'create')
union all
select 'database: create' where has_database_privilege('desk_viewer', current_database(), 'create')
union all
select 'member of ' || r.rolname
from pg_roles as r
where r.rolname <> 'desk_viewer' and pg_has_role('desk_viewer', r.oid, 'member')
union all
select 'attribute of the role'
from pg_roles as r
where r.rolname = 'desk_viewer'
  and (r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls)
"""


def test_the_role_that_the_page_reads_as_can_write_nothing(built_desk: Desk) -> None:
    with built_desk.connect("admin") as admin:
        assert [row[0] for row in admin.execute(MAY_NOT_WRITE).fetchall()] == []


REFUSED = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)


def try_to(prelude: str, statement: str) -> None:
    with reading() as viewer:
        viewer.execute(prelude)
        viewer.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into jobs (strategy, config) values ('x', '{}')",
        "update settings set value = '1'",
        "delete from backtest_results",
        "truncate jobs",
        "select cancel_job(1)",
        "select * from estimate('{}')",
        "select record_session_rows(1, gen_random_uuid(), 1, '{}')",
        "set role desk_director",
        "create table desk.mine (n integer)",
        "copy jobs to program 'cat'",
    ],
)
def test_the_page_itself_is_refused_whatever_it_tries(desk: Desk, statement: str) -> None:
    """Also when it leaves the read-only transactions that it begins with."""
    for prelude in ("select", "set default_transaction_read_only = off"):
        with pytest.raises(REFUSED):
            try_to(prelude, statement)


@pytest.mark.parametrize("name", ["new_job", "monitor", "queue"])
def test_without_a_database_a_page_says_so_and_what_to_do(name: str, tmp_path: Path) -> None:
    def script(name: str) -> None:
        from importlib import import_module

        getattr(import_module(f"streamlit_app.{name}.page"), name)()

    nothing = {"BACKDESK_HOME": str(tmp_path), "BACKDESK_DATABASE": "", "DATABASE_URL": ""}
    with desks.environment({**nothing, director.BUTTONS: "on"}):
        page = AppTest.from_function(script, kwargs={"name": name}, default_timeout=30).run()
    assert not page.exception
    assert page.error[0].value == "The desk's database is not running. To do: run `backdesk up`"
