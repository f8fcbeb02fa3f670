"""Puts what LEAN left on disk into the desk: a run a search, a result a combination, judged like any other.

Everything of one search is one transaction, so an import that dies leaves nothing, and what every result says
is remembered, so a second import changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from runners.configs.reader import Config
from runners.configs.refusals import explained
from runners.engines.lean.commands import in_the_desks_words
from runners.engines.lean.discovery import Refusal, Search, discover, project_name
from runners.engines.lean.identity import content_hash
from runners.engines.lean.optimizer_config import search_config, search_type
from runners.engines.lean.result_file import LeanResult
from runners.engines.lean.result_metrics import Measured, measure
from runners.engines.raw_metrics import ImpossibleResultError
from runners.errors import DeskError

INSERT_RUN = """
insert into desk.optimization_runs (
  strategy_id, config_file, optimization_type, target_metric, total_combinations, status,
  symbols, start_date, end_date, cash, engine, notes, sessions_a_year)
values (%s, %s, %s, 'Sharpe Ratio', %s, 'running', %s, %s, %s, %s, 'lean', %s,
  coalesce(%s, desk.sessions_a_year('{}', '1d', %s::date[])))
returning id
"""
RECORD = """
select desk.record_import(%s::bigint, %s::bigint, %s::text, %s::text, %s::text, %s::text[], %s::date[],
  %s::float8[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::float8[], %s::float8[], %s::float8[],
  %s::float8[], %s::float8[])
"""
FINISH = "select desk.finish_import(%s::bigint, %s::bigint, %s::jsonb, %s::text[])"

_MOST_SYMBOLS = 50
_LONGEST_NAME = 63
_TRADE_COLUMNS = (
    "symbol", "entry_time", "exit_time", "size", "entry_price", "exit_price", "profit", "fees",
)  # fmt: skip


class ImportRefused(DeskError):
    """Nothing could be imported, and why."""


@dataclass(frozen=True)
class ImportOptions:
    """`strategy` is a name or code; None takes the project's folder, or a strategy of LEAN's that the config
    names. `config` brings the criteria."""

    strategy: str | None = None
    create_strategy: bool = False
    config: Config | None = None
    one_search: bool = False


@dataclass(frozen=True)
class Imported:
    """What became of one search; `run_id` is None where nothing new was in it."""

    folder: Path
    strategy: str
    run_id: int | None
    summary: str
    results: int
    known: int
    known_runs: tuple[int, ...]
    refusals: tuple[Refusal, ...]
    flags: tuple[str, ...]
    remarks: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class _One:
    """One result on its way into the desk."""

    result: LeanResult
    measured: Measured
    content_hash: str

    @property
    def hashes(self) -> tuple[str, str]:
        """By which it may be known: imports of earlier versions remembered the bytes of the file."""
        return self.content_hash, self.result.file_hash


class _Impossible(Exception):
    """PostgreSQL refuses the numbers of one result; the others are tried again without it."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(reason)
        self.number = number
        self.reason = reason


class _NothingNew(Exception):
    def __init__(self, imported: Imported) -> None:
        super().__init__()
        self.imported = imported


def import_results(
    connection: psycopg.Connection[Any], place: Path, options: ImportOptions
) -> list[Imported]:
    """Imports all searches under a folder, or one file, as the importer; raises ImportRefused where there is
    none."""
    if not place.exists():
        raise ImportRefused(f"there is no {place}", hint="name the folder that `lean optimize` wrote")
    found = discover(place, one_search=options.one_search)
    if not found.searches and not found.refusals:
        raise ImportRefused(
            f"{place} has no LEAN results",
            hint="name a folder that `lean optimize` or `lean backtest` wrote, or one above it",
        )
    searches = list(found.searches) or [Search(place if place.is_dir() else place.parent, ())]
    unclaimed = list(found.refusals)
    imported = []
    for search in searches:
        mine = [one for one in unclaimed if one.file.is_relative_to(search.folder) or search is searches[-1]]
        unclaimed = [one for one in unclaimed if one not in mine]
        imported.append(_import_search(connection, place, search, mine, options))
    return imported


def _import_search(
    connection: psycopg.Connection[Any],
    place: Path,
    search: Search,
    refusals: Sequence[Refusal],
    options: ImportOptions,
) -> Imported:
    refused = list(refusals)
    measured: list[_One] = []
    seen: dict[str, Path] = {}
    for result in search.results:
        try:
            one = measure(result)
        except ImpossibleResultError as error:
            refused.append(Refusal(result.path, f"has impossible numbers: {error}"))
            continue
        content = content_hash(result, one)
        if content in seen:
            refused.append(Refusal(result.path, f"is the result that {seen[content].name} has"))
        else:
            seen[content] = result.path
            measured.append(_One(result, one, content))
    while True:
        try:
            with connection.transaction():
                return _insert(connection, place, search, measured, refused, options)
        except _NothingNew as nothing:
            return nothing.imported
        except _Impossible as impossible:
            gone = measured.pop(impossible.number)
            refused.append(Refusal(gone.result.path, f"has impossible numbers: {impossible.reason}"))


def _insert(
    connection: psycopg.Connection[Any],
    place: Path,
    search: Search,
    measured: Sequence[_One],
    refused: Sequence[Refusal],
    options: ImportOptions,
) -> Imported:
    wanted = _strategy_name(search.folder, options)
    create = options.create_strategy or not (options.strategy or _configured(options))
    strategy_id, name, remark = _row(
        connection, "select id, name, remark from desk.strategy_for_import(%s, %s, %s)",
        wanted, create, options.strategy is not None,
    )  # fmt: skip
    remarks = (*search.remarks, *filter(None, [remark]))
    row = connection.execute(
        "select import_id, known, known_runs from desk.begin_import(%s::bigint, %s::text, %s::text[])",
        (strategy_id, _stored_name(place), [hash for one in measured for hash in one.hashes]),
    ).fetchone()
    assert row is not None
    import_id, known, known_runs = row[0], set(row[1]), tuple(row[2])
    new = [(number, one) for number, one in enumerate(measured) if not known & set(one.hashes)]
    if not new and known:
        raise _NothingNew(
            Imported(search.folder, name, None, "", 0, len(known), known_runs, tuple(refused), (), remarks)
        )
    run_id = (
        _insert_run(connection, strategy_id, search, remarks, [one for _, one in new], options)
        if new
        else None
    )
    for number, one in new:
        assert run_id is not None
        try:
            _insert_result(connection, run_id, strategy_id, import_id, place, one)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise _Impossible(number, (error.diag.message_primary or str(error)).strip()) from error
    stored = [{"file": _relative(one.file, place), "reason": one.reason} for one in refused]
    summary = _value(connection, FINISH, import_id, run_id, Jsonb(stored), list(remarks))
    flags = (
        _value(connection, "select flags from desk.optimization_runs where id = %s", run_id) if new else ()
    )
    return Imported(
        search.folder, name, run_id, summary or "", len(new), len(known), known_runs, tuple(refused),
        tuple(flags), remarks,
    )  # fmt: skip


def _insert_run(
    connection: psycopg.Connection[Any],
    strategy_id: int,
    search: Search,
    remarks: Sequence[str],
    new: Sequence[_One],
    options: ImportOptions,
) -> int:
    results = [one.result for one in new]
    sessions = [one.measured.curve.sessions for one in new if one.measured.curve is not None]
    starts = [one.start_date for one in results if one.start_date] or [days[0] for days in sessions]
    ends = [one.end_date for one in results if one.end_date] or [days[-1] for days in sessions]
    cash = new[0].measured.metrics.get("starting_cash")
    symbols = sorted({fill.symbol for result in results for fill in result.fills or ()})[:_MOST_SYMBOLS]
    config = options.config
    run_id = _value(
        connection, INSERT_RUN, strategy_id,
        Path(config.path).name if config else _stored_name(search.folder), search_type(search.config),
        len(new), symbols, min(starts, default=None), max(ends, default=None), cash,
        "; ".join(remarks) or None, next(filter(None, (one.sessions_a_year for one in results)), None),
        list(sessions[0]) if sessions else [],
    )  # fmt: skip
    target = search.log.target if search.log else ""
    described = in_the_desks_words(config.data) if config else search_config(search.config, target)
    if described:
        try:
            connection.execute("select desk.describe_import(%s::bigint, %s)", (run_id, Jsonb(described)))
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise (explained(error, config) if config else error) from error
    return int(run_id)


def _insert_result(
    connection: psycopg.Connection[Any],
    run_id: int,
    strategy_id: int,
    import_id: int,
    place: Path,
    new: _One,
) -> None:
    result, one = new.result, new.measured
    row: dict[str, object] = {
        "optimization_run_id": run_id,
        "strategy_id": strategy_id,
        "parameters": Jsonb(result.parameters or {}),
        "engine": "lean",
        **one.metrics,
        "engine_metrics": Jsonb(one.metrics["engine_metrics"]),
    }
    insert = sql.SQL("insert into desk.backtest_results ({}) values ({}) returning id").format(
        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(map(sql.Placeholder, row))
    )
    returned = connection.execute(insert, row).fetchone()
    assert returned is not None
    trades = one.trades if result.trades is not None else None
    columns: list[list[Any] | None] = [
        None if trades is None else [getattr(trade, name) for trade in trades] for name in _TRADE_COLUMNS
    ]
    curve = one.curve
    connection.execute(
        RECORD,
        (
            import_id, returned[0], new.content_hash, _relative(result.path, place), result.source,
            list(one.flags), list(curve.sessions) if curve else None, list(curve.equity) if curve else None,
            *columns,
        ),
    )  # fmt: skip


def _row(connection: psycopg.Connection[Any], statement: str, *parameters: object) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(statement, parameters).fetchone()
    assert row is not None
    return row


def _value(connection: psycopg.Connection[Any], statement: str, *parameters: object) -> Any:
    return _row(connection, statement, *parameters)[0]


def _configured(options: ImportOptions) -> str | None:
    named = options.config.data.get("strategy") if options.config else None
    return named if isinstance(named, str) else None


def _strategy_name(folder: Path, options: ImportOptions) -> str:
    """The strategy asked for, else that of the config, else the name of the project's folder."""
    named = options.strategy or _configured(options)
    if named:
        return named
    name = re.sub(r"[^A-Za-z0-9_]+", "_", project_name(folder)).strip("_")[:_LONGEST_NAME]
    return name if re.match(r"[A-Za-z]", name) else f"lean_{name}"[:_LONGEST_NAME].rstrip("_")


def _stored_name(place: Path) -> str:
    """The end of a path: enough to find it again, nothing of the machine."""
    return str(Path(*place.resolve().parts[-2:])).lstrip("/")


def _relative(file: Path, place: Path) -> str:
    return str(file.relative_to(place)) if file != place and file.is_relative_to(place) else file.name
