"""The page of the queue: what waits, runs and failed, and its buttons."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg.types.json import Jsonb
from streamlit.testing.v1 import AppTest

from runners.prices.load import load
from runners.prices.sample import read_sample
from streamlit_app import director
from testing import desks
from testing.desks import Desk

CONFIG = {
    "symbols": ["AAPL"],
    "start_date": "2008-01-01",
    "end_date": "2012-12-31",
    "optimization": {"parameters": {"rsi_period": {"start": 10, "end": 20, "step": 2}}},
}
# A point that failed for good, an item with a runner that is not heard of any more, and one to try again.
TROUBLE = """
with runner as (
  insert into desk.runners (host, pid, version, engines, processes, platform)
  values ('far away', 4711, '0.1.0', '{backtrader}', 2, 'test') returning id
), run as (
  update desk.optimization_runs set status = 'running' where job_id = %(job)s returning id, strategy_id
), failed as (
  insert into desk.backtest_results (optimization_run_id, strategy_id, ordinal, parameters, outcome,
    error_kind, error)
  select id, strategy_id, 1, '{"rsi_period": 10}', 'failed', 'strategy', 'ZeroDivisionError: division by zero'
  from run
), held as (
  insert into desk.work_items (optimization_run_id, first_ordinal, last_ordinal, state, token, runner_id,
    leased_at, lease_until, deadline_at)
  select run.id, 2, 4, 'leased', gen_random_uuid(), runner.id, now() - interval '90 s',
    now() - interval '30 s', now() + interval '1 h'
  from run, runner
)
insert into desk.work_items (optimization_run_id, first_ordinal, last_ordinal, attempt, run_after, last_error)
select id, 5, 5, 2, now() + interval '1 h', 'its process was killed' from run
"""


def queue_page() -> AppTest:
    def script() -> None:
        from streamlit_app.queue.page import queue

        queue()

    return AppTest.from_function(script, default_timeout=30)


@pytest.fixture
def busy(built_template: Desk) -> Iterator[Desk]:
    """A desk with one job, and buttons."""
    with desks.clone(built_template) as desk:
        desk.publish_strategies()
        with desk.connect("director") as director_:
            load(director_, next(one for one in read_sample().series if one.symbol == "AAPL"))
            director_.execute(
                "insert into jobs (strategy, config, config_file) values (%s, %s, %s)",
                ["rsi_mean_reversion", Jsonb(CONFIG), "rsi.yaml"],
            )
        with desks.environment({**desk.environment, director.BUTTONS: "on"}):
            yield desk


def tables(page: AppTest) -> dict[str, list[object]]:
    """Columns of all tables of the page, by name."""
    return {name: list(one.value[name]) for one in page.dataframe for name in one.value}


def test_trouble_is_shown_with_its_age_and_its_reason(busy: Desk) -> None:
    with busy.connect("admin") as admin:
        admin.execute(TROUBLE, {"job": 1})
    page = queue_page().run()
    assert not page.exception
    shown = tables(page)
    assert shown["points left"] == [3]
    assert str(shown["lease ends in"][0]).startswith("over for 3")
    assert shown["failed of"] == ["its process was killed"]
    assert shown["error"] == ["ZeroDivisionError: division by zero"]
    assert "1 of 6 points failed" in " ".join(one.value for one in page.markdown)
    page = page.button(key="retry_job 1").click().run()
    assert [one.value for one in page.success] == ["Job 1: 1 failed points are tried again."]


def test_a_job_is_paused_resumed_and_cancelled_with_buttons(busy: Desk) -> None:
    page = queue_page().run()
    page = page.button(key="pause_job 1").click().run()
    assert page.success[0].value == "Job 1 paused: what is running ends, nothing new is handed out."
    assert "(job 1, paused)" in page.markdown[0].value
    page = page.button(key="resume_job 1").click().run()
    assert page.success[0].value == "Job 1 goes on."
    assert "End job 1?" in " ".join(one.value for one in page.markdown)
    page = page.button(key="cancel_job 1").click().run()
    assert page.success[0].value.startswith("Job 1 ")
    assert not page.exception
    with busy.connect("viewer") as viewer:
        assert viewer.execute("select state from jobs where id = 1").fetchone() == ("cancelled",)
    assert tables(page)["again"] == ["/new_job?job=1"]


def test_a_press_that_comes_too_late_says_so(busy: Desk) -> None:
    page = queue_page().run()
    with busy.connect("director") as other:
        other.execute("select cancel_job(1)")
    page = page.button(key="pause_job 1").click().run()
    assert page.error[0].value == "Job 1 is cancelled already. Only an open job can be changed."


def test_without_buttons_nothing_can_be_pressed(busy: Desk) -> None:
    with desks.environment({director.BUTTONS: "off"}):
        page = queue_page().run()
    assert page.button(key="pause_job 1").disabled
    assert page.button(key="cancel_job 1").disabled
    assert "Buttons are off" in page.caption[0].value


def test_the_oldest_transaction_is_a_number_with_what_it_means(busy: Desk) -> None:
    with busy.connect("director", autocommit=False, application_name="a report") as open_one:
        open_one.execute("select 1")
        page = queue_page().run()
    ages = {metric.label: metric.value for metric in page.metric}
    assert ages["Oldest open transaction"].endswith(" s")
    assert any("a report as desk_director, idle in transaction" in one.value for one in page.caption)
