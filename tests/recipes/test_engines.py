"""An engine is added as docs/adding.md says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from runners import engines
from runners.backtests.request import RequestError, strategy_named
from runners.engines.base import Point, PointResult, RunSettings
from runners.engines.registry import load_engines
from strategies import registry
from strategies.registry import published_strategies
from testing.desks import Desk

OFFER = """
from runners.engines.base import PointResult

class Coin:
    key = "coin"

    def run(self, settings, prices, points, on_start):
        for point in points:
            on_start(point.ordinal)
            won = settings.cash * (1 + point.parameters["stake"])
            counted = {"starting_cash": settings.cash, "ending_value": won, "total_orders": 1}
            yield PointResult(point.ordinal, counted, [], [], [])

def offer():
    return Coin()
"""
STRATEGY = """
from strategies.base_strategy import BaseStrategy, Parameter

class Heads(BaseStrategy):
    engine = "coin"
    title = "Heads"
    parameters = (Parameter("stake", float, 0.1, 0.0, 1.0, "Share that is won."),)
"""


@pytest.fixture
def coin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A folder beside those of the engines that are there, and what a strategy of it is published as."""
    folder = tmp_path / "engines" / "coin"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "offer.py").write_text(OFFER)
    monkeypatch.setattr(engines, "__path__", [*engines.__path__, str(folder.parent)])
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "heads.py").write_text(STRATEGY)
    return next(one for one in published_strategies(tmp_path / "own") if one["name"] == "heads")


def test_an_engine_is_a_folder(
    desk_with: Callable[..., Desk],
    story: Callable[[psycopg.Connection[Any]], None],
    coin: dict[str, Any],
) -> None:
    here = load_engines()
    assert {"backtrader", "coin"} <= set(here)
    with desk_with().connect("admin") as session:
        story(session)
        register = "select register_runner('host', 1, '0', %s, 1, 'linux', false, %s)"
        session.execute(register, [["backtrader"], Jsonb([coin])])
        session.execute(register, [list(here), Jsonb([coin])])
        session.execute(
            "insert into jobs (strategy, config) values ('heads', %s)",
            [Jsonb({"symbols": "AAPL", "optimization": {"parameters": {"stake": 0.5}}})],
        )
        session.execute("select tap.advance(2)")
        claim = "select work_item_id, token, optimization_run_id, ordinals, parameters from claim_work(%s, 1)"
        assert session.execute(claim, [1]).fetchone() is None
        item = session.execute(claim, [2]).fetchone()
        assert item is not None
        told = session.execute("select run_settings(%s)", [item[2]]).fetchone()
        assert told is not None
        settings = RunSettings.from_json(told[0])
        points = [Point(ordinal, values) for ordinal, values in zip(item[3], item[4], strict=True)]
        (outcome,) = here[settings.engine].run(settings, [], points, lambda _: None)
        assert isinstance(outcome, PointResult)
        done = "select tap.complete(%s, %s, 1, %s)"
        assert session.execute(done, [*item[:2], Jsonb(outcome.metrics)]).fetchone() == ("recorded",)
        found = session.execute("select engine, total_return from backtest_results").fetchall()
    assert found == [("coin", 0.5)]


def test_its_strategies_are_not_run_by_another_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_admitted", {})
    file = tmp_path / "tails.py"
    file.write_text(STRATEGY.replace("Heads", "Tails"))
    with pytest.raises(RequestError, match="tails is a strategy of the engine coin"):
        strategy_named(str(file))
