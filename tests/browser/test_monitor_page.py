"""The monitor: a session worked by hand, a real one that a strategy logged, and none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from runners.prices.load import load
from runners.prices.sample import read_sample
from strategies.session_rows import by_name
from streamlit_app.monitor.page import KINDS
from testing import desks
from testing.accounts import open_account, submit
from testing.desks import Desk

FIRST, SECOND = (int(datetime(2030, 1, day, tzinfo=UTC).timestamp()) for day in (2, 3))
# Ten shares of AAA bought at 100; on the second day, at 90, five are sold again and an order is refused.
ROWS: dict[str, list[list[Any]]] = {
    "session": [[1, "open", ["AAA"], 1000.0, {"max_daily_loss": 0.02, "max_position_shares": 5}, None]],
    "order_events": [
        [2, FIRST, 1, "completed", "AAA", "buy", "market", 10, 100.0, None, 10, 100.0, 1.0, None],
        [8, SECOND, 2, "completed", "AAA", "sell", "market", -5, 90.0, None, -5, 90.0, 1.0, "half"],
    ],
    "fills": [[3, FIRST, 1, "AAA", 10, 100.0, 1.0], [9, SECOND, 2, "AAA", -5, 90.0, 1.0]],
    "position_history": [
        [4, FIRST, "AAA", "entry", 0, 10, 100.0, 100.0, None],
        [10, SECOND, "AAA", "reduce", 10, 5, 90.0, 100.0, -50.0],
    ],
    "risk_events": [
        [5, FIRST, "day", "info", "a new day", None, None, None, None, None],
        [11, SECOND, "max_daily_loss", "critical", "Daily loss: too much", 0.1, 0.02, None, None, None],
    ],
    "portfolio_snapshots": [
        [6, FIRST, -1.0, 999.0, 1.0, {"AAA": 10}],
        [12, SECOND, 448.0, 898.0, 0.5, {"AAA": 5}],
    ],
    "daily_summaries": [
        [7, 21916, 1000.0, 999.0, 999.0, 1000.0, 1, 1, 0, 0.0, 1.0, 0],
        [13, 21917, 999.0, 898.0, 898.0, 999.0, 1, 1, 0, 0.0, 1.0, 1],
    ],
}  # fmt: skip


def page(**address: str) -> AppTest:
    def script() -> None:
        from streamlit_app.monitor.page import monitor

        monitor()

    shown = AppTest.from_function(script, default_timeout=30)
    for name, value in address.items():
        shown.query_params[name] = value
    return shown


@pytest.fixture
def on_paper(fresh_desk: Desk) -> Desk:
    """A desk with the session above, which is open."""
    fresh_desk.publish_strategies()
    with fresh_desk.connect("owner") as owner:
        owner.execute(
            "insert into trading_sessions (kind, strategy_id)"
            " select 'paper', id from strategies where name = 'sma_crossover'"
        )
        named = by_name((table, tuple(row)) for table, rows in ROWS.items() for row in rows)
        owner.execute("select write_session_rows(1, %s)", [json.dumps(named)])
        # Limits of today, which did not hold when the session opened.
        owner.execute("insert into risk_limits (limit_name, threshold) values ('max_position_shares', 7)")
    return fresh_desk


@pytest.mark.usefixtures("desk")
def test_without_sessions_it_says_how_one_comes_about() -> None:
    shown = page().run()
    assert not shown.exception
    assert shown.info[0].value == "No strategy has logged anything yet."
    assert "enable_db_logging: true" in shown.markdown[0].value


@pytest.mark.usefixtures("on_paper")
def test_a_session_is_shown_as_it_stands_and_as_it_stood() -> None:
    shown = page().run()
    assert not shown.exception
    numbers = {metric.label: metric.value for metric in shown.metric}
    assert numbers["Value"] == "898.00"
    assert numbers["Profit of the day"] == "-101.00"
    assert numbers["Invested"] == "50.1%"
    assert numbers["Below its peak"] == "10.2%"
    tables: dict[str, list[Any]] = {}
    for kind in KINDS:
        shown = shown.segmented_control(key="rows").set_value(kind).run()
        assert not shown.exception
        tables |= {column: list(one.value[column]) for one in shown.dataframe for column in one.value}
    assert tables["open profit"] == [-50.0]
    assert tables["severity"] == ["▲ critical"]
    assert tables["tag"][0] == "half"
    assert tables["day"] == ["2030-01-03", "2030-01-02"]
    assert "a loss of 2.0% ends its entries" in " ".join(one.value for one in shown.caption)

    assert not shown.warning
    assert not shown.info

    earlier = page(session="1", day="2030-01-02").run()
    assert not earlier.exception
    assert {metric.label: metric.value for metric in earlier.metric}["Value"] == "999.00"
    assert list(earlier.dataframe[0].value["shares"]) == [10]


def test_a_session_on_an_account_shows_what_the_gate_allowed_and_refused_and_why(fresh_desk: Desk) -> None:
    with fresh_desk.connect("admin") as admin:
        account = open_account(admin)
        session = account.session(1000)
        submit(admin, session, "a:1", "AAA", 5)
        account.limit("max_leverage", 1)
        submit(admin, session, "a:2", "AAA", 50)
        account.limit("max_orders_per_day", 1)
        submit(admin, session, "a:3", "BBB", 1)
        admin.execute("select desk.emergency_stop('the feed is wrong')")
    shown = page().run()
    assert not shown.exception
    numbers = {metric.label: metric.value for metric in shown.metric}
    assert (numbers["Orders allowed"], numbers["Refused"], numbers["On their way"]) == ("1", "2", "1")
    assert shown.warning[0].value == "emergency_stop: the feed is wrong"
    assert "halted" in shown.markdown[0].value
    orders = shown.dataframe[0].value
    assert list(orders["why"])[:2] == ["Orders today of PAPER1: 2 > 1", "Leverage of PAPER1: 5.5 > 1"]
    assert "account max_leverage 1, account max_orders_per_day 1" in shown.caption[1].value
    shown = shown.segmented_control(key="gate").set_value("On their way").run()
    assert list(shown.dataframe[0].value["state"]) == ["allowed"]
    shown = shown.segmented_control(key="gate").set_value("Refused").run()
    assert list(shown.dataframe[0].value["state"]) == ["✘ refused"] * 2
    assert "has arrived yet" in shown.info[0].value, "nothing of its log, which is another matter"


def test_what_is_used_of_each_limit_is_the_databases_to_say(on_paper: Desk) -> None:
    with on_paper.connect("viewer") as viewer:
        used = dict(
            viewer.execute("select limit_name, (used, allowed)::text from session_usage(1)").fetchall()
        )
        earlier = dict(
            viewer.execute("select limit_name, used from session_usage(1, %s)", [date(2030, 1, 2)]).fetchall()
        )
    assert used["max_position_shares"] == "(5,5)"
    assert used["max_leverage"] == "(0.5011135857461024,)", "no such limit, whatever its default"
    assert used["max_daily_loss"].startswith("(0.10110110")
    assert earlier["max_position_shares"] == 10
    assert earlier["max_daily_loss"] == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("watched", "kind", "words"),
    [(None, "info", "were not recorded"), (False, "warning", "No risk manager watched this session")],
)
def test_what_is_not_known_of_limits_is_said(
    on_paper: Desk, watched: bool | None, kind: str, words: str
) -> None:
    """Sessions from before limits were recorded, or that nobody watched: today's limits are not theirs."""
    with on_paper.connect("owner") as owner:
        owner.execute("update trading_sessions set risk_limits = null, watched = %s", [watched])
    shown = page().run()
    assert not shown.exception
    assert words in getattr(shown, kind)[0].value
    assert "ends its entries" not in " ".join(one.value for one in shown.caption)


