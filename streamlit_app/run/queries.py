"""What the page of a run reads."""

from __future__ import annotations

from typing import Any

from streamlit_app.database import rows

RUNS = 500
# More points than a screen has pixels tell nothing: of long runs every so many, and every improvement.
POINTS = 2000
LINES = 1000


# What a list of searches says of each.
LISTED = (
    "select r.id as optimization_run_id, s.name as strategy, r.optimization_type, r.symbols,"
    " (coalesce(r.closed_at, r.started_at) at time zone 'UTC')::date as day,"
    " case when r.is_open then 'open' when r.status <> 'completed' then r.status"
    " when p.passed > 0 then p.passed || ' passed' else 'none passed' end as verdict"
    " from desk.optimization_runs as r join desk.strategies as s on s.id = r.strategy_id"
    " left join desk.run_progress as p on p.optimization_run_id = r.id"
)


def runs() -> list[dict[str, Any]]:
    """Searches, the newest first; the parts of a walk-forward are on its own page."""
    return rows(f"{LISTED} where r.role = 'search' order by r.id desc limit {RUNS}")


def listed(run_id: int) -> dict[str, Any] | None:
    """One of them, however old."""
    found = rows(f"{LISTED} where r.role = 'search' and r.id = %(id)s", {"id": run_id})
    return found[0] if found else None


def worth_seeing() -> int | None:
    """The newest search that has something to show: one that goes on, else a whole one with many points."""
    found = rows(
        "select r.id from desk.optimization_runs as r"
        " join desk.run_progress as p on p.optimization_run_id = r.id where r.role = 'search'"
        " order by r.is_open and p.finished > 1 desc, p.finished >= 10 and r.status = 'completed' desc,"
        " p.finished > 1 desc, r.id desc limit 1"
    )
    return found[0]["id"] if found else None


def run(run_id: int) -> dict[str, Any] | None:
    found = rows(
        "select o.*, r.notes, r.tags, r.imported,"
        " r.paused, r.is_open, r.config #> '{optimization,parameters}' as given,"
        " coalesce(d.title, o.target_metric) as target_title, d.unit as target_unit,"
        " d.decimals as target_decimals,"
        " desk.code_note(r.id) as code_note, j.eta, j.is_open as job_is_open, x.pbo, x.family_trials"
        " from analytics.optimization_summary as o"
        " join desk.optimization_runs as r on r.id = o.optimization_run_id"
        " left join desk.metric_definitions as d on d.metric = o.target_metric"
        " left join desk.job_progress as j on j.job_id = o.job_id"
        " left join desk.run_statistics as x on x.optimization_run_id = o.optimization_run_id"
        " where o.optimization_run_id = %(id)s",
        {"id": run_id},
    )
    return found[0] if found else None


def way(run_id: int) -> list[dict[str, Any]]:
    """Points in the order of recording, with the best so far."""
    return rows("select * from desk.search_way(%(id)s, %(points)s)", {"id": run_id, "points": POINTS})


def noise(run_id: int) -> list[dict[str, Any]]:
    """What the best of as many trials without skill would be; nothing where the target is no Sharpe ratio."""
    return rows("select * from desk.noise_way(%(id)s)", {"id": run_id})


def axes(run_id: int) -> list[str]:
    """Parameters that the search varies, as it planned them, or as an imported run's points have them."""
    planned = rows(
        "select s.item ->> 'name' as name"
        " from desk.search_generations as g"
        " cross join lateral jsonb_array_elements(g.space) with ordinality as s (item, position)"
        " where g.optimization_run_id = %(id)s"
        "  and coalesce((s.item ->> 'count')::numeric, jsonb_array_length(s.item -> 'values'), 2) > 1"
        " group by 1 order by min(s.position)",
        {"id": run_id},
    ) or rows(
        "select u.name from ("
        "  select b.parameters from desk.backtest_results as b"
        "  where b.optimization_run_id = %(id)s order by b.id limit 1000) as b"
        " cross join lateral jsonb_each(b.parameters) as u (name, value)"
        " group by u.name having count(distinct u.value) > 1 order by u.name",
        {"id": run_id},
    )
    return [row["name"] for row in planned]


def cells(run_id: int, x: str, y: str) -> list[dict[str, Any]]:
    """The target over two parameters, a row a cell that has a point."""
    return rows("select * from desk.target_map(%(id)s, %(x)s, %(y)s)", {"id": run_id, "x": x, "y": y})


def importance(run_id: int) -> list[dict[str, Any]]:
    """Shares of the parameters, the largest first; nothing where they were not weighed."""
    return rows(
        "select parameter, importance, standard_error, points, method from desk.parameter_importance"
        " where optimization_run_id = %(id)s order by importance desc, parameter",
        {"id": run_id},
    )


def points(run_id: int) -> list[dict[str, Any]]:
    """Points that have the target: as many as a browser can draw as lines."""
    return rows("select * from desk.run_points(%(id)s, %(points)s)", {"id": run_id, "points": LINES})


def rejections(run_id: int) -> list[dict[str, Any]]:
    return rows(
        "select reason, rejected from desk.run_rejections where optimization_run_id = %(id)s"
        " order by rejected desc, reason",
        {"id": run_id},
    )


def failures(run_id: int) -> list[dict[str, Any]]:
    return rows(
        "select error_kind, error, points, first_result_id, last_at from desk.run_failures"
        " where optimization_run_id = %(id)s order by points desc, error limit 50",
        {"id": run_id},
    )


def best(run_id: int) -> list[dict[str, Any]]:
    """The run's first ten on the board, those that passed before the others."""
    return rows(
        "select backtest_result_id, strategy, passed, deflated_sharpe, sharpe_ratio, annual_return,"
        " max_drawdown, trades, parameters from ("
        "(select * from desk.board where optimization_run_id = %(id)s and passed limit 10) union all"
        " (select * from desk.board where optimization_run_id = %(id)s and not passed limit 10)) as first"
        " limit 10",
        {"id": run_id},
    )
