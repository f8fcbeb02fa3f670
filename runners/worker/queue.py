"""The SQL API as a runner sees it: each method is one short call of one function.

Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from runners.engines.base import AdjustedPrices, RunSettings
from runners.tasks.registry import capabilities
from runners.worker.outcomes import block_statement, finished, in_one_statement
from runners.worker.patience import PatientConnection
from runners.worker.work_items import Report, Running, Task, WorkItem

CHANNEL = "desk_work"
CALLS = 50

OFFERS = "select module, capability, package, on_request from desk.task_offers()"
REGISTER = "select desk.register_runner(%s::text, %s::int, %s::text, %s::text[], %s::int, %s::text, %s, %s)"
CLAIM = """
select work_item_id, token, optimization_run_id, attempt, ordinals, parameters
from desk.claim_work(%s::bigint, %s::int)
"""
COMPLETE_AND_CLAIM = """
select word, work_item_id, token, optimization_run_id, attempt, ordinals, parameters
from desk.complete_and_claim($1, $2::bigint, $3::int)
"""
SETTINGS = "select desk.run_settings(%s::bigint)"
PRICES = "select symbol, epochs, open, high, low, close, volume from desk.run_prices(%s::bigint)"
HEARTBEAT = "select work_item_id, reason from desk.heartbeat(%s::bigint, %s, %s::numeric)"
CLAIM_TASK = """
select work_item_id, token, kind, attempt, optimization_run_id, payload from desk.claim_task(%s::bigint)
"""
HISTORY = "select parameters, value from desk.search_history(%s::bigint, %s) order by ordinal"
TASK_POINTS = "select parameters, value from desk.task_points(%s::bigint, %s)"
# Nothing of a runner's takes so many leases. Known from PostgreSQL 17 on.
TRANSACTION_LEASES = 10
GUARD = "select set_config(name, %s, false) from pg_settings where name = 'transaction_timeout'"
LONGEST = 4.0
FILES_CHANGED = "select desk.files_changed(%s::bigint, %s, %s::text)"
MAY_REGISTER_AGAIN = "select desk.may_register_again(%s::bigint, %s::text[])"
STANDING = "select total, recorded, passed, best from desk.run_standing(%s::bigint[])"


@dataclass(frozen=True)
class Runner:
    """What a runner says of itself when it registers."""

    host: str
    pid: int
    version: str
    engines: tuple[str, ...]
    processes: int
    platform: str
    runs_dbt: bool
    strategies: tuple[dict[str, object], ...]
    broken: tuple[dict[str, object], ...] = ()
    """Files of strategies that it has and cannot load."""


class Queue:
    """The runner's only connection, in autocommit."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._connection.execute(f"listen {CHANNEL}")
        self._notified = False
        connection.add_notify_handler(self._on_notify)
        self.lease_seconds = float(self._value("select desk.lease_seconds()"))
        self.outcome_type = int(self._value("select 'desk.point_outcome'::regtype::oid"))
        if isinstance(connection, PatientConnection):
            # Early enough to connect anew before the leases are over.
            connection.patience = max(1.0, self.lease_seconds / 2)
        connection.execute(GUARD, [f"{1000 * TRANSACTION_LEASES * self.lease_seconds:.0f}ms"])

    def fileno(self) -> int:
        return self._connection.fileno()

    def close(self) -> None:
        with suppress(psycopg.Error):
            self._connection.close()

    def _on_notify(self, _: psycopg.Notify) -> None:
        self._notified = True

    @property
    def noticed(self) -> bool:
        """A notice came along with an answer, so that the socket will not tell of it."""
        return self._notified

    def notified(self) -> bool:
        """True once after PostgreSQL said that there is work; never waits."""
        pgconn = self._connection.pgconn
        pgconn.consume_input()
        while pgconn.notifies():
            self._notified = True
        seen, self._notified = self._notified, False
        return seen

    def _value(self, statement: str, *parameters: object) -> Any:
        row = self._connection.execute(statement, parameters).fetchone()
        assert row is not None
        return row[0]

    def register(self, runner: Runner) -> int:
        """Publish the strategies and become a runner; returns its id."""
        requested = ("dbt",) if runner.runs_dbt else ()
        tasks = capabilities(self._connection.execute(OFFERS).fetchall(), requested)
        return int(
            self._value(
                REGISTER, runner.host, runner.pid, runner.version, [*runner.engines, *tasks],
                runner.processes, runner.platform, runner.runs_dbt,
                Jsonb([*runner.strategies, *runner.broken]),
            )
        )  # fmt: skip

    def files_changed(
        self, runner_id: int, strategies: Sequence[Mapping[str, object]], error: str | None = None
    ) -> None:
        """The strategies' files are these now, or cannot be read: `error` says why."""
        self._value(FILES_CHANGED, runner_id, Jsonb(list(strategies)), error)

    def may_register_again(self, runner_id: int, strategies: Sequence[Mapping[str, object]]) -> bool:
        """True where no open run needs code that this runner has and these are not."""
        hashes = [str(strategy["code_hash"]) for strategy in strategies]
        return bool(self._value(MAY_REGISTER_AGAIN, runner_id, hashes))

    def claim(self, runner_id: int, limit: int) -> list[WorkItem]:
        with self._connection.cursor(binary=True) as cursor:
            return [WorkItem.from_row(*row) for row in cursor.execute(CLAIM, (runner_id, limit))]

    def claim_task(self, runner_id: int) -> Task | None:
        row = self._connection.execute(CLAIM_TASK, (runner_id,)).fetchone()
        if row is None:
            return None
        item_id, token, kind, attempt, run_id, payload = row
        self._value("select desk.start_task_job(%s::bigint)", item_id)
        return Task(WorkItem(item_id, token, run_id or 0, attempt, ()), kind, payload)

    def search_history(self, item: WorkItem) -> list[tuple[dict[str, Any], float | None]]:
        return self._connection.execute(HISTORY, (item.work_item_id, item.token)).fetchall()

    def task_points(self, item: WorkItem) -> list[tuple[dict[str, Any], float]]:
        return self._connection.execute(TASK_POINTS, (item.work_item_id, item.token)).fetchall()

    def end_task(self, item: WorkItem, outcome: Mapping[str, Any]) -> str:
        """Record a task's `result`, or its `error` and whether to try again; PostgreSQL's word."""
        if "error" not in outcome:
            done = (item.work_item_id, item.token, Jsonb(outcome["result"]))
            return str(self._value("select desk.complete_task(%s::bigint, %s, %s)", *done))
        error = str(outcome["error"]).replace("\0", "")
        failed = (item.work_item_id, item.token, error, bool(outcome.get("again")))
        return str(self._value("select desk.fail_task(%s::bigint, %s, %s::text, %s)", *failed))

    def do_chores(self) -> int:
        return int(self._value("select desk.do_chores()"))

    def settings(self, run_id: int) -> RunSettings:
        return RunSettings.from_json(self.settings_document(run_id))

    def settings_document(self, run_id: int) -> Any:
        return self._value(SETTINGS, run_id)

    def prices(self, run_id: int) -> tuple[AdjustedPrices, ...]:
        with self._connection.cursor(binary=True) as cursor:
            rows = cursor.execute(PRICES, (run_id,)).fetchall()
        return tuple(AdjustedPrices.from_rows(*row) for row in rows)

    def heartbeat(self, runner_id: int, held: Iterable[Running], memory_mb: float) -> dict[int, str]:
        """Renew the leases; returns the items that this runner no longer holds, each with the reason."""
        running = [
            {"work_item_id": one.item.work_item_id, "token": str(one.item.token), "ordinal": one.ordinal}
            for one in held
        ]
        rows = self._connection.execute(HEARTBEAT, (runner_id, Jsonb(running), round(memory_mb, 1)))
        return dict(rows.fetchall())

    def record(self, reports: Sequence[Report]) -> list[tuple[Report, str]]:
        """Hand over outcomes that are told in the same call; each with the word that PostgreSQL answered."""
        if reports[0].block is not None:
            return [(report, self._record_block(report)) for report in reports]
        ordered = _in_order(reports)
        # Its placeholders are PostgreSQL's own: hundreds of psycopg's would be looked for at every batch.
        with psycopg.RawCursor(self._connection) as cursor:
            words = cursor.execute(*in_one_statement(ordered, self.outcome_type)).fetchall()
        return [(report, str(word)) for report, (word,) in zip(ordered, words, strict=True)]

    def _record_block(self, report: Report) -> str:
        """`recorded` where all of its points are, else the first other word."""
        with psycopg.RawCursor(self._connection) as cursor:
            rows = cursor.execute(*block_statement(report)).fetchall()
        return next((str(word) for word, _ in rows if word != "recorded"), "recorded")

    def bulk_plan(self, run_id: int) -> dict[str, Any]:
        plan: dict[str, Any] = self._value("select desk.bulk_plan(%s::bigint)", run_id)
        return plan

    def record_and_claim(
        self, reports: Sequence[Report], runner_id: int, limit: int
    ) -> tuple[list[tuple[Report, str]], list[WorkItem]]:
        """Hand over finished points as record() does, and claim as claim() does, in one transaction."""
        ordered = _in_order(reports)
        values = (finished(ordered, self.outcome_type), runner_id, limit)
        with psycopg.RawCursor(self._connection) as cursor:
            rows = cursor.execute(COMPLETE_AND_CLAIM, values, binary=True).fetchall()
        told, claimed = rows[: len(ordered)], rows[len(ordered) :]
        answers = [(report, str(word)) for report, (word, *_) in zip(ordered, told, strict=True)]
        return answers, [WorkItem.from_row(*row) for _, *row in claimed]

    def release(self, runner_id: int) -> int:
        return int(self._value("select desk.release_work(%s::bigint)", runner_id))

    def stop(self, runner_id: int) -> None:
        self._value("select desk.stop_runner(%s::bigint)", runner_id)

    def reap(self) -> int:
        return self._until_nothing("select desk.reap_expired()")

    def advance(self, runner_id: int) -> int:
        # Closing a run of a million points takes longer than anything else that is asked.
        with self._patience(LONGEST):
            return self._until_nothing("select desk.advance_runs(%s::bigint)", runner_id)

    def _until_nothing(self, statement: str, *parameters: object) -> int:
        """What does little a call, so that locks are short, until it answers that there was nothing to do."""
        total = 0
        for _ in range(CALLS):
            count = int(self._value(statement, *parameters))
            if not count:
                break
            total += count
        return total

    @contextmanager
    def _patience(self, times: float) -> Iterator[None]:
        connection = self._connection
        if not isinstance(connection, PatientConnection):
            yield
            return
        before, connection.patience = connection.patience, connection.patience * times
        try:
            yield
        finally:
            connection.patience = before

    def standing(self, run_ids: Iterable[int]) -> tuple[int, int, int, str | None]:
        """Of some runs: points planned, recorded and passed, and the best so far in words."""
        row = self._connection.execute(STANDING, (list(run_ids),)).fetchone()
        assert row is not None
        total, recorded, passed, best = row
        return int(total), int(recorded), int(passed), best

    def open_work(self, runner_id: int) -> int:
        """Points without a result in runs that this runner could work on, whoever holds them."""
        return int(self._value("select desk.open_work(%s::bigint)", runner_id))


def _in_order(reports: Sequence[Report]) -> list[Report]:
    """For one transaction: it takes runs in the order in which desk.lock_progress() locks them."""
    return sorted(
        reports,
        key=lambda report: (-report.item.optimization_run_id, report.item.work_item_id, report.ordinal),
    )
