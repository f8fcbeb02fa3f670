"""One backtest from the command line without a database: its files, its page, and what is read back."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from runners.backtest_parser import UnreadableBacktest, parse, parse_folder, parse_trades
from runners.backtests.execution import Backtest, BacktestFailed, execute
from runners.backtests.files import Exports, write
from runners.backtests.request import (
    BacktestRequest,
    RequestError,
    parameters_from,
    strategy_named,
    symbols_in,
)
from runners.backtests.tear_sheet import tear_sheet
from runners.settings import Settings
from strategies import registry

OWN = """
from strategies.base_strategy import BaseStrategy

class Held(BaseStrategy):
    params = (("size", 10),)
    def on_bar(self, data):
        if not self.getposition(data).size and not self.has_pending_order(data):
            {act}
"""


@pytest.fixture(autouse=True)
def only_the_library() -> Iterator[None]:
    yield
    registry._admitted.clear()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a place where no desk is."""
    return Settings(home=tmp_path / "nowhere")


def crossing(settings: Settings, **changes: Any) -> Backtest:
    entry = strategy_named("sma_crossover")
    request = {"symbols": ("AAPL", "IBM"), "start": dt.date(2010, 1, 1), **changes}
    request["parameters"] = parameters_from(entry, ["fast=10", "slow=50"])
    return execute(BacktestRequest(entry=entry, **request), "sample", settings)


def test_what_is_written_is_read_back(settings: Settings, tmp_path: Path) -> None:
    done = crossing(settings)
    folder = tmp_path / "results"
    written = write(done.document(), Exports(csv=True, text=True, html=True, plot=True), folder)
    assert sorted(path.name.removeprefix(done.id) for path in written) == [
        ".json", "_equity.png", "_report.html", "_report.txt", "_trades.csv",
    ]  # fmt: skip
    back = parse(folder / f"{done.id}_report.txt")
    assert (back.id, back.strategy, back.parameters["fast"]) == (done.id, "sma_crossover", 10)
    assert [value for _, value in back.equity] == done.result.equity
    assert back.figures == {}, "without a database nobody computes a ratio"
    assert back.report == (folder / f"{done.id}_report.txt").read_text()
    assert "Ratios are the database's" in back.report
    assert [one.id for one in parse_folder(folder)] == [done.id]
    trades = parse_trades(folder / f"{done.id}_trades.csv")
    assert [float(row["profit"]) for row in trades] == [trade.profit for trade in done.result.trades]
    assert [float(row["entry_price"]) for row in trades] == [
        trade.entry_price for trade in done.result.trades
    ]
    assert (folder / f"{done.id}_equity.png").read_bytes().startswith(b"\x89PNG")


def test_analyzers_agree_with_the_raw_metrics(settings: Settings) -> None:
    done = crossing(settings)
    raw, found = done.result.metrics, done.analyses
    assert found["commissions"]["fees"] == pytest.approx(raw["total_fees"])
    assert found["commissions"]["traded_value"] == pytest.approx(raw["traded_value"])
    assert max(row["drawdown"] for row in found["equity"]) == raw["max_drawdown"]
    account = found["ib_performance"]["account"]
    assert account["total"] == pytest.approx(account["change"])
    assert account["ending_value"] == raw["ending_value"]
    growth = 1.0
    for value in found["monthly_returns"]["months"].values():
        growth *= 1 + value
    assert growth == pytest.approx(account["ending_value"] / account["starting_value"])
    assert set(found["monthly_returns"]["years"]) == {"2010", "2011", "2012", "2013"}


