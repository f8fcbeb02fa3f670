"""The backlog file: read with the reader of configs, judged by SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from backdesk.data import folder
from runners.configs.errors import ConfigError
from runners.configs.reader import Config, read_config
from runners.configs.refusals import explained

BACKLOG = folder("configs") / "strategy_backlog.yaml"


def read_backlog(path: Path = BACKLOG) -> Config:
    """The file, with the place of every line; it has one key, `strategies`."""
    return read_config(path)


def sync(connection: psycopg.Connection[Any], backlog: Config) -> list[tuple[str, str]]:
    """Strategy and what was done to it, as the director; ConfigError at the line that SQL refuses."""
    try:
        rows = connection.execute(
            "select strategy, action from desk.sync_backlog(%s)", [Jsonb(backlog.data.get("strategies"))]
        ).fetchall()
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        refusal: ConfigError = explained(error, backlog)
        raise refusal from error
    return [(strategy, action) for strategy, action in rows]
