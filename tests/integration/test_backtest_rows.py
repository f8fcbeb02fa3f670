"""A backtest from the command line beside a desk: its prices, its figures, its row; and the backlog."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from runners.backtests.execution import execute
from runners.backtests.recording import record
from runners.backtests.request import BacktestRequest, RequestError, parameters_from, strategy_named
from runners.configs.backlog import read_backlog, sync
from runners.configs.errors import ConfigError
from runners.prices.load import load
from runners.prices.sample import read_sample
from strategies import registry
from testing.desks import Desk


@pytest.fixture(scope="module", autouse=True)
def prices(desk: Desk) -> None:
    desk.publish_strategies()
    with desk.connect("director") as director:
        for series in read_sample().series:
            if series.symbol in ("AAPL", "IBM"):
                load(director, series)


def request() -> BacktestRequest:
    entry = strategy_named("sma_crossover")
    return BacktestRequest(entry, ("AAPL", "IBM"), parameters_from(entry, ["fast=10", "slow=50"]))


def test_the_desks_prices_and_the_samples_give_the_same_bits(desk: Desk) -> None:
    ours, theirs = (execute(request(), source, desk.settings) for source in ("auto", "sample"))
    assert (ours.prices.source, theirs.prices.source) == ("desk", "sample")
    assert ours.prices.series == theirs.prices.series
    assert ours.result.equity == theirs.result.equity


def test_a_recorded_backtest_is_a_row_with_the_same_figures(desk: Desk) -> None:
    done = execute(request(), "desk", desk.settings)
    recorded = record(done, desk.settings)
    assert recorded.same
    assert recorded.summary.startswith("1 runs complete")
    assert done.figures is not None
    with desk.connect("viewer") as viewer:
        row = viewer.execute(
            "select to_jsonb(r) from desk.backtest_results as r where r.id = %s", [recorded.result_id]
        ).fetchone()
        curve = viewer.execute(
            "select count(*) from desk.equity_curves where backtest_result_id = %s", [recorded.result_id]
        ).fetchone()
    assert row is not None
    assert curve == (1,)
    shown = {figure.metric: figure.value for figure in done.figures.metrics}
    assert set(shown) >= {"sharpe_ratio", "calmar_ratio", "win_rate", "probabilistic_sharpe"}
    assert shown == {metric: row[0][metric] for metric in shown}
    # The rolling ratio of the last half year, worked from its returns.
    values = [done.settings.cash, *done.result.equity]
    returns = [after / before - 1 for before, after in pairwise(values)][-126:]
    mean = math.fsum(returns) / 126
    deviation = math.sqrt(math.fsum((one - mean) ** 2 for one in returns) / 125)
    assert done.figures.rolling_sharpe[-1][1] == pytest.approx(mean / deviation * math.sqrt(252))


def test_what_the_desk_could_not_run_is_not_recorded(desk: Desk, tmp_path: Path) -> None:
    done = execute(request(), "sample", desk.settings)
    with pytest.raises(RequestError, match="only a backtest on the desk's own prices"):
        record(done, desk.settings)
    own = tmp_path / "mine.py"
    own.write_text("import backtrader as bt\nclass Mine(bt.Strategy):\n    pass\n")
    try:
        mine = execute(BacktestRequest(strategy_named(str(own)), ("IBM",)), "desk", desk.settings)
        with pytest.raises(RequestError, match="mine is on nobody's list"):
            record(mine, desk.settings)
    finally:
        registry._admitted.clear()


def test_the_backlog_is_synchronised_and_listed(desk: Desk, project_root: Path) -> None:
    def backdesk(*words: str) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "runners.cli", *words], cwd=project_root, capture_output=True, text=True,
            env=os.environ | desk.environment,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    assert (
        backdesk("strategies", "sync").splitlines()[-1].endswith("backlog: 2 made, 15 changed, 0 unchanged")
    )
    listed = backdesk("strategies", "list").splitlines()
    assert len([line for line in listed if line.startswith("STR-0")]) == 17
    (rejected,) = [line for line in listed if " rsi_equities " in line]
    assert "rejected" in rejected
    assert "Insufficient trades: 8 < 100" in rejected
    with desk.connect("director") as director:
        assert {action for _, action in sync(director, read_backlog())} == {"unchanged"}


def test_a_mistake_in_the_backlog_is_told_with_its_line(desk: Desk, tmp_path: Path) -> None:
    text = read_backlog_text().replace("rsi_period: {start: 8,", "rsi_perid: {start: 8,")
    (tmp_path / "backlog.yaml").write_text(text)
    line = next(place for place, one in enumerate(text.splitlines(), 1) if "rsi_perid" in one)
    with desk.connect("director") as director, pytest.raises(ConfigError) as caught:
        sync(director, read_backlog(tmp_path / "backlog.yaml"))
    assert f"backlog.yaml:{line}:" in caught.value.message
    assert 'has no parameter "rsi_perid"' in caught.value.message
    assert caught.value.hint == "Did you mean rsi_period?"


def read_backlog_text() -> str:
    from runners.configs.backlog import BACKLOG

    return BACKLOG.read_text(encoding="utf-8")
