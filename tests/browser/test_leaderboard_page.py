"""The leaderboard: filters, pages, comparison and statements, on a desk with few results and with many."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from streamlit_app import exports
from streamlit_app.leaderboard import queries
from streamlit_app.leaderboard.filters import Filters
from testing import desks, many_results
from testing.desks import Desk
from tests import board_rows

# One curve for two results of the same run, so that there is something to draw and to correlate.
CURVES = """
insert into desk.equity_curves (backtest_result_id, sessions, equity)
select id, '{2010-01-29,2010-02-26,2010-03-26,2010-04-26}',
       array[100000, 99000, 110000 + total_trades, 121000]
from desk.backtest_results where total_trades in (300, 4000)
"""

FOLD = """
with run as (
  insert into desk.optimization_runs (strategy_id, optimization_type, target_metric, total_combinations,
    status, symbols, timeframe, start_date, end_date, engine, imported)
  select id, 'Walk-Forward', 'sharpe_ratio', 1, 'running', '{SPY}', '1d', '2010-01-01', '2014-12-31',
    'lean', true
  from desk.strategies where name = 'calm'
  returning id, strategy_id
), plan as (
  insert into desk.walk_forward_plans (optimization_run_id, mode, unit, in_sample, out_of_sample,
    embargo_sessions, warm_up_bars, folds)
  select id, 'rolling', 'years', 1, 1, 0, 0, 1 from run
)
insert into desk.walk_forward_folds (optimization_run_id, fold, in_sample_start, in_sample_end,
  embargo_sessions, out_of_sample_start, out_of_sample_end, state, chosen_result_id, out_of_sample_result_id,
  efficiency)
select run.id, 1, '2010-01-01', '2011-01-01', 0, '2011-01-01', '2012-01-01', 'done', c.id, t.id, 0.5
from run, desk.backtest_results as c, desk.backtest_results as t
where c.parameters = '{"period": 2}' and t.parameters = '{"period": 14}'
"""


STITCHED = """
insert into desk.backtest_results (optimization_run_id, strategy_id, parameters, sharpe_ratio,
  total_trades, fee_pct)
