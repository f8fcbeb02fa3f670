"""The page of a walk-forward: folds over, in cash and under way, and the curve that they are stitched to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from streamlit_app.walk_forward import figures
from testing import desks
from testing.desks import Desk
from tests import board_rows

RUN = """
insert into desk.optimization_runs (strategy_id, optimization_type, target_metric, total_combinations,
  status, symbols, timeframe, start_date, end_date, engine, imported)
select id, 'Walk-Forward', 'sharpe_ratio', 1, 'running', '{AAPL}', '1d', '2010-01-01', '2013-12-31',
  'backtrader', true
from desk.strategies where name = 'calm'
"""

# A fold that was tested, one that found nothing, and one that is still searching.
FOLDS = """
with plan as (
  insert into desk.walk_forward_plans (optimization_run_id, mode, unit, in_sample, out_of_sample,
    embargo_sessions, warm_up_bars, folds)
  select id, 'rolling', 'years', 1, 1, 0, 0, 3 from desk.optimization_runs
  where optimization_type = 'Walk-Forward'
  returning optimization_run_id as run
)
insert into desk.walk_forward_folds (optimization_run_id, fold, in_sample_start, in_sample_end,
  embargo_sessions, out_of_sample_start, out_of_sample_end, previous_out_of_sample_end, state,
  chosen_result_id, out_of_sample_result_id, efficiency)
select p.run, f.fold, f.searched, f.tested, 0, f.tested, f.ended,
  case when f.fold > 1 then f.tested end, f.state, c.id, t.id, f.efficiency
from plan as p
cross join (values
  (1, date '2010-01-01', date '2011-01-01', date '2012-01-01', 'done', '{"period": 14}'::jsonb,
   '{"period": 2}'::jsonb, 0.5),
  (2, '2011-01-01', '2012-01-01', '2013-01-01', 'cash', null, null, null),
  (3, '2012-01-01', '2013-01-01', '2014-01-01', 'in_sample', null, null, null)
) as f (fold, searched, tested, ended, state, chosen, result, efficiency)
left join desk.backtest_results as c on c.parameters = f.chosen
left join desk.backtest_results as t on t.parameters = f.result
"""

STITCHED = """
with result as (
  insert into desk.backtest_results (optimization_run_id, strategy_id, parameters, starting_cash,
    ending_value, sharpe_ratio, annual_return, total_trades)
  select id, strategy_id, '{"folds": 3}', 100000, 121000, 0.4, 0.1, 70
  from desk.optimization_runs where optimization_type = 'Walk-Forward'
  returning id, optimization_run_id
), benchmark as (
  insert into desk.run_benchmarks (optimization_run_id, benchmark, sessions, returns, content_hash)
  select optimization_run_id, 'buy and hold', '{2011-01-03,2011-01-04,2011-01-05}', '{0,0.1,-0.05}',
         repeat('a', 64)
  from result
)
insert into desk.equity_curves (backtest_result_id, sessions, equity)
select id, '{2011-01-03,2011-01-04,2011-01-05}', '{100000,99000,121000}' from result
"""


def page() -> AppTest:
    def script() -> None:
        from streamlit_app.walk_forward.page import walk_forward

        walk_forward()

    return AppTest.from_function(script, default_timeout=60).run()


def chart_texts(shown: AppTest) -> str:
    return "\n".join(json.dumps(json.loads(one.proto.spec)) for one in shown.get("vega_lite_chart"))


@pytest.fixture(scope="module")
def walked(built_template: Desk) -> Iterator[Desk]:
    with desks.clone(built_template) as desk:
        board_rows.fill(desk)
        with desk.connect("owner") as owner:
            owner.execute(RUN)
            owner.execute(FOLDS)
        yield desk


@pytest.fixture(scope="module")
def under_way(walked: Desk) -> AppTest:
    with desks.environment(walked.environment):
        shown = page()
    assert not shown.exception
    return shown


@pytest.fixture(scope="module")
def over(walked: Desk, under_way: AppTest) -> AppTest:
    """The same desk with the stitched curve; asked for after the page without it was drawn."""
    assert under_way is not None
    with walked.connect("owner") as owner:
        owner.execute(STITCHED)
    with desks.environment(walked.environment):
        shown = page()
    assert not shown.exception
    return shown


def test_the_numbers_count_folds(under_way: AppTest) -> None:
    numbers = {metric.label: metric.value for metric in under_way.metric}
    assert numbers["Folds over"] == "2 of 3"
    assert numbers["In cash"] == "1"
    assert numbers["Profitable folds"] == "50%"


def test_a_fold_leads_to_its_two_results_and_one_in_cash_to_none(under_way: AppTest) -> None:
    table = under_way.dataframe[0].value.set_index("fold")
    assert table.loc[1, "in"].startswith("/strategy?strategy=calm&result=")
    assert table.loc[1, "out"] != table.loc[1, "in"]
    assert table.loc[2, ["state", "chosen", "in", "out", "Sharpe in"]].tolist() == ["cash", "", "", "", "–"]  # noqa: RUF001
    assert table.loc[3, "state"] == "in sample"


def test_the_run_is_a_link(under_way: AppTest) -> None:
    assert any("/run?run=" in one.value for one in under_way.markdown)


def test_nothing_is_stitched_before_the_last_fold_is_over(under_way: AppTest) -> None:
    assert any("when the last fold is over" in one.value for one in under_way.info)


def test_both_sharpe_ratios_of_a_fold_stand_side_by_side(under_way: AppTest) -> None:
    assert "In sample beside out of sample" in [one.value for one in under_way.subheader]
    assert "Sharpe ratio (annualized)" in chart_texts(under_way)


def test_the_stitched_curve_is_drawn_beside_holding_the_same_symbols(over: AppTest) -> None:
    words = "\n".join(one.value for one in over.caption)
    assert "Benchmark: buy and hold of AAPL over the same sessions, no fees." in words
    assert '"domain": ["strategy", "benchmark"]' in chart_texts(over)
    assert "10.0% a year over 70 trades" in words


@pytest.mark.usefixtures("over")
def test_holding_begins_with_the_stitched_curve(walked: Desk) -> None:
    """Up a tenth and down a twentieth of that: 1.1 * 0.95 = 1.045."""
    with walked.connect("viewer") as viewer:
        found = viewer.execute(
            "select e.benchmark_return from walk_forward_summary as w"
            " cross join lateral result_equity(w.stitched_result_id) as e order by e.session"
        ).fetchall()
    assert [row[0] for row in found] == pytest.approx([0, 0.1, 0.045])


def test_folds_without_a_choice_draw_nothing() -> None:
    fold: dict[str, Any] = {
        "fold": 1,
        "chosen_parameters": None,
        "in_sample_sharpe": None,
        "out_of_sample_sharpe": None,
    }
    assert figures.sharpes([fold]) is None
    assert figures.drift([fold]) is None
    assert figures.degradation([fold]) is None
