"""Checks of the desk itself, over a connection."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from socket import gethostname
from typing import Any

import psycopg

from runners.cli import analytics
from runners.cli.doctor.finding import Finding, broken, note, ok, warning
from runners.database import connection, embedded
from runners.database.schema_files import read_schema
from runners.errors import DeskError
from runners.settings import Settings

Admin = psycopg.Connection[Any]
OLDEST_SERVER = 150000
CLOCK_SECONDS = 5.0


def server(settings: Settings) -> Finding:
    """Whether there is a connection at all; without one the rest is not looked at."""
    try:
        with connection.connect("admin", settings=settings) as admin:
            number, version = admin.info.server_version, admin.info.parameter_status("server_version")
    except DeskError as error:
        found = error.message if error.detail is None else f"{error.message}: {error.detail.splitlines()[0]}"
        return broken("server", found, error.hint or "backdesk up")
    if number < OLDEST_SERVER:
        return broken("server", f"PostgreSQL {version}", "PostgreSQL 15 or newer")
    return ok("server", f"PostgreSQL {version} answers")


def socket(settings: Settings, _: Admin) -> Finding:
    if settings.database_url:
        return ok("socket", "not used: DATABASE_URL is set")
    folder: Path = embedded.host(settings)
    mode = folder.stat().st_mode & 0o777
    if mode & 0o077:
        return warning("socket", f"{folder} is open to others ({mode:o})", f"chmod 700 {folder}")
    passwords = embedded.password_file(settings)
    if passwords.stat().st_mode & 0o077:
        return broken("socket", f"{passwords} can be read by others", f"chmod 600 {passwords}")
    return ok("socket", f"{folder}, for this user only")


def migrations(_: Settings, admin: Admin) -> Finding:
    row = admin.execute("select to_regclass('desk.schema_migrations')").fetchone()
    if row == (None,):
        return broken("migrations", "this database has no desk", "backdesk up")
    try:
        row = admin.execute("select coalesce(max(version), 0) from desk.schema_migrations").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        found = f"the login {admin.info.user} may not see them"
        return note("migrations", found, "ask with the login that `backdesk up` was run with")
    (at,) = row or (0,)
    schema = read_schema()
    known = schema.version
    if at > known:
        return broken(
            "migrations", f"the database is at version {at}, this code knows {known}", "use the newer code"
        )
    topics = dict(admin.execute("select name, sha256 from desk.schema_topics").fetchall())
    if at < known or topics != schema.topic_hashes:
        return warning(
            "migrations", f"at version {at} of {known}, functions older than this code", "backdesk up"
        )
    return ok("migrations", f"at version {at}, functions are this code's")


def dbt_views(_: Settings, admin: Admin) -> Finding:
    comment, views = admin.execute(
        "select obj_description('analytics'::regnamespace, 'pg_namespace'),"
        " (select count(*) from pg_class"
        " where relnamespace = 'analytics'::regnamespace and relkind in ('v', 'r'))"
    ).fetchone() or (None, 0)
    if not views:
        return warning("dbt's views", "not built", "backdesk up")
    if comment != f"Built by dbt from {analytics.fingerprint(analytics.PROJECT)}":
        return warning("dbt's views", f"{views}, built from other files", "backdesk up")
    return ok("dbt's views", f"{views}, built from these files")


def prices(_: Settings, admin: Admin) -> Finding:
    series, newest = admin.execute(
        "select count(*), max(last_bar)::date from desk.price_coverage"
    ).fetchone() or (0, 0)
    if not series:
        return warning("prices", "none loaded", "backdesk load sample")
    return ok("prices", f"{series} series, the newest bar of {newest}")


def calendars(_: Settings, admin: Admin) -> Finding:
    found = admin.execute(
        "select calendar, last_session, ending from desk.calendar_coverage order by last_session nulls first"
    ).fetchall()
    ending = [
        f"no sessions of {name}" if last is None else f"the sessions of {name} end on {last}"
        for name, last, ends in found
        if ends
    ]
    if ending:
        todo = "backdesk up; if that brings no more, a newer exchange_calendars"
        return warning("calendars", "; ".join(ending), todo)
    if not found:
        return ok("calendars", "none is needed before prices are there")
    return ok("calendars", f"{', '.join(name for name, _, _ in found)}: sessions to {found[0][1]} and later")


def strategies(_: Settings, admin: Admin) -> Finding:
    from strategies.registry import StrategyError, broken_files, published_strategies

    try:
        here, faults = published_strategies(), [one.fault for one in broken_files()]
    except StrategyError as error:
        return broken("strategies", str(error), "mend the file, or take it out of that folder")
    hosts = admin.execute(
        "select host || ': ' || fault from desk.broken_files where host <> %s order by host, file",
        [gethostname()],
    ).fetchall()
    faults += [fault for (fault,) in hosts]
    if faults:
        hint = "mend each, or take it out of the folder of your strategies; all others run"
        return warning("strategies", "cannot be loaded: " + "; ".join(faults), hint)
    (known,) = admin.execute("select count(*) from desk.strategies").fetchone() or (0,)
    new = len(here) - len(
        admin.execute(
            "select from desk.strategies as s where s.name = any(%s)", [[one["name"] for one in here]]
        ).fetchall()
    )
    if new:
        return warning("strategies", f"{new} of {len(here)} here are not known to the desk", "backdesk up")
    return ok("strategies", f"{len(here)} here, {known} in the desk")


def runners(_: Settings, admin: Admin) -> Finding:
    alive, versions = admin.execute(
        "select count(*), coalesce(array_agg(distinct version), '{}') from desk.runner_status where alive"
    ).fetchone() or (0, [])
    if not alive:
        return note("runners", "none is alive", "backdesk work")
    if len(versions) > 1:
        return warning(
            "runners", f"{alive} alive, of versions {', '.join(versions)}", "upgrade the older ones"
        )
    return ok("runners", f"{alive} alive")


def chores(_: Settings, admin: Admin) -> Finding:
    failed = admin.execute(
        "select name, last_error from desk.chores where last_error is not null order by name"
    ).fetchall()
    if failed:
        return warning("chores", "; ".join(f"{name}: {error}" for name, error in failed), "see desk.chores")
    return ok("chores", "none has failed")


def clock(_: Settings, admin: Admin) -> Finding:
    seconds, ahead = admin.execute(
        "select extract(epoch from clock_timestamp() - %s)::float8,"
        " extract(epoch from desk.clock_ahead())::float8",
        [dt.datetime.now(dt.UTC)],
    ).fetchone() or (0, 0)
    found = f"{abs(seconds):.1f} s between this machine and the server"
    if ahead > CLOCK_SECONDS:
        written = f"the newest rows are {ahead:,.0f} s ahead of the server's clock, which was set back"
        return warning("clock", f"{written}; {found}", "runners follow it; run a time service on the server")
    if abs(seconds) > CLOCK_SECONDS:
        return note("clock", found, "only the server's counts, but logs will not match: run a time service")
    return ok("clock", found)


CHECKS: tuple[Callable[[Settings, Admin], Finding], ...] = (
    socket, migrations, dbt_views, prices, calendars, strategies, runners, chores, clock,
)  # fmt: skip
