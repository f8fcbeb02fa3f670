"""The page of a strategy: one of its results in every light, and a sentence wherever something is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

from streamlit_app import curves
from streamlit_app.strategy import figures, parameter_figures, queries
from streamlit_app.strategy.sections import DEFAULT, OF_THE_CURVE, SECTIONS
from testing import desks
from testing.desks import Desk
from tests import board_rows

# Two years of days that go up by one in the end: high a tenth above, low a fifth below the open.
PRICES = """
with days as (
  select array_agg(d at time zone 'UTC' order by d) as at,
         array_agg(100 + extract(epoch from d - '2010-01-01') / 86400 / 7 order by d) as open
  from generate_series(timestamp '2010-01-01', '2011-12-31', '1 day') as g (d)
  where extract(isodow from d) < 6
)
select desk.load_bars('AAPL', '1d', 'made', at, open, array(select o * 1.1 from unnest(open) as o),
  array(select o * 0.8 from unnest(open) as o), open, open)
from days
"""

PINNED = """
insert into desk.run_symbols (optimization_run_id, position, instrument_id, price_version_id)
select r.id, 1, i.id, v.id
from desk.optimization_runs as r
join desk.strategies as s on s.id = r.strategy_id and s.name = 'calm'
cross join desk.instruments as i
join desk.price_versions as v on v.instrument_id = i.id
"""

# Up for a year, down by a tenth, and up again; monthly ups and downs are small.
CURVE = """
insert into desk.equity_curves (backtest_result_id, sessions, equity)
select b.id, array_agg(d.day::date order by d.day),
       array_agg(100000 * case when d.n < 200 then 1 + d.n / 1000.0 when d.n < 220 then 1.08
         else 1.2 + d.n / 9000.0 end order by d.day)
from desk.backtest_results as b
cross join (
  select g.day, row_number() over (order by g.day) as n
  from generate_series(timestamp '2010-01-01', '2011-06-30', '1 day') as g (day)
  where extract(isodow from g.day) < 6
) as d
where b.parameters = '{"period": 14}'
group by b.id
"""

TRADES = """
insert into desk.trades (backtest_result_id, symbols, entry_times, exit_times, sizes, entry_prices,
  exit_prices, profits, fees)
select id, '{AAPL,AAPL,MSFT}', '{2010-01-04 00:00+00,2010-03-01 00:00+00,2010-05-03 00:00+00}',
  '{2010-02-01 00:00+00,2010-04-01 00:00+00,2010-06-01 00:00+00}', '{10,10,10}', '{100,108,20}',
  '{104,107,25}', '{30,-20,40}', '{10,10,10}'
from desk.backtest_results where parameters = '{"period": 14}'
"""

SEARCH = """
insert into desk.optimization_runs (strategy_id, optimization_type, target_metric, total_combinations, status,
  symbols, timeframe, start_date, end_date, engine, imported)
select id, 'Grid Search', 'Sharpe Ratio', 20, 'running', '{AAPL}', '1d', '2010-01-01', '2011-12-31',
  'backtrader', true
from desk.strategies where name = 'idle'
"""

GRID = """
insert into desk.backtest_results (optimization_run_id, strategy_id, sharpe_ratio, total_trades, fee_pct,
  annual_return, max_drawdown, parameters)
select r.id, r.strategy_id, 1 - abs(p - 20) / 100.0 + l / 10.0, 150, 0.1, 0.1, 0.1,
       jsonb_build_object('fast', p, 'slow', l)
from desk.optimization_runs as r
join desk.strategies as s on s.id = r.strategy_id and s.name = 'idle' and r.total_combinations = 20
cross join generate_series(10, 30, 10) as p cross join generate_series(1, 3) as l
"""

FAILED = """
insert into desk.backtest_results (optimization_run_id, strategy_id, outcome, error_kind, error, passed,
  rejection_reasons, parameters)
select r.id, r.strategy_id, 'failed', 'strategy', 'ZeroDivisionError: division by zero', false,
  '{Failed}', '{"period": 0}'
