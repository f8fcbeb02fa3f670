"""`backdesk leaderboard`: the mart's rows, formatted and not computed."""

from __future__ import annotations

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from runners.cli.app import app
from runners.cli.leaderboard import show
from runners.leaderboard import NoLeaderboard, read
from runners.words import NOTHING
from testing.desks import Desk
from tests import board_rows


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
    printed = capsys.readouterr().out
    if int(columns) >= 80:
        for number in ("3.00", "67.4%", "4,000", "40.0%"):
            assert number in printed


def test_without_views_it_says_what_to_do(fresh_desk: Desk) -> None:
    with fresh_desk.connect("viewer") as viewer, pytest.raises(NoLeaderboard, match="views are missing"):
        read(viewer)
