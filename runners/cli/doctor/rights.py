"""Checks of what roles have made of themselves, and of what others might call unawares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from runners.cli.doctor.finding import Finding, note, ok, warning
from runners.cli.login import MARK
from runners.database import connection
from runners.database.roles import LOGINS
from runners.errors import DeskError
from runners.settings import Settings

Admin = psycopg.Connection[Any]

_OWN_SETTINGS = """
select r.rolname::text, c.setting
from pg_catalog.pg_db_role_setting as s
join pg_catalog.pg_roles as r on r.oid = s.setrole
cross join unnest(s.setconfig) as c (setting)
where (r.rolname = any(%(roles)s) or shobj_description(r.oid, 'pg_authid') = %(mark)s)
  and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
order by 1, 2
"""

# Functions, operators, types and the like; the types that come with a view are the view's.
_NOT_DBTS = """
select pg_describe_object(d.classid, d.objid, 0)
from pg_catalog.pg_depend as d
where d.refclassid = 'pg_namespace'::regclass and d.refobjid = 'analytics'::regnamespace
  and d.classid <> 'pg_class'::regclass
order by 1
"""

_OPEN_TO_ALL = """
select distinct p.proname::text
from pg_catalog.pg_proc as p
where p.pronamespace = 'pg_catalog'::regnamespace
  and p.proname in ('lo_from_bytea', 'pg_logical_emit_message', 'pg_advisory_lock')
  and exists (
    select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a where a.grantee = 0
  )
order by 1
"""


def roles(settings: Settings, admin: Admin) -> Finding:
    """A role may change its own settings and its password; both keep others of the role out."""
    wanted = {
        (f"desk_{role}", f"{name}={value}")
        for role, chosen in connection.ROLE_SETTINGS.items()
        for name, value in chosen.items()
    }
    found = set(admin.execute(_OWN_SETTINGS, {"roles": [*LOGINS, "desk_owner"], "mark": MARK}).fetchall())
    wrong = [f"{role} has set {setting}" for role, setting in sorted(found - wanted)]
    wrong += [f"{role} lacks {setting}" for role, setting in sorted(wanted - found)]
    if settings.database_url is None:
        wrong += [f"{login} has another password" for login in LOGINS if not _gets_in(login, settings)]
    if wrong:
        return warning("roles", "; ".join(wrong), "backdesk up")
    return ok("roles", "each with the desk's settings")


def planted(_: Settings, admin: Admin) -> Finding:
    found = [name for (name,) in admin.execute(_NOT_DBTS).fetchall()]
    if found:
        return warning(
            "analytics",
            f"holds more than tables and views: {', '.join(found[:5])}{' ...' if len(found) > 5 else ''}",
            "find out who made it as desk_dbt; nothing of the desk calls it",
        )
    return ok("analytics", "nothing but tables and views")


def open_to_all(_: Settings, admin: Admin) -> Finding:
    found = [name for (name,) in admin.execute(_OPEN_TO_ALL).fetchall()]
    if found:
        remedy = "backdesk up as a superuser: docs/deploy.md"
        return note("functions", f"open to every login: {', '.join(found)}", remedy)
    return ok("functions", "large objects, WAL messages and advisory locks are closed to the desk's roles")


def transactions(_: Settings, admin: Admin) -> Finding:
    try:
        row = admin.execute(
            "select t.pid, t.role, t.state, t.age,"
            " t.age > (desk.setting('transaction_limit') #>> '{}')::interval"
            " from desk.oldest_transaction() as t"
        ).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return note("transactions", "this login may not see them", "grant pg_read_all_stats to desk_owner")
    if row is None:
        return ok("transactions", "none is open")
    pid, role, state, age, too_long = row
    found = f"the oldest is open for {age}: process {pid} of the login {role}, {state}"
    if too_long:
        return warning("transactions", found, f"select pg_terminate_backend({pid})")
    return ok("transactions", found)


CHECKS: tuple[Callable[[Settings, Admin], Finding], ...] = (roles, planted, open_to_all, transactions)


def _gets_in(login: str, settings: Settings) -> bool:
    try:
        connection.check(login.removeprefix("desk_"), settings=settings)
    except DeskError as error:
        return "password authentication failed" not in (error.detail or "")
    return True
