"""Configs into jobs: all of them, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from runners.configs.errors import ConfigError
from runners.configs.reader import Config, read_config
from runners.configs.refusals import explained
from runners.settings import PROJECT_ROOT

INSERT = """
insert into desk.jobs (strategy, config, config_file, priority, notes)
values (%s, %s, %s, %s, %s)
returning id
"""
COMBINATIONS = """
select count(*), coalesce(sum(total_combinations), 0)::bigint
from desk.optimization_runs
where job_id = %s and role = 'search'
"""
IDENTICAL = """
select id
from desk.jobs
where canonical_config = desk.validate_config(%s, %s)
  and state in ('held', 'waiting', 'running', 'paused')
"""


@dataclass(frozen=True)
class Queued:
    """A job that was made, or that was there already."""

    job_id: int
    config: Config
    searches: int
    combinations: int
    joined: bool = False
    """True where an identical job was open, so that none was made."""


class Refused(ConfigError):
    """One or more configs were refused, and so none was queued."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        first = errors[0]
        super().__init__(
            first.path, first.position, first.plain_message, detail=first.detail, hint=first.hint
        )
        self.errors = tuple(errors)


def read_configs(files: Sequence[Path]) -> list[Config]:
    """Reads all files; raises Refused with every error there is."""
    configs, errors = [], []
    for file in files:
        try:
            configs.append(read_config(file))
        except ConfigError as error:
            errors.append(error)
    if errors:
        raise Refused(errors)
    return configs


def queue(
    connection: psycopg.Connection[Any],
    configs: Sequence[Config],
    *,
    priority: int = 0,
    note: str | None = None,
    dry_run: bool = False,
    join: bool = False,
) -> list[Queued]:
    """Makes a job of each config in one transaction, as the director; raises Refused with every refusal.

    `join` takes an identical open job instead of refusing; `dry_run` takes everything back at the end.
    """
    queued, errors = [], []
    with connection.transaction():
        for config in configs:
            try:
                with connection.transaction():
                    queued.append(_insert(connection, config, priority, note))
            except psycopg.errors.UniqueViolation as error:
                twin = _identical(connection, config) if join else None
                if twin is None:
                    errors.append(explained(error, config))
                else:
                    queued.append(twin)
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                errors.append(explained(error, config))
        if errors or dry_run:
            raise psycopg.Rollback
    if errors:
        raise Refused(errors)
    return queued


def config_file(path: str) -> str:
    """What the desk calls a config's file: short where it is one of the project's own."""
    resolved = Path(path).resolve()
    for folder in (PROJECT_ROOT / "configs" / "optimizations", PROJECT_ROOT, Path.cwd()):
        if resolved.is_relative_to(folder):
            return str(resolved.relative_to(folder))
    return resolved.name


def _insert(connection: psycopg.Connection[Any], config: Config, priority: int, note: str | None) -> Queued:
    file = config_file(config.path)
    row = connection.execute(INSERT, (None, Jsonb(config.data), file, priority, note)).fetchone()
    assert row is not None
    return _counted(connection, row[0], config)


def _identical(connection: psycopg.Connection[Any], config: Config) -> Queued | None:
    row = connection.execute(IDENTICAL, (None, Jsonb(config.data))).fetchone()
    return _counted(connection, row[0], config, joined=True) if row else None


def _counted(
    connection: psycopg.Connection[Any], job_id: int, config: Config, *, joined: bool = False
) -> Queued:
    row = connection.execute(COMBINATIONS, (job_id,)).fetchone()
    assert row is not None
    return Queued(job_id, config, searches=row[0], combinations=row[1], joined=joined)
