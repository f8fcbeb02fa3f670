"""A notebook's way in: the example notebook runs as it stands, and its frames are what SQL says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import backdesk
from runners.prices.load import load
from runners.prices.sample import read_sample
from testing.desks import Desk

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "notebook.ipynb"


@pytest.fixture
def desk_at_work(built_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk with prices, views and one runner, which is the one of this process's environment."""
    for name, value in built_desk.environment.items():
        monkeypatch.setenv(name, value)
    built_desk.publish_strategies()
    with built_desk.connect("director") as director:
        for series in read_sample().series:
            if series.symbol == "AAPL":
                load(director, series)
    runner = subprocess.Popen(
        [sys.executable, "-m", "runners.cli", "work", "--processes", "1"],
        env={**os.environ, **built_desk.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield built_desk
    runner.terminate()
    runner.wait(timeout=30)


def test_the_example_runs_as_it_stands(desk_at_work: Desk) -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert names["done"]["state"] == "done"
    results, curve, trades, board = (names[name] for name in ("results", "curve", "trades", "board"))
    assert len(results) == 4
    assert results.attrs["units"]["max_drawdown"] == "fraction"
    assert results.attrs["descriptions"]["total_trades"] != ""
    with desk_at_work.connect("viewer") as viewer:
        best, total, ending, count = (
            viewer.execute(
                "select id, total_return, ending_value, total_trades from desk.backtest_results"
                " where id = any (%s) order by sharpe_ratio desc limit 1",
                [list(map(int, results.index))],
            ).fetchone()
            or (None,) * 4
        )
    assert names["best"] == best
    assert curve["equity"].iloc[-1] == pytest.approx(ending)
    assert curve["total_return"].iloc[-1] == pytest.approx(total)
    assert str(curve.index.dtype).startswith("datetime64")
    assert len(trades) == count
    assert list(board["strategy"]) == ["sma_crossover"]


def test_it_is_a_connection_too_and_says_what_is_wrong(built_desk: Desk, monkeypatch: Any) -> None:
    for name, value in built_desk.environment.items():
        monkeypatch.setenv(name, value)
    built_desk.publish_strategies()
    with backdesk.connect() as desk:
        assert desk.execute("select current_user").fetchone() == ("desk_viewer",)
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="Unknown strategy"):
            desk.queue({"strategy": "sma_crosover", "symbols": ["AAPL"]})
        with pytest.raises(Exception, match="there is no job 999"):
            desk.wait(999)
        with pytest.warns(UserWarning, match="no runner is alive"):
            job = _waiting(desk, built_desk)
        with pytest.raises(TimeoutError, match="backdesk work"):
            desk.wait(job, seconds=0.1, every=0.05)
    assert desk.connection.closed


def _waiting(desk: Any, built_desk: Desk) -> int:
    with built_desk.connect("director") as director:
        for series in read_sample().series:
            if series.symbol == "IBM":
                load(director, series)
    return int(desk.queue({"strategy": "sma_crossover", "symbols": ["IBM"]}, force=True))
