"""The page of a run: its way against noise, its map, its reasons, and its buttons as the director."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from streamlit.testing.v1 import AppTest

from runners.prices.load import load
from runners.prices.sample import read_sample
from streamlit_app import director
from streamlit_app.run import queries
from streamlit_app.run.controls import flow_text
from testing import desks
from testing.desks import Desk
from tests import board_rows

CONFIG: dict[str, Any] = {
    "symbols": ["AAPL"],
    "start_date": "2008-01-01",
    "end_date": "2012-12-31",
    "optimization": {
        "type": "Grid Search",
        "target_metric": "Sharpe Ratio",
        "parameters": {"rsi_period": {"start": 10, "end": 20, "step": 2}, "entry_threshold": [25, 30]},
    },
}
FAILED = """
insert into desk.full_results (optimization_run_id, strategy_id, ordinal, parameters, parameters_hash,
  outcome, error_kind, error)
select r.id, r.strategy_id, 99, '{"period": 1}', repeat('0', 64), 'failed', 'strategy',
  E'ZeroDivisionError: division by zero\\n  in next()'
from desk.optimization_runs as r where config_file = 'calm.yaml'
"""


def run_page(**address: str) -> AppTest:
    def script() -> None:
        from streamlit_app.run.page import run

        run()

    page = AppTest.from_function(script, default_timeout=30)
    for name, value in address.items():
        page.query_params[name] = value
    return page


@pytest.fixture(scope="module")
def filled_desk(built_template: Desk) -> Iterator[Desk]:
    with desks.clone(built_template) as desk:
        board_rows.fill(desk)
        with desk.connect("owner") as owner:
            owner.execute(FAILED)
        yield desk


@pytest.fixture
def filled(filled_desk: Desk) -> Iterator[Desk]:
    with desks.environment(filled_desk.environment):
        yield filled_desk


@pytest.fixture
def queued(built_template: Desk) -> Iterator[Desk]:
    """A desk with a job that waits, and buttons."""
    with desks.clone(built_template) as desk, desks.environment({**desk.environment, director.BUTTONS: "on"}):
        desk.publish_strategies()
        with desk.connect("director") as connection:
            load(connection, next(one for one in read_sample().series if one.symbol == "AAPL"))
            insert(connection)
        yield desk


def insert(connection: Any) -> None:
    connection.execute(
        "insert into jobs (strategy, config, config_file) values (%s, %s, %s)",
        ["rsi_mean_reversion", Jsonb(CONFIG), "rsi.yaml"],
    )


def shown(page: AppTest) -> dict[str, str]:
    assert not page.exception
    return {metric.label: metric.value for metric in page.metric}


def press(page: AppTest, label: str) -> AppTest:
    return next(button for button in page.button if button.label == label).click().run()


@pytest.mark.usefixtures("filled")
def test_a_run_says_whether_its_best_is_more_than_noise() -> None:
    page = run_page(run="1").run()
    assert shown(page)["Best Sharpe Ratio"] == "3.00"
    noise = next(one.value for one in page.caption if "without any skill" in one.value)
    assert "after 2 trials" in noise


@pytest.mark.usefixtures("filled")
def test_noise_is_the_maximum_of_as_many_normal_trials() -> None:
    """Sharpe ratios of 0.9 and 3.0: a variance of 2.205, and the maximum of two of such a deviation."""
    last = queries.noise(1)[-1]
    normal, deviation = NormalDist(0, 2.205**0.5), 2.205**0.5
    assert last["evaluation"] == 2
    assert last["low"] == pytest.approx(normal.inv_cdf(0.05**0.5))
    assert last["high"] == pytest.approx(normal.inv_cdf(0.95**0.5))
    assert last["expected"] == pytest.approx(deviation * math.pi**-0.5, rel=1e-9)


@pytest.mark.usefixtures("filled")
def test_the_way_of_a_run_keeps_every_improvement() -> None:
    way = queries.way(1)
    assert [(one["outcome"], one["target_value"], one["best_so_far"], one["improved"]) for one in way] == [
        ("finished", 0.9, 0.9, True),
        ("finished", 3.0, 3.0, True),
        ("failed", None, 3.0, False),
    ]


def test_long_runs_are_thinned_and_maps_are_put_together(filled: Desk) -> None:
    with filled.connect("owner") as owner:
        owner.execute("begin")
        owner.execute(
            "insert into optimization_runs (strategy_id, optimization_type, target_metric,"
            " total_combinations, status, symbols, imported)"
            " select id, 'Grid Search', 'sharpe_ratio', 100, 'running', '{A}', true"
            " from strategies where name = 'idle'"
        )
        owner.execute(
            "insert into backtest_results (optimization_run_id, strategy_id, ordinal, parameters,"
            " parameters_hash, sharpe_ratio) select r.id, r.strategy_id, i,"
            " jsonb_build_object('x', i, 'y', i % 2, 'word', 'w'), repeat('0', 64), i"
            " from optimization_runs as r, generate_series(1, 100) as i where r.symbols = '{A}'"
        )
        run = owner.execute("select id from optimization_runs where symbols = '{A}'").fetchone()
        cells = owner.execute(
            "select x, x_end, y, points, best, mean from target_map(%s, 'x', 'y', 10)", run
        ).fetchall()
        words = owner.execute(
            "select x, y, points, best_result_id = (select max(id) from backtest_results)"
            " from target_map(%s, 'word', 'y', 10)", run
        ).fetchall()
        owner.execute("rollback")
    assert len(cells) == 20
    assert cells[0] == (1, pytest.approx(10.9), 0, 5, 10, 6)
    assert sum(points for *_, points, _best, _mean in cells) == 100
    assert cells[-1][1] == pytest.approx(100)
    assert cells[-1][4] == 99
    assert words == [("w", 0, 50, True), ("w", 1, 50, False)]


@pytest.mark.usefixtures("filled")
def test_a_run_shows_why_points_were_rejected_and_how_they_failed() -> None:
    page = run_page(run="1").run()
    assert not page.exception
    failed = page.dataframe[-1].value.iloc[0]
    assert (failed["points"], failed["kind"]) == (1, "strategy")
    assert failed["error"] == "ZeroDivisionError: division by zero"
    assert "result=" in failed["first"]
    best = page.dataframe[0].value
    assert list(best["raw Sharpe"]) == ["0.90", "3.00"]
    assert any("[its 2 results](/?of_run=1&results=true)" in one.value for one in page.markdown)


@pytest.mark.usefixtures("filled")
def test_a_link_leads_to_a_run_that_is_too_old_for_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "RUNS", 1)
    page = run_page(run="1").run()
    assert not page.exception
    options = page.selectbox(key="run").options
    assert [one.split(" · ")[0] for one in options] == ["3 idle", "1 calm"]
    assert str(page.selectbox(key="run").value).startswith("1 calm ")
    assert str(run_page(run="4711").run().selectbox(key="run").value).startswith("3 idle ")


@pytest.mark.usefixtures("filled")
def test_an_imported_run_cannot_be_carried_on_and_says_why() -> None:
    with desks.environment({director.BUTTONS: "on"}):
        page = run_page(run="2").run()
    assert not page.exception
    assert page.button(key="extend").disabled
    assert "imported" in page.button(key="extend").help


@pytest.mark.usefixtures("filled")
def test_without_the_role_buttons_are_grey_and_say_why() -> None:
    with desks.environment({director.BUTTONS: "off"}):
        page = run_page(run="1").run()
    assert page.button(key="refine").disabled
    assert "Buttons are off" in page.button(key="refine").help


def test_a_run_can_be_extended_and_cancelled(queued: Desk) -> None:
    page = run_page().run()
    assert shown(page)["State"] == "pending"
    assert page.info[0].value == "No point has been recorded yet."
    assert sorted((page.text_area[0].value or "").splitlines()) == [
        "entry_threshold: [25, 30]",
        "rsi_period: {start: 10, end: 20, step: 2}",
    ]
    page.text_area[0].set_value("rsi_period: {start: 10, end: 24, step: 2}")
    page = press(page, "Add points")
    assert not page.exception
    assert "4 new points." in page.success[0].value
    page = press(page, "Cancel")
    assert not page.exception
    assert "cancelled" in page.success[0].value
    assert shown(page)["State"] == "cancelled"
    assert page.button(key="extend").disabled
    with queued.connect("viewer") as viewer:
        state = viewer.execute("select state from job_progress").fetchone()
    assert state == ("cancelled",)


@pytest.mark.usefixtures("queued")
def test_refusals_are_sentences_with_what_to_do() -> None:
    page = press(run_page().run(), "Add a finer grid")
    assert not page.exception
    assert page.error[0].value == "Run 1 has no valid point to refine around. Wait until one is recorded."
    page.text_area[0].set_value("rsi_periot: [3]")
    page = press(page, "Add points")
    assert 'has no parameter "rsi_periot". Did you mean rsi_period?' in page.error[0].value
    page.text_area[0].set_value("rsi_period: [3")
    page = press(page, "Add points")
    assert not page.exception
    assert len(page.error) == 1


def test_parameters_are_written_as_in_a_config() -> None:
    given = {"n": {"start": 1, "end": 3, "step": 0.5}, "kind": ["a", True], "fixed": 7}
    assert flow_text(given) == 'n: {start: 1, end: 3, step: 0.5}\nkind: ["a", true]\nfixed: 7'


def test_a_note_and_tags_are_written_on_the_page(filled: Desk) -> None:
    with desks.environment({director.BUTTONS: "on"}):
        page = run_page(run="1").run()
        page.text_area(key="text of notes of run 1").set_value("looks lucky")
        page.text_input(key="tags of notes of run 1").set_value("etf,  keep ,etf")
        place = [one.label for one in page.button].index("Keep")
        page = page.button[place].click().run()
    assert not page.exception
    assert "looks lucky" in [one.value for one in page.markdown]
    with filled.connect("viewer") as viewer:
        kept = viewer.execute("select notes, tags from optimization_runs where id = 1").fetchone()
    assert kept == ("looks lucky", ["etf", "keep"])
    with filled.connect("director") as owner:
        owner.execute("select note('run', 1, null), tag('run', 1)")


@pytest.mark.usefixtures("filled")
def test_the_page_opens_on_a_search_with_something_to_see() -> None:
    """Not on the newest one, in which nothing has happened; what it was is said in the list."""
    page = run_page().run()
    assert str(page.selectbox(key="run").options[0]).startswith("3 idle ")
    chosen = str(page.selectbox(key="run").value)
    assert chosen.startswith("2 wild · ")
    assert " · Grid Search · AAPL MSFT · " in chosen


def test_a_note_is_only_read_where_nobody_may_act(filled: Desk) -> None:
    with desks.environment({director.BUTTONS: "off"}):
        page = run_page(run="1").run()
    assert not page.exception
    assert page.button(key="notes of run 1").disabled
