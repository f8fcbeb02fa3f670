"""A notebook's way in: queue, wait and read, as pandas frames with the views' own names and units.

Thin over the same SQL as everything else: each method is a statement that `Desk.execute` could send.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.types.json import Jsonb

from runners.configs.reader import read_config
from runners.database import connection
from runners.errors import DeskError

if TYPE_CHECKING:
    import pandas as pd
    import psycopg

QUEUE = """
insert into desk.jobs (strategy, config, config_file, priority, notes, force)
values (%(strategy)s, %(config)s, %(file)s, %(priority)s, %(note)s, %(force)s)
returning id
"""
STANDING = "select * from desk.job_progress where job_id = %(job)s"
LEADERBOARD = "select * from analytics.strategy_leaderboard limit %(limit)s"
RESULTS = """
select b.id as backtest_result_id, b.*
from desk.backtest_results as b
join desk.optimization_runs as r on r.id = b.optimization_run_id
where (%(job)s::bigint is null or r.job_id = %(job)s and r.role <> 'pilot')
  and (%(run)s::bigint is null or r.id = %(run)s)
order by b.id limit %(limit)s
"""
CURVE = "select * from desk.result_equity(%(result)s)"
TRADES = "select * from desk.result_trades where backtest_result_id = %(result)s order by trade"
MEANINGS = """
select a.attname, coalesce(pg_catalog.col_description(a.attrelid, a.attnum), ''), m.unit
from pg_catalog.pg_attribute as a
left join desk.metric_definitions as m on m.metric = a.attname
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped
"""


class Desk:
    """A connection to the desk; what is no method here is one of psycopg's connection.

    Reads go by the role that was asked for, `queue` by the director, whose connection is made when needed.
    """

    def __init__(self, made: psycopg.Connection[Any], role: str) -> None:
        self.connection = made
        self.role = role

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def __enter__(self) -> Desk:
        self.connection.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.__exit__(kind, error, trace)

    # Doing

    def queue(
        self,
        config: Mapping[str, Any] | str | Path,
        *,
        strategy: str | None = None,
        priority: int = 0,
        note: str | None = None,
        force: bool = False,
    ) -> int:
        """Insert a job and answer its number; `config` is what a YAML file has, or such a file.

        psycopg's errors say what is wrong with it and what to do; what the desk remarks is a warning.
        """
        file = None if isinstance(config, Mapping) else str(config)
        data = dict(config) if isinstance(config, Mapping) else read_config(Path(config)).data
        values = {
            "strategy": strategy, "config": Jsonb(data), "file": file, "priority": priority, "note": note,
            "force": force,
        }  # fmt: skip
        with connection.connect("director") as director:
            director.add_notice_handler(
                lambda notice: warnings.warn(notice.message_primary or "", stacklevel=2)
            )
            row = director.execute(QUEUE, values).fetchone()
        assert row is not None
        return int(row[0])

    def wait(self, job: int, *, seconds: float | None = None, every: float = 0.5) -> pd.Series[Any]:
        """The job as job_progress has it once it is over; TimeoutError after so many seconds."""
        ends = None if seconds is None else time.monotonic() + seconds
        while True:
            rows = self.frame(STANDING, {"job": job})
            if rows.empty:
                raise DeskError(
                    f"there is no job {job}", hint="see: desk.frame('select * from job_progress')"
                )
            standing = rows.iloc[0]
            if not standing["is_open"]:
                return standing
            if ends is not None and time.monotonic() > ends:
                raise TimeoutError(
                    f"job {job} is {standing['state']} after {seconds:g} s; start a runner: backdesk work"
                )
            time.sleep(every)

    # Reading

    def leaderboard(self, limit: int = 20) -> pd.DataFrame:
        """One row a strategy, by its best result, best first."""
        return self.frame(LEADERBOARD, {"limit": limit}, of="analytics.strategy_leaderboard")

    def results(self, job: int | None = None, *, run: int | None = None, limit: int = 10_000) -> pd.DataFrame:
        """One row a result of a job or a run, by backtest_result_id."""
        found = self.frame(RESULTS, {"job": job, "run": run, "limit": limit}, of="desk.backtest_results")
        return found.set_index("backtest_result_id").drop(columns="id")

    def curve(self, result: int) -> pd.DataFrame:
        """Equity, return, drawdown and benchmark of a result, by session."""
        return self.frame(CURVE, {"result": result}).set_index("session")

    def trades(self, result: int) -> pd.DataFrame:
        """One row a closed trade of a result, by its number."""
        return self.frame(TRADES, {"result": result}, of="desk.result_trades").set_index("trade")

    def frame(
        self, query: str, values: Mapping[str, Any] | Sequence[Any] | None = None, *, of: str | None = None
    ) -> pd.DataFrame:
        """What a statement answers; `attrs` has `units` and `descriptions` of the view `of`."""
        import pandas as pd

        cursor = self.connection.execute(sql.SQL(query), values)
        columns = cursor.description or []
        data = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in columns])
        for column in columns:
            if column.type_display == "date":
                data[column.name] = pd.to_datetime(data[column.name])
            elif column.type_display.startswith("numeric"):
                data[column.name] = data[column.name].astype(float)
        data = data.loc[:, ~data.columns.duplicated()]
        if of is not None:
            meanings = self.connection.execute(MEANINGS, [of]).fetchall()
            data.attrs["descriptions"] = {name: text for name, text, _ in meanings if name in data}
            data.attrs["units"] = {name: unit for name, _, unit in meanings if unit and name in data}
        return data
