"""Connections to the desk's database, each in the role of what it is for."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runners.database import embedded, passwords
from runners.errors import DeskError
from runners.settings import Settings

ROLES = ("owner", "director", "importer", "runner", "dbt", "viewer", "admin")

# What `alter role ... set` gives a login, a role taken on by `-c role=` does not get.
ROLE_SETTINGS: dict[str, dict[str, str]] = {
    "dbt": {"lock_timeout": "5s"},
    "viewer": {"statement_timeout": "60s", "default_transaction_read_only": "on"},
}

_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "options": "PGOPTIONS",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "channel_binding": "PGCHANNELBINDING",
    "gssencmode": "PGGSSENCMODE",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "service": "PGSERVICE",
}


class DatabaseUnavailable(DeskError):
    """The desk's database cannot be reached."""


def connect(
    role: str,
    *,
    autocommit: bool = True,
    settings: Settings | None = None,
    application_name: str = "backdesk",
    kind: type[psycopg.Connection[Any]] = psycopg.Connection,
    **options: Any,
) -> psycopg.Connection[Any]:
    """Connects as desk_<role>, or as the installing login itself for "admin"."""
    settings = settings or Settings.from_environment()
    target = conninfo(role, settings=settings)
    try:
        return kind.connect(target, autocommit=autocommit, application_name=application_name, **options)
    except psycopg.OperationalError as error:
        raise unavailable(settings, target, error) from error


def conninfo(role: str, *, settings: Settings | None = None) -> str:
    """The same as a conninfo string."""
    return make_conninfo(**_parameters(role, settings or Settings.from_environment()))


def environment(role: str, *, settings: Settings | None = None) -> dict[str, str]:
    """The same as PG* variables, for child commands such as psql and dbt."""
    parameters = _parameters(role, settings or Settings.from_environment())
    return {_VARIABLES[name]: str(value) for name, value in parameters.items() if name in _VARIABLES}


def database_name(settings: Settings) -> str:
    """Name of the desk's database."""
    return str(_parameters("admin", settings)["dbname"])


def _parameters(role: str, settings: Settings) -> dict[str, str]:
    if role not in ROLES:
        raise ValueError(f"role is {role!r}, must be one of {', '.join(ROLES)}")
    if settings.database_url:
        given = _parsed(settings.database_url)
        given.setdefault("dbname", settings.database)
        given["options"] = " ".join(part for part in (given.get("options", ""), _options(role)) if part)
        return given
    login = embedded.SUPERUSER if role in ("owner", "admin") else f"desk_{role}"
    return {
        "host": str(embedded.host(settings)),
        "port": str(passwords.PORT),
        "user": login,
        "dbname": settings.database,
        "passfile": str(embedded.password_file(settings)),
        # Named even when empty, so that no PGOPTIONS of the user's gets in.
        "options": "-c role=desk_owner" if role == "owner" else "",
    }


def _options(role: str) -> str:
    """Options that turn the login of DATABASE_URL into the role."""
    if role == "admin":
        return ""
    chosen = {"role": f"desk_{role}", "search_path": "desk,analytics"} | ROLE_SETTINGS.get(role, {})
    return " ".join(f"-c {name}={value}" for name, value in chosen.items())


def _parsed(url: str) -> dict[str, str]:
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError as error:
        raise DatabaseUnavailable(
            f"DATABASE_URL is not a PostgreSQL address: {str(error).strip()}",
            hint="it looks like postgresql://user:password@host:5432/trading",
        ) from error


def unavailable(settings: Settings, target: str, error: psycopg.OperationalError) -> DeskError:
    """What to tell the user about a connection that failed."""
    if settings.database_url is None and embedded.status(settings) is None:
        return DatabaseUnavailable("the desk's database is not running", hint="run `backdesk up`")
    name = database_name(settings)
    reached = pq.PGconn.ping(target.encode()) == pq.Ping.OK
    return DatabaseUnavailable(
        f"no connection to the database {name}",
        detail=str(error).strip(),
        hint="run `backdesk up`" if reached else "check that the server of DATABASE_URL runs",
    )