from desk.optimization_runs as r
join desk.strategies as s on s.id = r.strategy_id and s.name = 'idle' and r.total_combinations = 20
"""


def page(strategy: str, result: int, more: str | None = None) -> AppTest:
    def script() -> None:
        from streamlit_app.strategy.page import strategy

        strategy()

    shown = AppTest.from_function(script, default_timeout=60)
    shown.query_params["strategy"] = strategy
    shown.query_params["result"] = str(result)
    if more is not None:
        shown.query_params["more"] = more
    return shown.run()


def charts(shown: AppTest) -> list[dict[str, Any]]:
    return [json.loads(one.proto.spec) for one in shown.get("vega_lite_chart")]


def drawn_values(shown: AppTest, column: str) -> list[Any]:
    """Values of a column in whatever is drawn."""
    frames = [
        convert_arrow_bytes_to_pandas_df(data.data.data)
        for one in shown.get("vega_lite_chart")
        for data in one.proto.datasets
    ]
    return [value for frame in frames if column in frame for value in frame[column]]


def titles(spec: Any) -> set[str]:
    """Every title of an axis or legend in a chart."""
    if isinstance(spec, dict):
        own = {spec["title"]} if isinstance(spec.get("title"), str) else set()
        return own.union(*(titles(one) for one in spec.values()))
    return set().union(*(titles(one) for one in spec)) if isinstance(spec, list) else set()


def captions(shown: AppTest) -> str:
    return "\n".join(one.value for one in shown.caption)


@pytest.fixture(scope="module")
def filled_desk(built_template: Desk) -> Iterator[Desk]:
    with desks.clone(built_template) as desk:
        board_rows.fill(desk)
        with desk.connect("owner") as owner:
            owner.execute("select desk.load_instrument('AAPL')")
            for statement in (PRICES, PINNED, CURVE, TRADES, SEARCH, GRID, FAILED):
                owner.execute(statement)
            owner.execute(
                "update desk.backtest_results set starting_cash = 100000, ending_value = 100050,"
                " total_fees = 30 where id in (select backtest_result_id from desk.equity_curves)"
            )
            owner.execute("update desk.optimization_runs set best_on_edge = '{slow}'")
        yield desk


@pytest.fixture
def filled(filled_desk: Desk) -> Iterator[Desk]:
    with desks.environment(filled_desk.environment):
        yield filled_desk


def result_with(desk: Desk, condition: str) -> int:
    with desk.connect("viewer") as viewer:
        found = viewer.execute(f"select min(id) from backtest_results where {condition}".encode()).fetchone()
    assert found is not None
    return int(found[0])


@pytest.fixture(scope="module")
def calm_sections(filled_desk: Desk) -> dict[str, AppTest]:
    """The result with a curve and trades, drawn once in each section for all that look at it."""
    with desks.environment(filled_desk.environment):
        result = result_with(filled_desk, """parameters = '{"period": 14}'""")
        drawn = {name: page("calm", result, name) for name in SECTIONS}
    assert not any(shown.exception for shown in drawn.values())
    return drawn


@pytest.fixture
def calm(calm_sections: dict[str, AppTest]) -> AppTest:
    return calm_sections[DEFAULT]


def test_every_section_has_its_headings_below_the_curve(calm_sections: dict[str, AppTest]) -> None:
    headings = {name: [one.value for one in shown.subheader][2:] for name, shown in calm_sections.items()}
    assert all(found[0] == "Equity and drawdown" for found in headings.values())
    assert {name: found[1:] for name, found in headings.items()} == {
        "Risk": ["Rolling Sharpe ratio", "Worst drawdowns"],
        "Periods": ["Months", "Years", "Year by year", "Crises"],
        "Trades": ["Trades", "How far trades went against and for their holder"],
        "Parameters": ["Parameters"],
        "Costs": ["Had fees been different"],
    }


def test_the_first_section_is_shown_until_another_is_chosen(filled: Desk) -> None:
    shown = page("calm", result_with(filled, """parameters = '{"period": 14}'"""))
    assert shown.segmented_control(key="more").value == DEFAULT
    shown = shown.segmented_control(key="more").set_value("Costs").run()
    assert not shown.exception
    assert [one.value for one in shown.subheader][3:] == ["Had fees been different"]


def test_the_status_stands_with_its_time_and_history(calm: AppTest) -> None:
    assert calm.markdown[0].value.startswith(":blue-badge[testing] since 20")
    assert " UTC: run 1 started" in calm.markdown[0].value
    history = calm.dataframe[0].value
    assert history["to"].tolist()[0] == "testing"
    assert history["run"].tolist()[0].startswith("/run?run=1")


def test_the_criteria_are_counted_and_ticked(calm: AppTest) -> None:
    assert "3 of 3 met" in captions(calm)
    assert set(calm.dataframe[1].value[""]) == {"✔ met"}


def test_a_curve_without_a_benchmark_says_so_and_has_none_in_its_legend(calm: AppTest) -> None:
    assert "There is no benchmark" in captions(calm)
    assert '"benchmark"' not in json.dumps(charts(calm)[0])


def test_the_worst_falls_are_listed(calm: AppTest) -> None:
    falls = next(one.value for one in calm.dataframe if "trough" in one.value)
    assert falls.iloc[0][["depth", "recovered"]].tolist() == ["9.9%", "2010-11-04"]
    assert falls.iloc[0]["sessions"] == "20"


def test_axes_carry_units(calm_sections: dict[str, AppTest]) -> None:
    found = set().union(*(titles(one) for shown in calm_sections.values() for one in charts(shown)))
    assert {
        "return since the start (%)",
        "below peak (%)",
        "Sharpe ratio (annualized)",
        "total return (%)",
        "times the fees that were paid",
        "adjusted price (USD)",
        "maximum adverse excursion (% of the entry price)",
    } <= found


def test_trades_have_their_excursions(calm_sections: dict[str, AppTest]) -> None:
    """The low lies a fifth below an open that rises; of the symbol without prices nothing is known."""
    table = calm_sections["Trades"].dataframe[-1].value.set_index("trade")
    assert table.loc[1, "adverse"] == pytest.approx(100 - 80 * (100 + 3 / 7) / 100)
    assert table.loc[1, "favourable"] > table.loc[1, "trade_return"]
    assert table.loc[3, "adverse"] != table.loc[3, "adverse"]
    assert table.loc[2, "trade_return"] == pytest.approx(-20 / 1080 * 100)


def test_what_a_small_account_could_not_have_done_is_said(
    filled: Desk, calm_sections: dict[str, AppTest]
) -> None:
    assert "kept it from none of its trades" in captions(calm_sections["Trades"])
    result = result_with(filled, """parameters = '{"period": 14}'""")
    with filled.connect("admin") as admin:
        statement = "update desk.trades set sizes = '{10,10000,10}' where backtest_result_id = %s"
        admin.execute(statement, (result,))
    said = captions(page("calm", result, "Trades"))
    assert " trades 1 would have been bought with money that had not settled" in said


def test_the_fees_that_it_could_bear_stand_beside_the_sweep(calm_sections: dict[str, AppTest]) -> None:
    """50 earned and 30 paid: 80 before fees are 2.67 times the fees."""
    shown = calm_sections["Costs"]
    assert any("breaks even at **2.7 times**" in one.value for one in shown.markdown)
    assert drawn_values(shown, "word") == ["nothing left at 2.7 times"]


def test_it_says_how_to_get_the_result_again_or_that_it_cannot(calm: AppTest) -> None:
    assert "the desk did not run it" in captions(calm)


def test_a_symbol_without_prices_says_so(filled: Desk) -> None:
    shown = page("calm", result_with(filled, """parameters = '{"period": 14}'"""), "Trades")
    shown = shown.selectbox(key="prices_of").select("MSFT").run()
    assert not shown.exception
    assert any("no prices of MSFT" in one.value for one in shown.info)


def test_two_parameters_make_a_map_and_each_a_slice(filled: Desk) -> None:
    shown = page("idle", result_with(filled, """parameters = '{"fast": 10, "slow": 2}'"""), "Parameters")
    assert not shown.exception
    assert (shown.selectbox(key="map_x").value, shown.selectbox(key="map_y").value) == ("slow", "fast")
    assert "on the edge of what was tried: slow" in shown.warning[0].value
    words = [one.value for one in shown.markdown]
    assert "**slow** best mean on the edge, best on the edge" in words
    assert "mean sharpe ratio" in titles(charts(shown)[0])
    assert drawn_values(shown, "here").count(True) == 1
    shown = shown.selectbox(key="map_x").select("fast").run()
    assert shown.selectbox(key="map_y").value == "slow"


def test_a_result_without_trades_or_curve_says_why(filled: Desk) -> None:
    result = result_with(filled, """parameters = '{"fast": 10, "slow": 2}'""")
    drawn = {name: page("idle", result, name) for name in SECTIONS}
    assert not any(shown.exception for shown in drawn.values())
    said = [one.value for one in drawn["Trades"].info]
    assert any(one.startswith("No curve is stored of this result") for one in said)
    assert any(one.startswith("No trades are stored of this result") for one in said)
    for name in OF_THE_CURVE:
        assert "It is worked out from the curve, and none is stored" in captions(drawn[name])


def test_a_failed_point_shows_its_error_and_nothing_else(filled: Desk) -> None:
    shown = page("idle", result_with(filled, "outcome = 'failed'"))
    assert not shown.exception
    assert shown.error[0].value == "ZeroDivisionError: division by zero"
    assert "Equity and drawdown" not in [one.value for one in shown.subheader]
    assert not shown.segmented_control


def test_many_trades_come_in_pages(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "TRADES", 2)
    shown = page("calm", result_with(filled, """parameters = '{"period": 14}'"""), "Trades")
    assert "Shown are 2 of 3 trades" in captions(shown)
    shown = shown.number_input(key="trades_page").set_value(2).run()
    assert shown.dataframe[-1].value["trade"].tolist() == [3]


def test_a_long_curve_keeps_its_ends_and_its_extremes() -> None:
    values = [float(number % 7) for number in range(10_000)]
    values[4321], values[8765] = -1.0, 9.0
    frame = pd.DataFrame({"equity": values}, index=range(5, 10_005))
    kept = curves.thinned(frame, "equity")
    assert len(kept) <= curves.POINTS + 2
    assert {5, 4326, 8770, 10_004} <= set(kept.index)
    assert kept.index.is_monotonic_increasing
    assert curves.thinned(frame.head(10), "equity").equals(frame.head(10))


def test_a_sweep_that_never_earned_or_never_loses_is_told_in_words() -> None:
    losing = [{"multiple": 0, "total_return": -0.1}]
    assert figures.fee_words(losing, None, None) == "It would have lost without any fees too."
    earning = [{"multiple": 0, "total_return": 0.1}]
    assert "up to 128" in figures.fee_words(earning, None, None)


@pytest.mark.parametrize(
    ("shape", "edge", "words"),
    [("plateau", None, ["plateau"]), ("peak", 3, ["peak", "edge"]), ("flat", None, []), (None, 3, ["edge"])],
)
def test_a_slice_names_plateau_peak_and_edge(shape: str | None, edge: int | None, words: list[str]) -> None:
    values = [
        {
            "parameter": "fast",
            "value": value,
            "evaluations": 1,
            "target_metric": "sharpe_ratio",
            "mean_target": value / 10,
            "best_target": value / 5,
            "best_value": value == 2,
            "shape": shape,
        }
        for value in (1, 2, 3)
    ]
    drawn = parameter_figures.parameter_slice(values, 2, edge, edge is not None).to_dict()
    rows = [row for data in drawn["datasets"].values() for row in data]
    assert [row["word"] for row in rows if "word" in row] == words
