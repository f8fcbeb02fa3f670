"""Connections to the desk's database, each in the role of what it is for."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runners.database import embedded, passwords
from runners.errors import DeskError
from runners.settings import Settings

ROLES = ("owner", "director", "importer", "runner", "trader", "link", "dbt", "viewer", "admin")

# What `alter role ... set` gives a login, a role taken on by `-c role=` does not get: db/roles.sql has the
# same rows, and a test compares them.
ROLE_SETTINGS: dict[str, dict[str, str]] = {
    "director": {"idle_in_transaction_session_timeout": "10min"},
    "importer": {"idle_in_transaction_session_timeout": "10min"},
    "runner": {"idle_in_transaction_session_timeout": "5min"},
    "trader": {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "5s"},
    "link": {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "5s"},
    "dbt": {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "5min"},
    "viewer": {
        "statement_timeout": "60s",
        "default_transaction_read_only": "on",
        "idle_in_transaction_session_timeout": "60s",
    },
}

# No role has a weaker one's schema on its path: an operator planted there that fits better than
# pg_catalog's would be called with the rights of whoever sends the statement. docs/decisions/0021.
SAFE_PATH = "pg_catalog,desk,pg_temp"
READERS_PATH = "desk,marts"
SEARCH_PATHS = {
    "admin": SAFE_PATH,
    "owner": SAFE_PATH,
    "director": READERS_PATH,
    "importer": "desk",
    "runner": "desk",
    "trader": "desk",
    "link": "desk",
    "dbt": "desk",
    "viewer": READERS_PATH,
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


class WrongRole(DeskError):
    """The connection has other rights than it was asked for."""


def connect(
    role: str,
    *,
    autocommit: bool = True,
    settings: Settings | None = None,
    application_name: str = "backdesk",
    kind: type[psycopg.Connection[Any]] = psycopg.Connection,
    **options: Any,
) -> psycopg.Connection[Any]:
    """Connects as desk_<role>, or as the installing login itself for "admin".

    Raises WrongRole where what is between here and the server did not pass on what was asked for.
    """
    settings = settings or Settings.from_environment()
    target = conninfo(role, settings=settings)
    try:
        made = kind.connect(target, autocommit=True, application_name=application_name, **options)
        try:
            _refuse_other_role(role, made)
            made.autocommit = autocommit
        except BaseException:
            made.close()
            raise
        return made
    except psycopg.OperationalError as error:
        raise unavailable(settings, target, error) from error


def check(role: str, *, settings: Settings | None = None) -> None:
    """Connects once, before a child process does so with `environment`; raises what `connect` raises."""
    connect(role, settings=settings).close()


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


def _refuse_other_role(role: str, made: psycopg.Connection[Any]) -> None:
    found, path = made.execute(
        "select current_user::pg_catalog.text, pg_catalog.current_setting('search_path')"
    ).fetchone() or ("", "")
    wanted = found if role == "admin" else f"desk_{role}"
    if found == wanted and path.replace(" ", "") == SEARCH_PATHS[role]:
        return
    raise WrongRole(
        f"the server took the connection as {found}, which was to be {wanted}"
        if found != wanted
        else f"the server took the connection with the search path {path!r}, not {SEARCH_PATHS[role]!r}",
        detail="what is asked for when a connection begins (`options`) did not reach the server",
        hint="connect to PostgreSQL itself: a pooler in between, such as PgBouncer, is not supported",
    )


def _parameters(role: str, settings: Settings) -> dict[str, str]:
    if role not in ROLES:
        raise ValueError(f"role is {role!r}, must be one of {', '.join(ROLES)}")
    if settings.database_url:
        given = _parsed(settings.database_url)
        given.setdefault("dbname", settings.database)
        given["options"] = f"{given.get('options', '')} {_options(role, takes_on=role != 'admin')}".strip()
        return given
    login = embedded.SUPERUSER if role in ("owner", "admin") else f"desk_{role}"
    return {
        "host": str(embedded.host(settings)),
        "port": str(passwords.PORT),
        "user": login,
        "dbname": settings.database,
        "passfile": str(embedded.password_file(settings)),
        # Named in full, so that no PGOPTIONS of the user's gets in.
        "options": _options(role, takes_on=role == "owner"),
    }


def _options(role: str, *, takes_on: bool) -> str:
    """Options of a session in the role, which the login `takes_on` where it is not its own."""
    chosen = {"search_path": SEARCH_PATHS[role]} | ROLE_SETTINGS.get(role, {})
    if takes_on:
        chosen["role"] = f"desk_{role}"
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
