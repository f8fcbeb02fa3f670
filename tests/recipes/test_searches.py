"""A search is added as docs/adding.md says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from streamlit_app.new_job import queries
from testing.desks import Desk

SEARCH = """
create function desk.plan_corners(p_run_id bigint) returns bigint language sql volatile
set search_path = desk, pg_temp as $$
  select desk.add_points(p_run_id, s.space, array[
    jsonb_build_object('fast', s.space #> '{0,start}'), jsonb_build_object('fast', s.space #> '{0,end}')])
  from (select desk.run_space(p_run_id)) as s (space)
$$;
create function desk.plan_middle(p_run_id bigint) returns text language plpgsql volatile
set search_path = desk, pg_temp as $$
begin
  if (select r.generation from desk.optimization_runs as r where r.id = p_run_id) > 1 then
    return 'over';
  end if;
  perform desk.add_points(p_run_id, desk.run_space(p_run_id), array['{"fast": 5}'::jsonb]);
  return 'planned';
end $$;
insert into desk.searches (position, name, plan_first, plan_next, draws, keys, range_keys, description)
values (
  9, 'Corner Search', 'plan_corners', 'plan_middle', true, '{patience}', '{log}', 'Ends, then the middle.');
"""


def corners(**more: object) -> Jsonb:
    """A config of that search."""
    parameters = {"fast": {"start": 2, "end": 8, "log": True}}
    search = {"type": "Corner Search", "parameters": parameters, **more}
    return Jsonb({"symbols": "AAPL", "optimization": search, "success_criteria": {"min_trades": 1}})


def test_a_search_is_a_row_and_a_file(
    desk_with: Callable[..., Desk], story: Callable[[psycopg.Connection[Any]], None]
) -> None:
    desk = desk_with(SEARCH)
    with desk.connect("admin") as session:
        story(session)
        job = "insert into jobs (strategy, config) values ('sma_crossover', %s)"
        session.execute(job, [corners()])
        session.execute("select tap.drain(tap.given_runner())")
        found = session.execute(
            "select r.status, b.parameters ->> 'fast' from backtest_results as b"
            " join optimization_runs as r on r.id = b.optimization_run_id order by b.ordinal"
        ).fetchall()
        assert found == [("completed", "2"), ("completed", "8"), ("completed", "5")]
        for unread, owner in (({"segments": 4}, "Euler Search"), ({"points": 4}, "Random Search")):
            with pytest.raises(psycopg.Error, match=f"A Corner Search has no .*\n.*\n.*{owner}"):
                session.execute(job, [corners(**unread)])
        folds = {"in_sample": 100, "out_of_sample": 50}
        session.execute(job, [corners(type="Walk-Forward", search="Corner Search", walk_forward=folds)])
        row = session.execute("select config_schema() #> '{properties,optimization,properties}'").fetchone()
        assert row is not None
        assert "Corner Search" in row[0]["type"]["enum"]
        assert "Corner Search" in row[0]["search"]["enum"]
        assert row[0]["patience"]["description"].startswith("Bayesian Search, Corner Search: Stop when")
    assert [one["draws"] for one in queries.searches() if one["name"] == "Corner Search"] == [True]
