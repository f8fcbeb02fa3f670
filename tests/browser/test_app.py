"""The page, run by Streamlit's own test harness: an empty desk, a filled one, and none at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.types.json import Jsonb
from streamlit.testing.v1 import AppTest

import streamlit_app
from runners.prices.load import load
from runners.prices.sample import read_sample
from testing import desks
from testing.desks import Desk
from tests import board_rows

ENTRY = "streamlit_app/app.py"
CONFIG = {
    "symbols": ["AAPL"],
    "start_date": "2008-01-01",
    "end_date": "2012-12-31",
    "optimization": {
        "type": "Grid Search",
        "target_metric": "Sharpe Ratio",
        "parameters": {"rsi_period": {"start": 10, "end": 20, "step": 2}},
    },
}


@pytest.fixture
def entry(project_root: Path) -> AppTest:
    return AppTest.from_file(str(project_root / ENTRY), default_timeout=30)


def queue_page() -> AppTest:
    def script() -> None:
        from streamlit_app.queue.page import queue

        queue()

    return AppTest.from_function(script, default_timeout=30)


@pytest.fixture(scope="module")
def filled_desk(built_template: Desk) -> Iterator[Desk]:
    with desks.clone(built_template) as desk:
        board_rows.fill(desk)
        desk.publish_strategies()
        with desk.connect("director") as director:
            load(director, next(one for one in read_sample().series if one.symbol == "AAPL"))
            director.execute(
                "insert into jobs (strategy, config, config_file) values (%s, %s, %s)",
                ["rsi_mean_reversion", Jsonb(CONFIG), "rsi.yaml"],
            )
        yield desk


@pytest.fixture
def filled(filled_desk: Desk) -> Iterator[Desk]:
    with desks.environment(filled_desk.environment):
        yield filled_desk


@pytest.mark.usefixtures("built_desk")
def test_an_empty_desk_shows_the_first_steps(entry: AppTest) -> None:
    page = entry.run()
    assert not page.exception
    assert [info.value for info in page.info] == ["No backtest has finished yet."]
    assert "backdesk work" in page.code[0].value
    assert "No job is open" in queue_page().run().info[0].value


@pytest.mark.usefixtures("filled")
def test_the_board_shows_the_best_of_each_strategy(entry: AppTest) -> None:
    page = entry.run()
    assert not page.exception
    board = page.dataframe[0].value
    assert list(board["strategy"]) == ["wild", "calm", "idle"]
    assert list(board["sharpe_ratio"].head(2)) == [1.1, 0.9]
    assert board["fee_pct"].iloc[0] == pytest.approx(10.0)


@pytest.mark.usefixtures("filled")
def test_filters_come_from_the_address(entry: AppTest) -> None:
    entry.query_params["strategy"] = "wild"
    entry.query_params["results"] = "true"
    entry.session_state["sql"] = True
    page = entry.run()
    assert page.selectbox(key="strategy").value == "wild"
    board = page.dataframe[0].value
    assert list(board["trades"]) == [300, 4000]
    assert board["rejected for"].iloc[1] == "Fees too high: 67.4% > 30.0%"
    assert "where strategy = 'wild'" in page.code[0].value


@pytest.mark.usefixtures("filled")
def test_filters_narrow_the_board_and_may_leave_nothing(entry: AppTest) -> None:
    page = entry.run()
    page = page.toggle(key="passed").set_value(True).run()
    assert list(page.dataframe[0].value["strategy"]) == ["wild", "calm"]
    page = page.number_input(key="trades").set_value(200).run()
    assert list(page.dataframe[0].value["strategy"]) == ["wild"]
    page = page.selectbox(key="strategy").set_value("calm").run()
    assert not page.dataframe
    assert page.info[0].value == "Nothing on the board fits these filters."


@pytest.mark.usefixtures("filled")
def test_an_open_job_shows_its_progress_and_what_it_waits_for() -> None:
    page = queue_page().run()
    assert not page.exception
    assert "**rsi_mean_reversion** (job 1, waiting)" in page.markdown[0].value
    assert {metric.label: metric.value for metric in page.metric}["Waiting points"] == "6"
    assert "no runner is alive. Start one: backdesk work" in page.warning[0].value


def test_without_a_database_it_says_so(entry: AppTest, tmp_path: Path) -> None:
    with desks.environment({"BACKDESK_HOME": str(tmp_path), "BACKDESK_DATABASE": "", "DATABASE_URL": ""}):
        page, jobs = entry.run(), queue_page().run()
    for shown in (page, jobs):
        assert not shown.exception
        assert shown.error[0].value == "The desk's database is not running. To do: run `backdesk up`"


@pytest.mark.usefixtures("fresh_desk")
def test_a_desk_without_views_says_so() -> None:
    page = queue_page().run()
    assert not page.exception
    assert "To do: run `backdesk up`" in page.error[0].value


@pytest.mark.usefixtures("filled")
def test_a_page_is_a_folder_an_import_and_a_line(
    project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "page.py").write_text(
        "import streamlit as st\nfrom streamlit_app.database import rows\n"
        "def jobs():\n    st.title(f\"{rows('select count(*) from desk.jobs')[0]['count']} job\")\n"
    )
    monkeypatch.setattr(streamlit_app, "__path__", [*streamlit_app.__path__, str(tmp_path)])
    source = (project_root / ENTRY).read_text()
    line = '        st.Page(jobs, title="Jobs", default=True),\n'
    source = "from streamlit_app.jobs.page import jobs\n" + source.replace(", default=True", "")
    (tmp_path / "app.py").write_text(source.replace("    [\n", f"    [\n{line}"))
    (tmp_path / "icon.svg").write_bytes((project_root / ENTRY).with_name("icon.svg").read_bytes())
    page = AppTest.from_file(str(tmp_path / "app.py"), default_timeout=30).run()
    assert not page.exception
    assert [title.value for title in page.title] == ["1 job"]
