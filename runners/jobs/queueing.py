"""Configs into jobs: all of them, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from backdesk.data import checkout, folder
from backdesk.project import here
from runners.configs.batches import Batch
from runners.configs.errors import ConfigError
from runners.configs.reader import Config, read_config
from runners.configs.refusals import explained

INSERT = """
insert into desk.jobs (strategy, config, config_file, priority, notes, batch_id, force)
values (%s, %s, %s, %s, %s, %s, %s)
returning id
"""
BATCH = "insert into desk.batches (name, file, notes) values (%s, %s, %s) returning id"
COMBINATIONS = """
select count(*) filter (where r.role = 'search'),
       coalesce(sum(r.total_combinations) filter (where not s.windows), 0)::bigint,
       max(j.state), max(j.batch_id)
from desk.optimization_runs as r
join desk.jobs as j on j.id = r.job_id
join desk.searches as s on s.name = r.optimization_type
where r.job_id = %s and r.role in ('search', 'in_sample')
"""
IDENTICAL = """
select id
from desk.jobs
where canonical_config = desk.validate_config(%s, %s)
  and is_open
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
    held: bool = False
    """True while pilot points run first."""
    batch_id: int | None = None

    @property
    def name(self) -> str:
        """What people call it: the config's own name where one file holds several, else the file."""
        own = self.config.data.get("name")
        return own if self.batch_id is not None and isinstance(own, str) else self.config.path


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
    force: bool = False,
    batch: Batch | None = None,
) -> list[Queued]:
    """Makes a job of each config in one transaction, as the director; raises Refused with every refusal.

    `join` takes an identical open job instead of refusing; `dry_run` takes everything back at the end;
    `force` runs jobs whatever their fees; `batch` is what the configs belong to.
    """
    queued, errors = [], []
    with connection.transaction():
        batch_id = _insert_batch(connection, batch) if batch else None
        for config in configs:
            try:
                with connection.transaction():
                    queued.append(_insert(connection, config, priority, note, batch_id, force))
            except psycopg.errors.UniqueViolation as error:
                twin = _identical(connection, config) if join else None
                if twin is None:
                    errors.append(explained(error, config))
                else:
                    queued.append(twin)
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                errors.append(explained(error, config))
        # A batch of which every job was open already would be empty.
        if errors or dry_run or all(job.joined for job in queued):
            raise psycopg.Rollback
    if errors:
        raise Refused(errors)
    return queued


def config_file(path: str) -> str:
    """What the desk calls a config's file: short where it is one of the desk's or of the project's own."""
    resolved = Path(path).resolve()
    project = here()
    own = project.root if project else None
    for top in (folder("configs") / "optimizations", checkout(), own, Path.cwd()):
        if top is not None and resolved.is_relative_to(top):
            return str(resolved.relative_to(top))
    return resolved.name


def _insert_batch(connection: psycopg.Connection[Any], batch: Batch) -> int:
    row = connection.execute(BATCH, (batch.name, config_file(batch.path), batch.notes)).fetchone()
    assert row is not None
    return int(row[0])


def _insert(
    connection: psycopg.Connection[Any],
    config: Config,
    priority: int,
    note: str | None,
    batch_id: int | None,
    force: bool,
) -> Queued:
    file = config_file(config.path)
    row = connection.execute(
        INSERT, (None, Jsonb(config.data), file, priority, note, batch_id, force)
    ).fetchone()
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
    return Queued(
        job_id,
        config,
        searches=row[0],
        combinations=row[1],
        joined=joined,
        held=row[2] == "held",
        batch_id=row[3],
    )