@pytest.fixture
def logged(built_template: Desk) -> Iterator[Desk]:
    """A desk on which a backtest has logged itself."""
    with desks.clone(built_template) as desk, desks.environment(desk.environment):
        desk.publish_strategies()
        config = {
            "symbols": "GOOG",
            "start_date": "2009-01-02",
            "end_date": "2010-12-31",
            "optimization": {"parameters": {"enable_db_logging": True, "enable_risk_manager": True}},
        }
        with desk.connect("director") as director:
            load(director, next(one for one in read_sample().series if one.symbol == "GOOG"))
            director.execute(
                "insert into jobs (strategy, config) values ('sma_crossover', %s)", [json.dumps(config)]
            )
        subprocess.run(
            [sys.executable, "-m", "runners.cli", "work", "--processes", "1", "--drain"],
            env={**os.environ, **desk.environment},
            capture_output=True,
            timeout=120,
            check=True,
        )
        yield desk


@pytest.mark.usefixtures("logged")
def test_a_backtest_that_logs_itself_leads_to_its_run_and_its_result() -> None:
    shown = page().run()
    assert not shown.exception
    assert shown.selectbox(key="session").value == "1 sma_crossover (backtest)"
    words = shown.markdown[0].value
    assert "/run?run=1+sma_crossover" in words
    assert "/strategy?strategy=sma_crossover&result=" in words
    for kind in KINDS:
        shown = page(rows=kind).run()
        assert not shown.exception
        assert [one.value for one in shown.subheader][2:] == ["Risk limits", "Positions", kind]
