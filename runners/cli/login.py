"""`backdesk login`: logins of a server of one's own, each for the roles that it needs and no others."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer
from psycopg import sql

from runners.database.connection import connect
from runners.errors import DeskError
from runners.settings import Settings

MARK = "made by backdesk login"
ROLES = ("director", "importer", "runner", "dbt", "viewer")


class LoginError(DeskError):
    """A login that cannot be made."""


def register(app: typer.Typer) -> None:
    app.command("login", short_help="Make a login of the database that may act in some roles only.")(login)


def login(
    name: Annotated[str, typer.Argument(help="Name of the login.", show_default=False)],
    role: Annotated[
        list[str], typer.Option(help="Role that it may act in; may be repeated.", show_default=False)
    ],
    password_file: Annotated[
        Path | None, typer.Option(help="File that holds its password; without one, a new one is printed.")
    ] = None,
) -> None:
    """Make a login of the database, or set its password and roles anew.

    A host that only runs backtests needs no more than the role runner: whoever gets hold of its password can
    claim work and record results, and read nothing else. docs/permissions.md says what each role may do.

    Example:

      backdesk login host_7 --role runner --password-file secrets/host_7
    """
    settings = Settings.from_environment()
    unknown = [one for one in role if one not in ROLES]
    if unknown:
        raise LoginError(f"there is no role {unknown[0]}", hint=f"the roles are {', '.join(ROLES)}")
    if name.startswith(("desk_", "pg_")):
        raise LoginError(f"{name} is a name of the desk's or the server's own", hint="choose another")
    password = _read(password_file) if password_file else secrets.token_urlsafe(24)
    with connect("admin", settings=settings) as admin, admin.transaction():
        there = admin.execute("select from pg_roles where rolname = %s", [name]).fetchone() is not None
        # Hashed here, so that no password reaches the server's log.
        hashed = admin.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
        login_name = sql.Identifier(name)
        verb = sql.SQL("alter" if there else "create")
        admin.execute(sql.SQL("{} role {} login password {}").format(verb, login_name, sql.Literal(hashed)))
        # What it has set for itself may keep others of it out; the mark has `backdesk up` take it back, too.
        admin.execute(sql.SQL("alter role {} reset all").format(login_name))
        admin.execute(sql.SQL("comment on role {} is {}").format(login_name, sql.Literal(MARK)))
        (connections,) = admin.execute(
            "select max(rolconnlimit) from pg_roles where rolname = any(%s)",
            [[f"desk_{one}" for one in role]],
        ).fetchone() or (-1,)
        admin.execute(
            sql.SQL("alter role {} connection limit {}").format(login_name, sql.Literal(connections))
        )
        for one in ROLES:
            granted = sql.SQL("grant {} to {}") if one in role else sql.SQL("revoke {} from {}")
            if one in role or there:
                admin.execute(granted.format(sql.Identifier(f"desk_{one}"), login_name))
    print(f"login {name} {'changed' if there else 'made'}: {', '.join(role)}")
    if password_file is None:
        print(f"password {password}")


def _read(file: Path) -> str:
    try:
        password = file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise LoginError(f"{file} cannot be read: {error.strerror}") from error
    if not password:
        raise LoginError(f"{file} holds no password")
    return password