select id, strategy_id, '{"stitched": 1}', 0.4, 70, 0.02
from desk.optimization_runs where optimization_type = 'Walk-Forward'
"""


def board() -> AppTest:
    def script() -> None:
        from streamlit_app.leaderboard.page import leaderboard

        leaderboard()

    return AppTest.from_function(script, default_timeout=30)


def strategies(page: AppTest) -> list[str]:
    assert not page.exception
    return list(page.dataframe[0].value["strategy"])


@pytest.fixture(scope="module")
def filled_desk(template_desk: Desk) -> Iterator[Desk]:
    with desks.clone(template_desk) as desk:
        board_rows.fill(desk)
        with desk.connect("owner") as owner:
            for statement in (FOLD, STITCHED):
                owner.execute(statement)
            owner.execute(CURVES)
            owner.execute("update desk.full_results set starting_cash = 100000")
        yield desk


@pytest.fixture
def filled(filled_desk: Desk) -> Iterator[Desk]:
    with desks.environment(filled_desk.environment):
        yield filled_desk


@pytest.fixture(scope="module")
def large_desk(template_desk: Desk) -> Iterator[Desk]:
    with desks.clone(template_desk) as desk:
        with desk.connect("owner") as owner:
            many_results.fill(owner, 1000, strategies=60)
        yield desk


@pytest.fixture
def large(large_desk: Desk) -> Iterator[Desk]:
    with desks.environment(large_desk.environment):
        yield large_desk


@pytest.mark.usefixtures("fresh_desk")
def test_an_empty_desk_shows_the_first_steps() -> None:
    page = board().run()
    assert not page.exception
    assert [info.value for info in page.info] == ["No backtest has finished yet."]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ({}, ["wild", "calm", "idle"]),
        ({"results": "true"}, ["wild", "calm", "calm", "wild", "idle", "calm"]),
        ({"strategy": "calm", "results": "true"}, ["calm", "calm", "calm"]),
        ({"symbol": "SPY"}, ["calm"]),
        ({"symbol": "MSFT", "results": "true"}, ["wild", "calm", "calm", "wild", "idle"]),
        ({"window": "2010-01-01 to 2014-12-31"}, ["calm"]),
        ({"engine": "lean"}, ["calm"]),
        ({"status": "backlog"}, ["wild", "calm", "idle"]),
        ({"passed": "true", "results": "true"}, ["wild", "calm"]),
        ({"trades": "200", "results": "true"}, ["wild", "wild"]),
        ({"oos": "true"}, ["calm"]),
        ({"of_run": "2", "results": "true"}, ["wild", "wild"]),
    ],
    ids=str,
)
def test_every_filter_is_in_the_address(address: dict[str, str], expected: list[str]) -> None:
    page = board()
    for name, value in address.items():
        page.query_params[name] = value
    assert sorted(strategies(page.run())) == sorted(expected)


@pytest.mark.usefixtures("filled")
def test_the_best_of_a_strategy_is_the_best_of_what_fits() -> None:
    """Of calm the stitched test is shown, though another result of it ranks higher."""
    page = board()
    page.query_params["symbol"] = "SPY"
    shown = page.run().dataframe[0].value
    assert list(shown["sharpe_ratio"]) == [0.4]
    # What was tested earned 8% a year, what was chosen 30%.
    assert list(shown["out_of_sample_efficiency"]) == [pytest.approx(100 * 0.08 / 0.30)]


@pytest.mark.usefixtures("filled")
def test_filters_may_leave_nothing() -> None:
    page = board()
    page.query_params["survived"] = "true"
    page = page.run()
    assert not page.exception
    assert page.info[0].value == "Nothing on the board fits these filters."


@pytest.mark.usefixtures("filled")
def test_every_row_leads_to_its_result_and_its_run() -> None:
    row = board().run().dataframe[0].value.iloc[0]
    assert row["result"].startswith("/strategy?strategy=wild&result=")
    assert row["run"].startswith("/run?run=")


@pytest.mark.usefixtures("filled")
def test_curves_are_shown_in_small_where_they_were_kept() -> None:
    page = board()
    page.query_params["results"] = "true"
    shown = page.run().dataframe[0].value
    kept = {row["trades"]: row["equity"] for _, row in shown.iterrows()}
    assert list(kept[300]) == [100000, 99000, 110300, 121000]
    assert kept[8] is None


def test_the_statement_that_is_shown_is_the_one_that_was_run(filled: Desk) -> None:
    page = board()
    page.query_params["strategy"] = "wild"
    page.query_params["results"] = "true"
    page.session_state["sql"] = True
    page = page.run()
    statement = page.code[0].value
    assert "where strategy = 'wild'" in statement
    assert "limit 50 offset 0" in statement
    with filled.connect("viewer") as viewer:
        answered = viewer.execute(statement.encode()).fetchall()
    assert [row[0] for row in answered] == list(page.dataframe[0].value["rank"])


@pytest.mark.usefixtures("filled")
def test_a_value_cannot_leave_its_quotes() -> None:
    assert queries.count(Filters(strategy="x' or true --", every_result=True)) == 0


@pytest.mark.usefixtures("large")
def test_csv_has_every_row_that_fits() -> None:
    text = queries.comma_separated(Filters(every_result=True, passed=True)).decode()
    found = list(csv.DictReader(io.StringIO(text)))
    assert len(found) == queries.count(Filters(every_result=True, passed=True)) > queries.PAGE_SIZE
    assert [int(row["rank"]) for row in found] == list(range(1, len(found) + 1))


@pytest.mark.usefixtures("large")
def test_parquet_and_excel_have_them_too() -> None:
    filters = Filters(every_result=True, passed=True)
    columns, found = queries.everything(filters)
    assert len(found) == queries.count(filters)
    for kind, read in ((exports.parquet, pd.read_parquet), (exports.excel, pd.read_excel)):
        frame = read(io.BytesIO(kind(columns, found)))
        assert list(frame.columns) == columns
        assert list(frame["rank"]) == list(range(1, len(found) + 1))


@pytest.mark.usefixtures("large")
def test_pages_follow_each_other_without_a_gap() -> None:
    page = board()
    page.query_params["results"] = "true"
    page = page.run()
    first = page.dataframe[0].value
    assert list(first["rank"]) == list(range(1, 51))
    assert page.caption[0].value.startswith("1 to 50 of 1,000 results")
    page.query_params["page"] = "2"
    second = board()
    second.query_params["results"] = "true"
    second.query_params["page"] = "2"
    rows = second.run().dataframe[0].value
    assert list(rows["rank"]) == list(range(51, 101))
    assert not set(rows["result"]) & set(first["result"])


@pytest.mark.usefixtures("large")
def test_a_page_beyond_the_last_is_the_last() -> None:
    page = board()
    page.query_params["page"] = "99"
    page = page.run()
    assert not page.exception
    assert page.caption[0].value.startswith("51 to 60 of 60 strategies")


@pytest.mark.usefixtures("large")
def test_another_filter_begins_at_the_first_page() -> None:
    page = board()
    page.query_params["results"] = "true"
    page.query_params["page"] = "3"
    page = page.run()
    assert page.caption[0].value.startswith("101 to 150")
    page = page.toggle(key="passed").set_value(True).run()
    assert page.caption[0].value.startswith("1 to 50")


@pytest.mark.usefixtures("filled")
def test_results_are_compared_with_metrics_as_rows() -> None:
    page = board()
    page.query_params["results"] = "true"
    options = page.run().multiselect(key="compare").options
    chosen = [one for one in options if one.endswith("wild")]
    page = page.multiselect(key="compare").set_value(chosen).run()
    assert not page.exception
    table = page.dataframe[1].value
    assert list(table.columns) == chosen
    assert {"Parameters", "Window", "Verdict", "Sharpe Ratio", "Drawdown"} <= set(table.index)
    correlations = page.dataframe[2].value
    assert correlations.loc[chosen[0], chosen[0]] == "1.00"


@pytest.mark.usefixtures("large")
def test_a_comparison_outlives_a_turn_of_the_page() -> None:
    page = board()
    page.query_params["results"] = "true"
    first = page.run().multiselect(key="compare").options[:2]
    other = board()
    other.query_params["results"] = "true"
    other.query_params["page"] = "4"
    other.query_params["compare"] = first
    other = other.run()
    assert not other.exception
    assert other.multiselect(key="compare").value == first


@pytest.mark.usefixtures("filled")
def test_numbers_alone_can_be_compared_and_what_is_no_result_is_left_out() -> None:
    page = board()
    page.query_params["compare"] = ["3", "4711", "nonsense"]
    page = page.run()
    assert not page.exception
    assert [one.split()[0] for one in page.multiselect(key="compare").value] == ["3"]


@pytest.mark.usefixtures("large")
def test_an_address_that_makes_no_sense_shows_the_board_all_the_same() -> None:
    page = board()
    nonsense = {"page": "x", "of_run": "x", "trades": "-5", "strategy": "none", "window": "ever"}
    for name, value in nonsense.items():
        page.query_params[name] = value
    page = page.run()
    assert not page.exception
    assert page.caption[0].value.startswith("1 to 50 of 60 strategies")


@pytest.mark.usefixtures("filled")
def test_folds_are_drawn_in_sample_against_out_of_sample() -> None:
    page = board().run()
    assert "1 of 1 folds did worse on the days after the choice" in page.caption[-1].value
    page = page.selectbox(key="strategy").set_value("wild").run()
    assert not page.exception
    assert "No fold of a walk-forward that fits these filters" in page.info[-1].value


@pytest.mark.usefixtures("filled")
def test_columns_are_chosen_in_the_address() -> None:
    page = board()
    page.query_params["columns"] = ["trades", "strategy"]
    page = page.run()
    assert not page.exception
    assert list(page.dataframe[0].proto.column_order) == ["strategy", "trades"], "in the order of the board"
    assert list(page.multiselect(key="columns").value) == ["trades", "strategy"]
