"""Every role of the desk tries everything in `tests/attacks.py`, and nothing of it succeeds."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from runners.cli.login import login as make_login
from runners.database import connection
from testing.desks import Desk
from tests.attacks import attacks

pytestmark = pytest.mark.sql

PASSWORD = secrets.token_hex(8)

# Who has which power over what; the same before and after all attacks.
POWERS = """
select md5(string_agg(t.line, E'\\n' order by t.line)) from (
  select concat_ws(' ', 'role', rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
    rolconnlimit, (select array_agg(s.setconfig::text order by 1) from pg_db_role_setting as s
      where s.setrole = r.oid and s.setdatabase = 0)) as line
  from pg_roles as r where rolname ~ '^(desk_(?!test)|pg_)'
  union all
  select concat_ws(' ', 'member', member::regrole, roleid::regrole) from pg_auth_members
  where member::regrole::text ~ '^desk_'
  union all
  select concat_ws(' ', nspname, nspowner::regrole, nspacl) from pg_namespace where nspname !~ '^pg_t'
  union all
  select concat_ws(' ', oid::regprocedure, proowner::regrole, proacl, prosecdef, proconfig) from pg_proc
  union all
  select concat_ws(' ', oid::regclass, relowner::regrole, relacl, relkind) from pg_class
  where relnamespace::regnamespace::text !~ '^pg_t'
  union all
  select concat_ws(' ', 'cast', castsource::regtype, casttarget::regtype, castcontext) from pg_cast
  union all
  select concat_ws(' ', 'operator', oid::regoperator, oprcode) from pg_operator
  union all
  select concat_ws(' ', 'trigger', tgrelid::regclass, tgname, tgenabled) from pg_trigger
) as t
"""


class Attacker:
    """A session of one role, by a login that has this role and no other."""

    def __init__(self, desk: Desk, admin: psycopg.Connection[Any], role: str, login: str) -> None:
        self.role = role
        self.session = psycopg.connect(
            make_conninfo(
                desk.conninfo("admin"),
                user=login,
                password=PASSWORD,
                passfile="",
                options=f"-c role={role} -c search_path=desk,marts",
            ),
            autocommit=True,
        )
        self.session.execute("set default_transaction_read_only = off")
        self.session.execute("set statement_timeout = '10s'")
        self.names = {
            "me": role,
            "admin": admin.info.user,
            "database": admin.info.dbname,
            "pid": str(admin.info.backend_pid),
        }

    def tries(self, statement: sql.Composed) -> str | None:
        """The refusal's code; None where it was accepted."""
        try:
            self.session.execute(statement)
        except psycopg.Error as refused:
            return refused.sqlstate
        finally:
            if not self.session.closed:
                self.session.execute(sql.SQL("set role {}").format(sql.Identifier(self.role)))
        return None


@pytest.fixture(scope="module")
def admin(desk: Desk) -> Iterator[psycopg.Connection[Any]]:
    with desk.connect("admin") as session:
        yield session


@pytest.fixture(scope="module")
def attackers(
    desk: Desk, admin: psycopg.Connection[Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Attacker]]:
    """One for each role that there is, whichever those are, and one whose login `backdesk login` made."""
    roles = admin.execute(
        "select rolname from pg_roles where rolname ~ '^desk_(?!test)' order by 1"
    ).fetchall()
    logins = {f"attack_{secrets.token_hex(4)}": role for (role,) in roles}
    made = f"attack_{secrets.token_hex(4)}"
    file = tmp_path_factory.mktemp("login") / "password"
    file.write_text(PASSWORD)
    for login, role in logins.items():
        statement = sql.SQL("create role {} login password {} in role {}")
        admin.execute(statement.format(sql.Identifier(login), sql.Literal(PASSWORD), sql.Identifier(role)))
    make_login(made, role=["viewer"], password_file=file)
    logins[made] = "desk_viewer"
    there = [Attacker(desk, admin, role, login) for login, role in logins.items()]
    yield there
    for one in there:
        one.session.close()
    for login in logins:
        admin.execute(sql.SQL("drop role {}").format(sql.Identifier(login)))


def test_the_matrix(admin: psycopg.Connection[Any], attackers: list[Attacker]) -> None:
    """Each role, each attack, and each of the other roles to take on: 0 succeed."""
    tried = list(attacks())
    assert len(tried) >= 40
    assert {"desk_owner", "desk_dbt", "desk_viewer"} <= {one.role for one in attackers}
    (superuser,) = admin.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() or (
        None,
    )
    before = admin.execute(POWERS).fetchone()
    succeeded, odd = [], []
    for one in attackers:
        for attack in tried:
            if one.role in attack.rightful or (attack.closed_by_superuser and not superuser):
                continue
            code = one.tries(attack.query(**one.names))
            if code is None:
                succeeded.append((one.role, attack.statement))
            elif code != "42501":
                odd.append((one.role, code, attack.statement))
        for other in {another.role for another in attackers} - {one.role}:
            if one.tries(sql.SQL("set role {}").format(sql.Identifier(other))) is None:
                succeeded.append((one.role, f"set role {other}"))
    assert succeeded == [], "\n".join(map(str, succeeded))
    assert odd == [], "refused for another reason than want of rights"
    assert admin.execute(POWERS).fetchone() == before


def test_an_attack_that_may_succeed_is_noticed(attackers: list[Attacker]) -> None:
    """The table's statements are refused for want of rights, not for being wrong: whose right it is may."""
    owner = next(one for one in attackers if one.role == "desk_owner")
    wrong = []
    for attack in attacks():
        if "desk_owner" not in attack.rightful:
            continue
        try:
            with owner.session.transaction(force_rollback=True):
                owner.session.execute(attack.query(**owner.names))
        except psycopg.Error as error:
            wrong.append((attack.statement, str(error)))
    assert wrong == []


def test_a_role_has_the_settings_that_its_connections_ask_for(admin: psycopg.Connection[Any]) -> None:
    found = admin.execute(
        "select substr(r.rolname, 6), split_part(c.setting, '=', 1), split_part(c.setting, '=', 2)"
        " from pg_db_role_setting as s join pg_roles as r on r.oid = s.setrole"
        " cross join unnest(s.setconfig) as c (setting)"
        " where r.rolname ~ '^desk_(?!test)' and s.setdatabase = 0"
    ).fetchall()
    asked = [(role, *one) for role, settings in connection.ROLE_SETTINGS.items() for one in settings.items()]
    assert sorted(found) == sorted(asked)


def test_a_login_has_as_many_connections_as_its_role(attackers: list[Attacker]) -> None:
    made = attackers[-1].session
    limits = made.execute(
        "select rolname = session_user, rolconnlimit from pg_roles"
        " where rolname in ('desk_viewer', session_user)"
    ).fetchall()
    assert len(limits) == 2
    assert 2 <= limits[0][1] == limits[1][1] < int(made.execute("show max_connections").fetchone()[0])  # type: ignore[index]
