"""A backtest as a row of the database: the desk queues and runs it as a job of one point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from runners.backtests.execution import Backtest
from runners.backtests.request import RequestError
from runners.database.connection import connect
from runners.jobs.running import run_until_over
from runners.settings import Settings
from strategies.registry import is_admitted

RESULT = """
select r.id, r.ending_value
from desk.backtest_results as r
join desk.optimization_runs as o on o.id = r.optimization_run_id
where o.job_id = %s and r.outcome = 'finished'
order by r.id desc
limit 1
"""


STANDING = """
select jsonb_build_object(
  'deflated_sharpe', b.deflated_sharpe, 'passed', b.passed, 'benchmark', n.benchmark,
  'benchmark_returns', (select jsonb_agg(jsonb_build_array(e.session, e.benchmark_return) order by e.session)
    from desk.result_equity(b.id) as e where e.benchmark_return is not null),
  'criteria', (select jsonb_agg(to_jsonb(c) order by c.title) from desk.result_checks(b.id) as c))
from desk.backtest_results as b
left join desk.run_benchmarks as n on n.optimization_run_id = b.optimization_run_id
where b.id = %s::bigint
"""


@dataclass(frozen=True)
class Recorded:
    """The row, and what the desk says of its run; `result_id` is None where the point failed."""

    job_id: int
    result_id: int | None
    summary: str
    same: bool
    """Whether the desk's ending value is ours, to the bit."""
    standing: dict[str, Any] | None
    """What only a row has: deflated Sharpe ratio, benchmark, criteria; None where the point failed."""


def record(backtest: Backtest, settings: Settings) -> Recorded:
    """Queue it, have it run, and find its row. RequestError where the desk could not run the same."""
    entry = backtest.request.entry
    if is_admitted(entry.name):
        raise RequestError(
            f"{entry.name} is on nobody's list but this command's, so no runner may run it",
            hint="put its file into your project, or into the folder that BACKDESK_STRATEGIES names",
        )
    if backtest.prices.source != "desk":
        raise RequestError(
            "only a backtest on the desk's own prices can be recorded",
            detail=f"this one ran on {backtest.prices.description}",
            hint="backdesk up, then backdesk load",
        )
    with connect("director", settings=settings) as director:
        (job_id,) = _one(
            director.execute(
                "insert into desk.jobs (config, notes) values (%s, %s) returning id",
                (Jsonb(config_of(backtest)), f"run_backtest {backtest.id}"),
            ).fetchone()
        )
        (job,) = run_until_over(director, [job_id], settings=settings, processes=1)
        row = director.execute(RESULT, (job_id,)).fetchone()
        standing = None if row is None else _one(director.execute(STANDING, (row[0],)).fetchone())[0]
    ending = backtest.result.metrics["ending_value"]
    summary = job.summary or job.error or job.state
    return Recorded(job_id, row and row[0], summary, row is not None and row[1] == ending, standing)


def config_of(backtest: Backtest) -> dict[str, Any]:
    """The config of a search with one point: this backtest."""
    run, request = backtest.settings, backtest.request
    return {
        "strategy": request.entry.name,
        "symbols": list(run.symbols),
        "timeframe": run.timeframe,
        "start_date": run.start_date.isoformat(),
        "end_date": run.end_date.isoformat(),
        "cash": run.cash,
        "commission": run.commission.percent,
        "slippage": run.slippage,
        "seed": run.seed,
        "keep_series": "all",
        "optimization": {"parameters": dict(request.parameters)},
    }


def _one(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    assert row is not None
    return row
