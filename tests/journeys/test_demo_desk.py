"""What a director does on the desk of `make demo`, with a runner at work behind the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from testing import PROJECT_ROOT, desks, served
from testing.chromium import View
from testing.desks import Desk
from testing.hands import TICK, choose, click_row, press, write
from tests.journeys.pages import PAGES
from tests.journeys.widths import WIDTHS, cut

CONFIGS = ("rsi_etf_example", "bollinger_etf_example", "sma_crossover_example")
# Where the number that leads to a result stands on the board, past the tick and the rank.
RESULT_LINK = 95
WORK_SECONDS = 60
# Of the strategy's page, each with a heading of its own; the first is open without being asked for.
SECTIONS = {
    "Periods": "Crises",
    "Trades": "Trades",
    "Parameters": "Parameters",
    "Costs": "Had fees been different",
}
BEST = "select strategy, backtest_result_id from strategy_leaderboard limit 1"
LONG = """
insert into jobs (strategy, config) values ('sma_crossover', '{
  "symbols": ["AAPL", "GOOG", "IBM", "MSFT"],
  "optimization": {
    "parameters": {"fast": {"start": 5, "end": 60, "step": 1}, "slow": {"start": 70, "end": 250, "step": 2}}}
}') returning id
"""


@pytest.fixture(scope="module")
def demo_desk(browser: Browser, built_template: Desk) -> Iterator[Desk]:
    """A desk with the prices and searches of the demo, all of them over."""
    with desks.clone(built_template) as desk:
        desk.publish_strategies()
        files = [f"configs/optimizations/{name}.yaml" for name in CONFIGS]
        for words in (["load", "sample"], ["queue", *files], ["work", "--drain", "--processes", "2"]):
            done = subprocess.run(
                [sys.executable, "-m", "runners.cli", *words],
                cwd=PROJECT_ROOT,
                env={**os.environ, **desk.environment},
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        yield desk


@pytest.fixture(scope="module")
def address(demo_desk: Desk) -> Iterator[str]:
    with served.app(demo_desk.environment) as address:
        yield address


@pytest.fixture(scope="module")
def runner(demo_desk: Desk) -> Iterator[None]:
    with served.runner(demo_desk.environment):
        yield


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_demos_desk(view: View, path: str) -> None:
    """Nothing of it is cut off on a screen, on half of one or on a phone."""
    view.open(path, PAGES[path])
    assert cut(view) == {}


def test_the_winner_is_opened_from_the_board(view: View, demo_desk: Desk) -> None:
    with demo_desk.connect("viewer") as viewer:
        best = viewer.execute(BEST).fetchone()
    assert best is not None
    view.open("", "Leaderboard")
    with view.page.context.expect_page() as opened:
        click_row(view, view.page.get_by_test_id("stDataFrame").first, 0, RESULT_LINK)
    winner = View(opened.value, view.address)
    winner.settle("Strategy")
    expect(opened.value.get_by_test_id("stMain")).to_contain_text(best[0])
    expect(opened.value.get_by_text(re.compile(rf"Result {best[1]}\b")).first).to_be_visible()
    assert opened.value.get_by_test_id("stVegaLiteChart").count() >= 3
    _a_part_of_the_curve(winner)
    sections = winner.page.get_by_test_id("stButtonGroup").filter(has_text="Periods")
    for name, heading in SECTIONS.items():
        sections.get_by_text(name, exact=True).click()
        expect(winner.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        winner.settle("Strategy")
        assert f"more={name}" in winner.page.url
        assert cut(winner, WIDTHS[-1:]) == {}, name
    assert winner.complaints() == []


def _a_part_of_the_curve(view: View) -> None:
    """Drawn on the strip below the curve, which then begins there."""
    shown = view.page.get_by_text(re.compile(r"^Shown: "))
    whole = shown.inner_text()
    strip = view.page.get_by_test_id("stVegaLiteChart").nth(2).locator("canvas, svg").first
    strip.scroll_into_view_if_needed()
    view.settle("Strategy")
    view.page.wait_for_timeout(500)
    box = strip.bounding_box()
    assert box is not None
    left, right = (box["x"] + part * box["width"] for part in (0.4, 0.7))
    view.page.mouse.move(left, box["y"] + 30)
    view.page.mouse.down()
    view.page.mouse.move(right, box["y"] + 30, steps=8)
    view.page.mouse.up()
    expect(shown).not_to_have_text(whole, timeout=30_000)
    view.settle("Strategy")


def test_two_are_ticked_and_compared(view: View) -> None:
    view.open("?results=true", "Leaderboard")
    table = view.page.get_by_test_id("stDataFrame").first
    for row in (0, 1):
        click_row(view, table, row, TICK)
        view.page.wait_for_timeout(500)
        view.settle()
    expect(view.page.get_by_text("Correlation of daily returns")).to_be_visible()
    assert view.page.url.count("compare=") == 2
    # The choice is a link: another person's browser shows the same.
    view.open(view.page.url.removeprefix(f"{view.address}/"), "Leaderboard")
    expect(view.page.get_by_text("Correlation of daily returns")).to_be_visible()


@pytest.mark.usefixtures("runner")
def test_a_search_is_queued_from_the_form_and_its_progress_moves(view: View) -> None:
    view.open("new_job?strategy=sma_crossover", "New job")
    choose(view, "Symbols", "AAPL")
    choose(view, "How fast is chosen", "range")
    for label, value in (("fast from", "5"), ("fast to", "24"), ("fast step", "1")):
        write(view, label, value)
    choose(view, "How slow is chosen", "list")
    write(view, "Values of slow", ", ".join(map(str, range(60, 260, 10))))
    expect(view.page.get_by_test_id("stMain")).to_contain_text("400")
    press(view, "Queue this job")
    expect(view.page.get_by_text(re.compile(r"Job \d+ is queued"))).to_be_visible()
    with view.page.context.expect_page() as opened:
        view.page.get_by_role("link", name="Its run").click()
    run = View(opened.value, view.address)
    run.settle("Run")
    bar = run.page.get_by_test_id("stProgress").first
    expect(bar).to_contain_text("of 400")
    seen = [bar.inner_text()]
    until = time.monotonic() + WORK_SECONDS
    while not seen[-1].startswith("400 of 400") and time.monotonic() < until:
        run.page.wait_for_timeout(100)
        seen.append(bar.inner_text())
    assert seen[-1].startswith("400 of 400"), seen[-1]
    between = [text for text in seen if 0 < int(text.split(" of ")[0]) < 400]
    assert between, "the page showed nothing between the beginning and the end"
    expect(run.page.get_by_text("completed").first).to_be_visible()
    assert run.complaints() == []


@pytest.mark.usefixtures("runner")
def test_a_running_job_is_cancelled(view: View, demo_desk: Desk) -> None:
    with demo_desk.connect("director") as director:
        (job,) = director.execute(LONG).fetchone() or (0,)
    view.open("queue", "Queue")
    expect(view.page.get_by_text(f"job {job}, running")).to_be_visible(timeout=20_000)
    view.page.get_by_role("button", name="Cancel").click()
    view.page.get_by_test_id("stPopoverBody").get_by_role("button", name="Cancel").click()
    expect(view.page.get_by_text(f"job {job}, running")).to_have_count(0)
    with demo_desk.connect("viewer") as viewer:
        assert viewer.execute("select state from jobs where id = %s", [job]).fetchone() == ("cancelled",)
    view.settle("Queue")

