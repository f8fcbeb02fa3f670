"""Everything the desk takes from the environment, read in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backdesk.data import checkout
from runners.errors import DeskError

DATABASE_NAME = "trading"


@dataclass(frozen=True)
class Settings:
    """Where the desk lives.

    home               folder of everything the desk keeps (BACKDESK_HOME); by default `.backdesk`
                       in a checkout, and `backdesk` in the user's data folder elsewhere
    database_url       any PostgreSQL server instead of the embedded one (DATABASE_URL); its password may lie
                       in a file (DATABASE_PASSWORD_FILE), as containers and systemd hand out secrets
    database           database name where the URL gives none (BACKDESK_DATABASE)
    """

    home: Path
    database_url: str | None = None
    database: str = DATABASE_NAME

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Settings from `environment` (by default the process's); an empty variable counts as unset."""
        given = os.environ if environment is None else environment
        home = given.get("BACKDESK_HOME")
        return cls(
            home=_absolute(home) if home else _default_home(given),
            database_url=_with_password(given.get("DATABASE_URL"), given.get("DATABASE_PASSWORD_FILE")),
            database=given.get("BACKDESK_DATABASE") or DATABASE_NAME,
        )


def _default_home(environment: Mapping[str, str]) -> Path:
    """Never beside installed code, which may be another user's and go with the next version."""
    repository = checkout()
    if repository is not None:
        return repository / ".backdesk"
    data = environment.get("XDG_DATA_HOME", "")
    # A relative one is to be ignored, says the XDG specification.
    return _absolute(data if data.startswith("/") else "~/.local/share") / "backdesk"


def _with_password(url: str | None, file: str | None) -> str | None:
    if not url or not file:
        return url or None
    # Imported here, since most processes know of no such file, and some never connect.
    import psycopg
    from psycopg.conninfo import make_conninfo

    try:
        return make_conninfo(url, password=Path(file).read_text(encoding="utf-8").rstrip("\r\n"))
    except OSError as error:
        raise DeskError(
            f"the file {file} of DATABASE_PASSWORD_FILE cannot be read: {error.strerror}",
            hint="it holds the password of DATABASE_URL and nothing else",
        ) from error
    except psycopg.ProgrammingError:
        # Whoever connects says what is wrong with it.
        return url


def _absolute(path: str) -> Path:
    return Path(path).expanduser().absolute()
