"""Everything the desk takes from the environment, read in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DATABASE_NAME = "trading"


@dataclass(frozen=True)
class Settings:
    """Where the desk lives.

    home               folder of everything the desk keeps (BACKDESK_HOME)
    database_url       any PostgreSQL server instead of the embedded one (DATABASE_URL)
    database           database name where the URL gives none (BACKDESK_DATABASE)
    strategies_folder  the user's own strategies (BACKDESK_STRATEGIES)
    """

    home: Path
    database_url: str | None = None
    database: str = DATABASE_NAME
    strategies_folder: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Settings from `environment` (by default the process's); an empty variable counts as unset."""
        given = os.environ if environment is None else environment
        home = given.get("BACKDESK_HOME")
        strategies = given.get("BACKDESK_STRATEGIES")
        return cls(
            home=_absolute(home) if home else PROJECT_ROOT / ".backdesk",
            database_url=given.get("DATABASE_URL") or None,
            database=given.get("BACKDESK_DATABASE") or DATABASE_NAME,
            strategies_folder=_absolute(strategies) if strategies else None,
        )


def _absolute(path: str) -> Path:
    return Path(path).expanduser().absolute()
