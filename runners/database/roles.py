"""The desk's database, its roles and its two schemas, on the embedded server or any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from backdesk.data import folder
from runners.database import connection, embedded, passwords, waiting
from runners.errors import DeskError
from runners.settings import Settings

LOGINS = (
    "desk_director", "desk_importer", "desk_runner", "desk_trader", "desk_link", "desk_dbt", "desk_viewer",
)  # fmt: skip
ROLES_FILE = folder("db") / "roles.sql"


class RolesError(DeskError):
    """The installing login may not make what the desk needs."""


def ensure_database(settings: Settings) -> bool:
    """Creates the desk's database where it is missing; True when it did."""
    target = connection.conninfo("admin", settings=settings)
    name = connection.database_name(settings)
    try:
        psycopg.connect(target, connect_timeout=10).close()
        return False
    except psycopg.OperationalError as error:
        missing = error
    # The one thing that can be mended here is a missing database; the maintenance database tells.
    try:
        with psycopg.connect(make_conninfo(target, dbname="postgres"), autocommit=True) as maintenance:
            exists = maintenance.execute("select from pg_database where datname = %s", [name]).fetchone()
            if exists is None:
                maintenance.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
                return True
    # Which of the two it is depends on how far another `up` of this moment has come.
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        return False
    except psycopg.errors.InsufficientPrivilege as error:
        raise RolesError(
            f"the database {name} does not exist, and this login may not create it",
            detail=error.diag.message_primary,
            hint=f"let an administrator run: create database {name} owner <login>",
        ) from error
    except psycopg.OperationalError:
        pass
    raise connection.unavailable(settings, target, missing) from missing


def ensure_roles(settings: Settings, roles_file: Path = ROLES_FILE) -> None:
    """Runs `db/roles.sql`, and gives the embedded server's logins their passwords."""
    with connection.connect("admin", settings=settings) as admin:

        def bring_up() -> None:
            with admin.transaction():
                admin.execute(roles_file.read_bytes())
            if settings.database_url is None:
                _set_passwords(admin, settings)

        try:
            waiting.for_locks(admin, bring_up)
        except psycopg.errors.InsufficientPrivilege as error:
            raise RolesError(
                f"the login {admin.info.user} may not set up the desk: {error.diag.message_primary}",
                detail=error.diag.context,
                hint=f"it needs CREATEROLE, and CREATE on the database: "
                f"alter role {admin.info.user} createrole; "
                f"grant create on database {admin.info.dbname} to {admin.info.user}",
            ) from error


def _set_passwords(admin: psycopg.Connection[Any], settings: Settings) -> None:
    file = embedded.password_file(settings)
    known = passwords.ensure(file, LOGINS, embedded.host(settings))
    for login in LOGINS:
        # Hashed here, so that no password reaches the server's log.
        hashed = admin.pgconn.encrypt_password(known[login].encode(), login.encode(), b"scram-sha-256")
        admin.execute(
            sql.SQL("alter role {} login password {}").format(sql.Identifier(login), hashed.decode())
        )