class Page(HTMLParser):
    """What a browser would fetch, and the headings."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.headings: list[str] = []
        self.within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.within = tag
        if tag in ("script", "img", "link", "iframe"):
            self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        if self.within in ("h1", "h2"):
            self.headings.append(data.strip())


def test_the_page_needs_no_network_and_shows_everything(settings: Settings) -> None:
    document = crossing(settings).document()
    document["rolling_sharpe"] = [["2012-01-03", 1.5], ["2012-01-04", None]]
    page = Page()
    page.feed(tear_sheet(document))
    assert page.fetched == []
    assert [heading for heading in page.headings if heading] == [
        "sma_crossover on AAPL, IBM", "Figures", "Equity", "Drawdown", "Monthly returns", "Yearly returns",
        "Trades", "Rolling Sharpe ratio, 126 sessions", "Performance by symbol", "Closed trades",
    ]  # fmt: skip


def test_a_recorded_backtest_has_its_benchmark_criteria_and_what_luck_leaves(settings: Settings) -> None:
    document = crossing(settings).document()
    days = [row["session"] for row in document["equity"]]
    document |= {
        "drawdowns": [
            {"depth": 0.125, "peak": None, "trough": "2012-02-01", "recovery": None, "sessions": 7,
             "sessions_to_trough": 3},
        ],
        "standing": {
            "deflated_sharpe": 0.258, "passed": False, "benchmark": "buy and hold",
            "benchmark_returns": [[day, 0.1] for day in days],
            "criteria": [
                {"title": "Trades", "value": 3, "unit": "count", "decimals": 0, "comparison": ">=",
                 "threshold": 10, "met": False},
            ],
        },
    }  # fmt: skip
    sheet = tear_sheet(document)
    page = Page()
    page.feed(sheet)
    assert {"Criteria", "Against the benchmark", "Worst drawdowns"} <= set(page.headings)
    assert "Deflated Sharpe ratio 25.8%, rejected; benchmark: buy and hold." in sheet
    assert "<td>Trades</td><td>3</td><td>&gt;= 10</td><td>not met</td>" in sheet
    assert "<td>12.5%</td><td>the start</td><td>2012-02-01</td><td>not yet</td><td>7</td><td>3</td>" in sheet
    assert "--record" not in sheet


def test_names_are_text_on_the_page_and_nothing_else(settings: Settings) -> None:
    document = crossing(settings).document()
    hostile = "<img src=x>"
    document |= {"strategy": hostile, "symbols": ["</script><b>"]}
    document["trade_log"][0]["symbol"] = "</script><i>"
    sheet = tear_sheet(document)
    assert hostile not in sheet
    assert "</script><b>" not in sheet
    assert "</script><i>" not in sheet
    assert len(re.findall("</script>", sheet)) == 1


def test_a_file_of_ones_own_is_run_without_being_registered(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "held.py"
    path.write_text(OWN.format(act="self.buy(data, size=self.p.size)"))
    entry = strategy_named(str(path))
    request = BacktestRequest(entry, ("IBM",), parameters_from(entry, ["size=7"]))
    done = execute(request, "sample", settings)
    assert done.analyses["ib_performance"]["symbols"][0]["quantity"] == 7.0
    assert done.result.trades == []


def test_a_strategy_that_raises_is_told(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "held.py"
    path.write_text(OWN.format(act="raise ValueError('no')"))
    with pytest.raises(BacktestFailed, match="held failed") as caught:
        execute(BacktestRequest(strategy_named(str(path)), ("IBM",)), "sample", settings)
    assert "ValueError: no" in (caught.value.detail or "")


def test_prices_of_a_csv_file(settings: Settings, tmp_path: Path) -> None:
    lines = "\n".join(f"2020-01-{day:02},{10 + day % 3}" for day in range(1, 31))
    (tmp_path / "mine.csv").write_text(f"date,close\n{lines}\n")
    entry = strategy_named("sma_crossover")
    request = BacktestRequest(entry, ("MINE",), parameters_from(entry, ["fast=2", "slow=3"]))
    done = execute(request, str(tmp_path / "mine.csv"), settings)
    assert (len(done.result.sessions), done.prices.source) == (30, "csv")


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["fast"], "has no value"),
        (["quick=1"], "unknown parameter 'quick'"),
        (["fast=ten"], "expected integer, received 'ten'"),
        (["fast=0"], "below its minimum 1"),
    ],
)
def test_parameters_that_will_not_do_are_refused(pairs: list[str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        parameters_from(strategy_named("sma_crossover"), pairs)


def test_parameters_and_symbols_are_read_as_people_write_them() -> None:
    entry = strategy_named("sma_crossover")
    assert parameters_from(entry, ["fast=5,slow=20", "enable_risk_manager=True"]) == {
        "fast": 5, "slow": 20, "enable_risk_manager": True,
    }  # fmt: skip
    assert symbols_in("aapl, ibm  AAPL") == ("AAPL", "IBM")


def test_unknown_symbols_and_empty_windows_are_told(settings: Settings) -> None:
    with pytest.raises(RequestError, match="no prices of NOPE"):
        crossing(settings, symbols=("NOPE",))
    with pytest.raises(RequestError, match="no prices from 2030"):
        crossing(settings, start=dt.date(2030, 1, 1), end=dt.date(2030, 2, 1))


@pytest.mark.parametrize("text", ["not json", "{}", json.dumps({"format": 1, "id": "x"})])
def test_a_file_that_is_no_backtest_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UnreadableBacktest, match=r"x\.json"):
        parse(tmp_path / "x.json")


def test_the_module_runs_as_users_know_it(tmp_path: Path, project_root: Path) -> None:
    words = ["--strategy", "sma_crossover", "--symbols", "IBM", "--start", "2012-01-01", "--prices", "sample",
             "--export-csv", "--export-text", "--output", str(tmp_path)]  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-m", "runners.run_backtest", *words],
        cwd=project_root,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    (made,) = tmp_path.glob("*.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{made.stem}.json", f"{made.stem}_report.txt", f"{made.stem}_trades.csv",
    ]  # fmt: skip
    again = subprocess.run(
        [sys.executable, "-m", "runners.backtest_parser", str(made)],
        cwd=project_root,
        capture_output=True,
        text=True,
    )
    assert again.stdout.strip() in ran.stdout
