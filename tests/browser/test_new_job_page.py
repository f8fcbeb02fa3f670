"""The page of a new job: a form and YAML, both judged by the SQL of an insert, with the estimate first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from streamlit.testing.v1 import AppTest

from runners.configs.reader import parse_config, read_config
from runners.prices.load import load
from runners.prices.sample import read_sample
from strategies.registry import published_strategies
from streamlit_app import director
from streamlit_app.new_job.yaml_text import yaml_text
from testing import desks
from testing.desks import Desk

CONFIG = """strategy: sma_crossover
symbols: [AAPL]
commission: 0
optimization:
  parameters:
    fast: {start: 5, end: 15, step: 5}
    slow: [40, 80]
"""


def page(**address: str) -> AppTest:
    def script() -> None:
        from streamlit_app.new_job.page import new_job

        new_job()

    shown = AppTest.from_function(script, default_timeout=30)
    for name, value in address.items():
        shown.query_params[name] = value
    return shown


def in_yaml(text: str) -> AppTest:
    shown = page(**{"as": "YAML"}).run()
    return shown.text_area(key="yaml").set_value(text).run()


@pytest.fixture(scope="module")
def stocked(template_desk: Desk) -> Iterator[Desk]:
    """A desk with the strategies and the prices of two stocks."""
    with desks.clone(template_desk) as desk:
        desk.publish_strategies()
        with desk.connect("director") as connection:
            for series in read_sample().series:
                if series.symbol in ("AAPL", "IBM"):
                    load(connection, series)
        yield desk


@pytest.fixture
def ready(stocked: Desk) -> Iterator[Desk]:
    with desks.environment({**stocked.environment, director.BUTTONS: "on"}):
        yield stocked


def jobs(desk: Desk) -> list[tuple[Any, ...]]:
    with desk.connect("viewer") as viewer:
        return viewer.execute("select id, strategy, config, priority, notes from jobs order by id").fetchall()


def places(shown: AppTest) -> list[str]:
    """What the form is made of, from top to bottom."""
    form = shown.main.children[2].children[0]
    return [child.type for child in form.children.values()]


def test_nothing_moves_while_one_types(ready: Desk) -> None:
    """A field that got another place would lose what has been typed since the last answer."""
    shown = page(strategy="sma_crossover").run()
    before = places(shown)
    assert len(before) > 10
    shown.multiselect(key="symbols 1d").set_value(["AAPL"]).run()
    shown.selectbox(key="how sma_crossover fast").set_value("range").run()
    shown.selectbox(key="how sma_crossover slow").set_value("list").run()
    assert places(shown) == before
    with ready.connect("owner") as owner:
        owner.execute("update strategies set hypothesis = '' where name = 'sma_crossover'")
    assert places(page(strategy="sma_crossover").run()) == before


@pytest.mark.usefixtures("desk")
def test_an_empty_desk_says_what_to_do_first() -> None:
    shown = page().run()
    assert not shown.exception
    assert shown.info[0].value == "The desk knows no strategy yet. Run: backdesk up"


def test_the_form_is_a_file_is_estimated_and_becomes_a_job(ready: Desk) -> None:
    shown = page(strategy="sma_crossover").run()
    assert [one.value for one in shown.info] == ["Choose at least one symbol."]
    shown = shown.multiselect(key="symbols 1d").select("AAPL").run()
    shown = shown.selectbox(key="how sma_crossover fast").select("range").run()
    shown = shown.number_input(key="end sma_crossover fast").set_value(9).run()
    shown = shown.selectbox(key="how sma_crossover slow").select("list").run()
    shown = shown.text_input(key="list sma_crossover slow").set_value("50, 100").run()
    assert not shown.exception
    numbers = {metric.label: metric.value for metric in shown.metric}
    assert numbers["Combinations"] == "6"
    written = parse_config("shown", shown.code[0].value).data
    assert written["optimization"]["parameters"] == {
        "fast": {"start": 5, "end": 9, "step": 2},
        "slow": [50, 100],
    }
    assert written["success_criteria"] == {"min_trades": 100, "max_fee_pct": 0.3, "min_total_return": 0}

    before = len(jobs(ready))
    shown = shown.number_input(key="priority").set_value(7).run()
    shown = shown.button(key="queue job").click().run()
    assert not shown.exception
    assert shown.success[0].value.startswith("Job ")
    made = jobs(ready)
    assert len(made) == before + 1
    assert made[-1][1:4] == ("sma_crossover", written, 7)
    assert f"/run?run={made[-1][0]}+sma_crossover" in " ".join(one.value for one in shown.markdown)

    shown = shown.button(key="queue job").click().run()
    assert "is identical and not over yet" in shown.error[0].value
    assert len(jobs(ready)) == before + 1


@pytest.mark.usefixtures("ready")
def test_the_form_asks_for_what_the_search_reads() -> None:
    shown = page(strategy="sma_crossover", search="Walk-Forward").run()
    assert shown.selectbox(key="inner").options[-1] == "Bayesian Search"
    shown = shown.selectbox(key="inner").select("Bayesian Search").run()
    shown = shown.number_input(key="batch_points").set_value(8).run()
    assert not shown.exception
    written = parse_config("shown", shown.code[0].value).data["optimization"]
    assert (written["search"], written["points"], written["batch_points"]) == ("Bayesian Search", 200, 8)
    assert "segments" not in written


@pytest.mark.usefixtures("ready")
def test_a_refusal_names_the_line_the_path_and_what_would_be_right() -> None:
    shown = in_yaml(CONFIG.replace("fast:", "fats:"))
    assert not shown.exception
    assert shown.error[0].value == 'Strategy sma_crossover has no parameter "fats".'
    words = [one.value for one in shown.markdown]
    assert "at `$.optimization.parameters.fats`" in words
    assert any(one.startswith("Known: ") for one in words)
    assert "line 6, column 5" in [one.value for one in shown.caption]
    assert shown.code[0].value.strip() == "fats: {start: 5, end: 15, step: 5}"
    assert not [one for one in shown.button if one.key == "queue job"]


@pytest.mark.usefixtures("ready")
def test_what_is_no_yaml_is_told_with_its_line() -> None:
    shown = in_yaml("strategy: [\nsymbols: AAPL\n")
    assert not shown.exception
    assert "Is not YAML" in shown.error[0].value


@pytest.mark.usefixtures("ready")
def test_the_form_goes_on_as_text() -> None:
    shown = page(strategy="sma_crossover").run()
    shown = shown.multiselect(key="symbols 1d").select("IBM").run()
    shown = shown.button(key="to yaml").click().run()
    assert not shown.exception
    assert shown.radio(key="as").value == "YAML"
    assert "symbols: [IBM]" in (shown.text_area(key="yaml").value or "")


def test_an_earlier_job_is_copied(ready: Desk) -> None:
    with ready.connect("director") as connection:
        found = connection.execute(
            "insert into jobs (strategy, config) values ('sma_crossover', %s) returning id",
            [json.dumps({"symbols": ["IBM"], "notes": "to be copied"})],
        ).fetchone()
    shown = page(job=str((found or [0])[0])).run()
    assert not shown.exception
    text = shown.text_area(key="yaml").value or ""
    assert [line.split(":")[0] for line in text.splitlines()[1:]] == ["notes", "strategy", "symbols"]
    assert "There is no search" in page(job="999").run().info[0].value


@pytest.mark.usefixtures("ready")
def test_without_buttons_a_config_is_still_judged() -> None:
    with desks.environment({director.BUTTONS: "off"}):
        shown = in_yaml(CONFIG)
        assert shown.success[0].value == "The config is valid."
        assert shown.button(key="queue job").disabled


def test_every_config_of_the_project_survives_being_written(project_root: Path) -> None:
    files = sorted((project_root / "configs" / "optimizations").glob("*.yaml"))
    assert files
    for file in files:
        data = read_config(file).data
        assert parse_config("written", yaml_text(data)).data == data, file.name


def test_it_begins_with_a_strategy_that_a_runner_at_work_has(ready: Desk) -> None:
    """The first by name is a project of LEAN's, which no runner here can have."""
    shown = page().run()
    assert shown.selectbox(key="strategy").options[0] == "RSI_MeanReversion_ETF"
    assert shown.selectbox(key="strategy").value == "bollinger_reversion"
    (known,) = [one for one in published_strategies() if one["name"] == "turn_of_month"]
    with ready.connect("runner") as runner:
        registered = runner.execute(
            "select register_runner('host', 1, '0.1', '{backtrader}', 1, 'linux', false, %s)",
            [Jsonb([known])],
        ).fetchone()
        assert page().run().selectbox(key="strategy").value == "turn_of_month"
        runner.execute("select stop_runner(%s)", registered)
    assert page().run().selectbox(key="strategy").value == "bollinger_reversion"
