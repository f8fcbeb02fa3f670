"""`backdesk leaderboard`: the mart's rows, formatted and not computed."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runners.cli.app import app
from runners.cli.leaderboard import show
from runners.leaderboard import NoLeaderboard, read
from runners.words import NOTHING
from streamlit_app.leaderboard import queries
from streamlit_app.leaderboard.filters import Filters
from testing.desks import Desk
from tests import board_rows

SOURCES = (".sql", ".py", ".yml")
# Of calm: chosen what earned 30% a year, tested by what earned 8%, and the stitched result of it.
WALK_FORWARD = """
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
where c.parameters = '{"period": 2}' and t.parameters = '{"period": 14}';
insert into desk.backtest_results (optimization_run_id, strategy_id, parameters, sharpe_ratio,
  total_trades, fee_pct)
select id, strategy_id, '{"stitched": 1}', 0.4, 70, 0.02
from desk.optimization_runs where optimization_type = 'Walk-Forward';
update desk.optimization_runs set status = 'completed' where optimization_type = 'Walk-Forward';
"""


@pytest.fixture(scope="module", autouse=True)
def filled(built_desk: Desk) -> Desk:
    with built_desk.connect("viewer") as viewer:
        assert read(viewer) == []
    empty = leaderboard()
    assert empty == "No backtest has finished yet. Queue a search: backdesk queue FILE\n"
    board_rows.fill(built_desk)
    return built_desk


def leaderboard(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["leaderboard", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_one_row_a_strategy_in_plain_text() -> None:
    """Both passed; 1.10 stands before 0.90, and no Sharpe ratio comes last."""
    assert [" ".join(line.split()) for line in leaderboard().splitlines()[2:]] == [
        "1 wild testing AAPL MSFT fast=10 slow=20 – 1.10 15.0% 35.0% 300 10.0% yes",  # noqa: RUF001
        "2 calm testing AAPL MSFT period=14 – 0.90 8.0% 10.0% 120 5.0% yes",  # noqa: RUF001
        "3 idle testing AAPL MSFT period=99 – – 0.0% 0.0% 0 0.0% no",  # noqa: RUF001
    ]


def test_results_that_passed_come_before_a_higher_sharpe() -> None:
    rows = [line.split() for line in leaderboard("--results").splitlines()[2:]]
    assert [(row[1], row[-1]) for row in rows] == [
        ("wild", "yes"),
        ("calm", "yes"),
        ("calm", "no"),
        ("wild", "no"),
        ("idle", "no"),
    ]
    assert [row[-6] for row in rows] == ["1.10", "0.90", "3.00", "1.40", NOTHING]


def test_filters() -> None:
    only = leaderboard("--results", "--strategy", "calm", "--passed").splitlines()
    assert len(only) == 3
    assert "period=14" in only[2]
    assert len(leaderboard("--results", "--limit", "2").splitlines()) == 4
    assert (
        leaderboard("--strategy", "nobody")
        == "No result of nobody fits. The whole board: backdesk leaderboard\n"
    )


def test_csv_has_every_column_and_every_digit(built_desk: Desk) -> None:
    rows = list(csv.DictReader(io.StringIO(leaderboard("--csv", "--results"))))
    with built_desk.connect("viewer") as viewer:
        mart = viewer.execute("select * from result_leaderboard limit 0").description
    assert list(rows[0]) == [column.name for column in mart or []]
    fees = next(row for row in rows if row["trades"] == "4000")
    assert fees["fee_pct"] == "0.674"
    assert fees["passed"] == "false"
    assert json.loads(fees["parameters"]) == {"fast": 5, "slow": 20}
    assert json.loads(fees["rejection_reasons"]) == ["Fees too high: 67.4% > 30.0%"]


def test_markdown_is_a_table() -> None:
    lines = leaderboard("--markdown").splitlines()
    assert lines[0].startswith("| rank | strategy |")
    assert set(lines[1]) <= set("| :-")
    assert len({line.count("|") for line in lines}) == 1


def test_csv_and_markdown_exclude_each_other() -> None:
    done = CliRunner().invoke(app, ["leaderboard", "--csv", "--markdown"])
    assert done.exit_code == 2


@pytest.mark.parametrize("columns", ["60", "80", "100", "140", "200"])
def test_no_number_is_cut_on_a_terminal(
    built_desk: Desk, columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", columns)
    with built_desk.connect("viewer") as viewer:
        show(read(viewer, results=True))
        strategies = {entry.strategy for entry in read(viewer, results=True)}
    printed = capsys.readouterr().out
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in printed.splitlines()]
    assert max(map(len, lines)) <= int(columns)
    assert all(any(name in line.split() for line in lines) for name in strategies)
    if int(columns) >= 80:
        for number in ("3.00", "67.4%", "4,000", "40.0%"):
            assert number in printed


def test_every_surface_says_the_same_of_a_result(built_desk: Desk) -> None:
    """A strategy with a search and a completed walk-forward: marts, board and pages agree on every figure."""
    with built_desk.connect("owner") as owner:
        owner.execute(WALK_FORWARD.encode())
    with built_desk.connect("viewer") as viewer:
        for every_result in (False, True):
            mart = read(viewer, results=every_result)
            assert queries.results(Filters(every_result=every_result), 1) == mart
            found = queries.named([one.backtest_result_id for one in mart])
            assert [replace(found[one.backtest_result_id], rank=one.rank) for one in mart] == mart
    calm = [one for one in mart if one.strategy == "calm"]
    # What was tested earned 8% a year, what was chosen 30%: the strategy's, and the stitched result's own.
    assert [one.out_of_sample_efficiency for one in calm] == [pytest.approx(0.08 / 0.30)] * 3
    assert [one.walk_forward_efficiency for one in calm if one.out_of_sample] == [pytest.approx(0.08 / 0.30)]
    assert {one.walk_forward_efficiency for one in mart if not one.out_of_sample} == {None}
    assert {one.out_of_sample_efficiency for one in mart if one.strategy != "calm"} == {None}


def test_who_survived_is_said_once(built_desk: Desk) -> None:
    """In the order of z, nulls last; at the threshold only what passed survived, as the funnel counts."""
    with built_desk.connect("admin") as admin:
        admin.execute("alter table desk.full_results disable trigger user")
        for trades, z in ((300, 1.645), (120, 1.644), (8, 2.0)):
            admin.execute(
                "update desk.full_results set deflated_sharpe_z = %s where total_trades = %s", [z, trades]
            )
        admin.execute("alter table desk.full_results enable trigger user")
    with built_desk.connect("viewer") as viewer:
        rows = [(one.trades, one.survived) for one in read(viewer, results=True)]
        survivors = viewer.execute("select results from funnel where stage = 'survived deflation'").fetchone()
    assert rows[:3] == [(8, False), (300, True), (120, False)]
    assert {survived for _, survived in rows[3:]} == {False}
    assert survivors == (1,)
    assert [one.trades for one in queries.results(Filters(every_result=True, survived=True), 1)] == [300]


def test_the_order_is_said_once() -> None:
    """In the view `desk.board`, and in the indexes that it is read from."""
    said = re.compile(r"deflated_sharpe_z\s+desc\s+nulls\s+last,\s+(\w+\.)?passed\s+desc")
    folders = ("db", "dbt/models", "runners", "streamlit_app")
    files = [path for folder in folders for path in Path(folder).rglob("*.*") if path.suffix in SOURCES]
    found = {str(path) for path in files if said.search(path.read_text(encoding="utf-8"))}
    assert found == {
        "db/reads/board.sql",
        "db/results/tables.sql",
        "db/results/V0026__lost_accounts.sql",
        "db/judgement/V0046__tallies_of_trials.sql",
    }


def test_without_views_it_says_what_to_do(fresh_desk: Desk) -> None:
    with fresh_desk.connect("viewer") as viewer, pytest.raises(NoLeaderboard, match="views are missing"):
        read(viewer)
