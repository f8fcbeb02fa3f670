"""The pages behind the leaderboard, run by Streamlit's own test harness: empty, and filled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from testing import desks
from testing.desks import Desk
from tests import board_rows

SERIES = """
with known as (
  select id as result from desk.backtest_results where passed and parameters = '{"period": 14}'
), curve as (
  insert into desk.equity_curves (backtest_result_id, sessions, equity)
  select result, '{2010-01-29,2010-02-26,2011-03-01}', '{110000,99000,121000}' from known
)
insert into desk.trades (backtest_result_id, symbols, entry_times, exit_times, sizes, entry_prices,
  exit_prices, profits, fees)
select result, '{AAPL}', '{2010-01-04 14:30+00}', '{2010-02-01 14:30+00}', '{10}', '{30}',
  '{31}', '{9}', '{1}' from known
"""

WALK = """
with run as (
  insert into desk.optimization_runs (strategy_id, optimization_type, target_metric, total_combinations,
    status, symbols, timeframe, start_date, end_date, engine, imported)
  select id, 'Walk-Forward', 'sharpe_ratio', 1, 'running', '{AAPL}', '1d', '2010-01-01', '2012-12-31',
    'backtrader', true
  from desk.strategies where name = 'calm'
  returning id
), plan as (
  insert into desk.walk_forward_plans (optimization_run_id, mode, unit, in_sample, out_of_sample,
    embargo_sessions, warm_up_bars, folds)
  select id, 'rolling', 'years', 1, 1, 0, 0, 1 from run
  returning optimization_run_id
)
insert into desk.walk_forward_folds (optimization_run_id, fold, in_sample_start, in_sample_end,
  embargo_sessions, out_of_sample_start, out_of_sample_end, state, chosen_result_id, out_of_sample_result_id,
  efficiency)
select p.optimization_run_id, 1, '2010-01-01', '2011-01-01', 0, '2011-01-01', '2012-01-01', 'done', c.id,
  t.id, 0.5
