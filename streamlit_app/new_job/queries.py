"""What the form of a new job offers, and what the desk says to a config."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from streamlit_app.database import rows

INSERT = """
insert into desk.jobs (strategy, config, config_file, priority, notes, force)
values (null, %(config)s, %(file)s, %(priority)s, %(notes)s, %(force)s)
returning id
"""


def at_hand() -> str | None:
    """A strategy that a runner at work has, else one that a runner here can have: not one of LEAN's."""
    found = rows(
        "select s.name from desk.strategies as s where s.status <> 'retired'"
        " and exists (select from desk.code_versions as v where v.strategy_id = s.id)"
        " order by exists (select from desk.runner_code as c"
        " join desk.runner_status as r on r.id = c.runner_id and r.alive"
        " where c.code_version_id = s.current_version_id) desc, s.engine = 'lean', s.name limit 1"
    )
    return found[0]["name"] if found else None


def strategies() -> list[str]:
    """Strategies that may be tested and that some runner has published."""
    found = rows(
        "select s.name from desk.strategies as s where s.status <> 'retired'"
        " and exists (select from desk.code_versions as v where v.strategy_id = s.id) order by s.name"
    )
    return [one["name"] for one in found]


def strategy(name: str) -> dict[str, Any]:
    return rows("select title, hypothesis from desk.strategies where name = %(name)s", {"name": name})[0]


def parameters(name: str) -> list[dict[str, Any]]:
    """Published parameters; numbers as numbers, so that an integer stays one."""
    return rows(
        "select p.name, p.type, p.default_value as default, p.minimum::float8 as minimum,"
        " p.maximum::float8 as maximum, p.description"
        " from desk.strategy_parameters as p join desk.strategies as s on s.id = p.strategy_id"
        " where s.name = %(name)s order by p.position",
        {"name": name},
    )


def coverage() -> list[dict[str, Any]]:
    """Symbols that have prices, a row a symbol and length of bar."""
    return rows(
        "select symbol, timeframe, (first_bar at time zone 'UTC')::date as first_day,"
        " (last_bar at time zone 'UTC')::date as last_day from desk.price_coverage order by timeframe, symbol"
    )


def metrics() -> list[dict[str, Any]]:
    """Metrics by their titles, with the keys under which a criterion names them."""
    return rows("select metric, title, unit, min_key, max_key from desk.metric_definitions order by title")


def default_criteria() -> dict[str, float]:
    found = rows("select value from desk.settings where name = 'default_criteria'")
    return dict(found[0]["value"]) if found else {}


def choices(path: str) -> list[str]:
    """What a key of a config may be, where it may be one of some words."""
    found = rows("select allowed from desk.config_keys where path = %(path)s", {"path": path})
    return list(found[0]["allowed"] or []) if found else []


def searches() -> list[dict[str, Any]]:
    """The searches, in their order."""
    return rows("select name, draws, windows, description from desk.searches order by position")


def search_numbers(name: str) -> list[dict[str, Any]]:
    """Whole numbers that a search needs or has a default for, each with what it may be and begins as."""
    return rows(
        "select n.name as key, k.minimum::int as low, k.maximum::int as high, k.description,"
        " coalesce(s.defaults ->> n.name, k.example)::int as value"
        " from desk.searches as s cross join unnest(s.keys) as n (name)"
        " join desk.config_keys as k on k.path = 'optimization.' || n.name and k.type = 'integer'"
        " where s.name = %(name)s and (n.name = any (s.required_keys) or s.defaults ? n.name)"
        " order by k.position",
        {"name": name},
    )


def job_config(job: int) -> dict[str, Any] | None:
    """The config of an earlier job, as it was inserted."""
    found = rows(
        "select jsonb_strip_nulls(jsonb_build_object('strategy', strategy)) || config as config"
        " from desk.jobs where id = %(id)s and kind = 'optimization'",
        {"id": job},
    )
    return dict(found[0]["config"]) if found else None


def key_positions() -> dict[str, int]:
    """In which order a file has the keys, by path."""
    return {one["path"]: one["position"] for one in rows("select path, position from desk.config_keys")}


def run_of(job: int) -> dict[str, Any] | None:
    """The first search of a job."""
    found = rows(
        "select r.id, s.name as strategy from desk.optimization_runs as r"
        " join desk.strategies as s on s.id = r.strategy_id"
        " where r.job_id = %(job)s and r.role = 'search' order by r.id limit 1",
        {"job": job},
    )
    return found[0] if found else None


def validate(config: dict[str, Any]) -> dict[str, Any]:
    """The canonical config. Raises what PostgreSQL refuses it with."""
    found = rows("select desk.validate_config(null, %(config)s) as config", {"config": Jsonb(config)})
    return dict(found[0]["config"])
