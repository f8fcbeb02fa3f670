"""The code that a director queues searches of: what has been changed here is told to the desk before."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.types.json import Jsonb

from runners.configs.reader import Config
from runners.errors import DeskError
from strategies.own_files import unchanged

if TYPE_CHECKING:
    from strategies.registry import Broken

CURRENT = """
select s.name, s.engine = 'lean', v.details -> 'files',
       array(select h.file from desk.host_code as h
             where h.strategy_id = s.id and h.host = %(host)s and h.code_version_id = v.id)
from desk.strategies as s
join desk.code_versions as v on v.id = s.current_version_id
where s.name = any(%(names)s) or s.code = any(%(names)s)
"""
PUBLISH = "select desk.publish_strategies(%s, %s::text, %s)"
NOTES = """
select distinct on (job_id) job_id, desk.code_note(id)
from desk.optimization_runs
where job_id = any(%s) and role = 'search'
order by job_id, id
"""
FAULTS = """
select distinct r.job_id, desk.code_fault(r.code_version_id) as fault
from desk.optimization_runs as r
where r.job_id = any(%s) and desk.code_fault(r.code_version_id) is not null
order by 1, 2
"""
ELSEWHERE = """
select r.job_id, desk.code_note(r.id)
from desk.optimization_runs as r
join desk.strategies as s on s.id = r.strategy_id
where r.job_id = any(%s) and r.is_open and r.code_version_id is null
  and not exists (
    select from desk.host_code as h where h.host = %s and h.code_version_id = s.current_version_id)
limit 1
"""


def announce(director: psycopg.Connection[Any], configs: Sequence[Config]) -> None:
    """Tells the desk of the files of these strategies that are not what the desk takes them to be.

    Strategies are imported only where that is so, which takes longer than all the rest of a command.
    """
    names = {str(config.data.get("strategy")) for config in configs}
    rows = director.execute(CURRENT, {"host": socket.gethostname(), "names": list(names)}).fetchall()
    if len(rows) == len(names) and all(_known(*row[1:]) for row in rows):
        return
    publish(director, *own_code())


def own_code() -> tuple[list[dict[str, object]], tuple[Broken, ...]]:
    """This host's strategies as the desk takes them, and its files that cannot be loaded, or DeskError."""
    # Imported here, since Backtrader takes longer than the rest of a command.
    from strategies.registry import StrategyError, broken_files, published_strategies

    try:
        return published_strategies(), broken_files()
    except StrategyError as error:
        hint = "mend the file, or take it out of the folder of your strategies"
        raise DeskError(str(error), hint=hint) from error


def publish(
    connection: psycopg.Connection[Any],
    strategies: Sequence[dict[str, object]],
    broken: Sequence[Broken],
    *,
    announce: bool = False,
) -> None:
    """Tells the desk; `announce` makes them current, else those are that have changed here, or are new."""
    sent = [*strategies, *(one.published() for one in broken)]
    connection.execute(PUBLISH, [Jsonb(sent), socket.gethostname(), announce])


def _known(lean: bool, files: dict[str, str] | None, here: list[str]) -> bool:
    """True where this host's files are the current version, and the desk knows; or where it has none."""
    if lean:
        return _lean_known(files or {}, here)
    paths = unchanged(files or {})
    return paths == [] or (paths is not None and bool({str(path) for path in paths} & set(here)))


def _lean_known(files: dict[str, str], here: list[str]) -> bool:
    from strategies.lean_projects import code_version

    return any(code_version(Path(folder))[1] == files for folder in here)


def code_notes(connection: psycopg.Connection[Any], job_ids: Iterable[int]) -> dict[int, str]:
    """Of each job which code runs it, in words; none for what is no search."""
    return {job: note for job, note in connection.execute(NOTES, [list(job_ids)]) if note}


def code_faults(connection: psycopg.Connection[Any], job_ids: Iterable[int]) -> list[tuple[int, str]]:
    """What is known to be wrong with the code that ran these jobs."""
    return connection.execute(FAULTS, [list(job_ids)]).fetchall()


def code_elsewhere(connection: psycopg.Connection[Any], job_ids: Iterable[int]) -> tuple[int, str] | None:
    """A job that waits for code which this host does not have, and the note on that code."""
    return connection.execute(ELSEWHERE, [list(job_ids), socket.gethostname()]).fetchone()