from plan as p, desk.backtest_results as c, desk.backtest_results as t
where c.parameters = '{"period": 14}' and t.parameters = '{"period": 2}'
"""


def page_of(name: str) -> AppTest:
    def script(name: str) -> None:
        from importlib import import_module

        getattr(import_module(f"streamlit_app.{name}.page"), name)()

    return AppTest.from_function(script, kwargs={"name": name}, default_timeout=30)


@pytest.fixture(scope="module")
def filled_desk(built_template: Desk) -> Iterator[Desk]:
    with desks.clone(built_template) as desk:
        board_rows.fill(desk)
        with desk.connect("owner") as owner:
            owner.execute(SERIES)
            owner.execute(
                "update desk.full_results set starting_cash = 100000"
                " where id in (select backtest_result_id from desk.equity_curves)"
            )
        yield desk


@pytest.fixture
def filled(filled_desk: Desk) -> Iterator[Desk]:
    with desks.environment(filled_desk.environment):
        yield filled_desk


def calm_result(desk: Desk) -> int:
    with desk.connect("viewer") as viewer:
        found = viewer.execute("select backtest_result_id from equity_curves").fetchone()
    assert found is not None
    return int(found[0])


@pytest.mark.usefixtures("built_desk")
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("strategy", "The desk knows no strategy yet. Run: backdesk up"),
        ("run", "No backtest has finished yet."),
        ("walk_forward", "No walk-forward has been started yet."),
        ("queue", "No job is open. Queue one on the page [New job](/new_job), or: backdesk queue FILE"),
    ],
)
def test_an_empty_desk_has_a_hint_on_every_page(name: str, hint: str) -> None:
    page = page_of(name).run()
    assert not page.exception
    assert hint in [info.value for info in page.info]


def test_a_strategy_shows_its_result_against_its_criteria(filled: Desk) -> None:
    page = page_of("strategy")
    page.query_params["strategy"] = "calm"
    page.query_params["result"] = str(calm_result(filled))
    page = page.run()
    assert not page.exception
    assert page.selectbox(key="strategy").value == "calm"
    checks = page.dataframe[1].value.set_index("criterion")
    assert checks.loc["Trades", ["", "value", "asked for"]].tolist() == ["✔ met", "120", ">= 100"]
    assert {metric.label: metric.value for metric in page.metric}["Sharpe"] == "0.90"
    assert {"Equity and drawdown", "Rolling Sharpe ratio", "Worst drawdowns"} <= {
        heading.value for heading in page.subheader
    }
    page = page.segmented_control(key="more").set_value("Trades").run()
    assert not page.exception
    assert page.dataframe[-1].value["symbol"].tolist() == ["AAPL"]


def test_a_rejected_result_has_a_cross_and_says_that_its_curve_was_not_kept(filled: Desk) -> None:
    page = page_of("strategy")
    page.query_params["strategy"] = "wild"
    with filled.connect("viewer") as viewer:
        found = viewer.execute("select id from backtest_results where total_trades = 4000").fetchone()
    page.query_params["result"] = str((found or [0])[0])
    page = page.run()
    assert not page.exception
    checks = page.dataframe[1].value.set_index("criterion")
    assert checks.loc["Fee Share of Capital", ["", "value"]].tolist() == ["✘ not met", "67.4%"]
    assert page.info[0].value.startswith("No curve is stored of this result")


@pytest.mark.usefixtures("filled")
def test_a_run_shows_its_best_and_its_reasons() -> None:
    page = page_of("run").run()
    options = page.selectbox(key="run").options
    assert [one.split()[1] for one in options] == ["idle", "wild", "calm"]
    page = page.selectbox(key="run").select(options[1]).run()
    assert not page.exception
    assert {metric.label: metric.value for metric in page.metric}["Passed"] == "1"
    assert list(page.dataframe[0].value["raw Sharpe"]) == ["1.10", "1.40"]
    assert "No point failed." in [caption.value for caption in page.caption]


@pytest.mark.usefixtures("filled")
def test_a_number_alone_in_the_address_finds_its_run() -> None:
    page = page_of("run")
    page.query_params["run"] = "2"
    assert str(page.run().selectbox(key="run").value).startswith("2 ")


def test_a_walk_forward_shows_its_folds(built_template: Desk) -> None:
    with desks.clone(built_template) as desk, desks.environment(desk.environment):
        board_rows.fill(desk)
        with desk.connect("owner") as owner:
            owner.execute(WALK)
        page = page_of("walk_forward").run()
    assert not page.exception
    numbers = {metric.label: metric.value for metric in page.metric}
    assert (numbers["Folds over"], numbers["Profitable folds"]) == ("1 of 1", "100%")
    fold = page.dataframe[0].value.iloc[0]
    assert (fold["chosen"], fold["Sharpe in"], fold["Sharpe out"]) == ("period=14", "0.90", "3.00")
    assert "The tests are stitched together" in page.info[0].value


def test_results_are_compared_with_metrics_as_rows(filled: Desk) -> None:
    page = page_of("leaderboard")
    page.query_params["results"] = "true"
    options = page.run().multiselect(key="compare").options
    page = page.multiselect(key="compare").set_value(options[:2]).run()
    assert not page.exception
    table = page.dataframe[1].value
    assert list(table.columns) == options[:2]
    assert {"Sharpe Ratio", "Drawdown"} <= set(table.index)


def test_the_curve_of_a_result_is_worked_out_by_the_desk(filled: Desk) -> None:
    """110, 99, 121 of 100: the fall is a tenth of 110, February lost a tenth, March gained 22 of 99."""
    result = calm_result(filled)
    with filled.connect("viewer") as viewer:
        curve = viewer.execute("select total_return, drawdown from result_equity(%s)", [result]).fetchall()
        benchmarks = viewer.execute(
            "select count(benchmark_return) from result_equity(%s)", [result]
        ).fetchone()
        months = viewer.execute(
            "select year, month, total_return from result_months(%s)", [result]
        ).fetchall()
    assert curve == [pytest.approx(row) for row in ((0.1, 0.0), (-0.01, 0.1), (0.21, 0.0))]
    assert benchmarks == (0,), "an imported run has no benchmark"
    assert months == [pytest.approx(row) for row in ((2010, 1, 0.1), (2010, 2, -0.1), (2011, 3, 22 / 99))]


def test_the_funnel_counts_strategies_and_results(filled: Desk) -> None:
    with filled.connect("viewer") as viewer:
        stages = viewer.execute("select stage, strategies, results from funnel order by step").fetchall()
    assert stages[:2] == [("tried", 3, 5), ("passed criteria", 2, 2)]
    assert [stage for stage, *_ in stages[2:]] == ["survived deflation", "walk-forward", "paper", "live"]
