"""docs/LEAN_DEVELOPER_GUIDE.md tells the truth: its code runs as it stands, its signatures are LEAN's."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Point, PointResult
from strategies.base_strategy import BaseStrategy
from tests.unit.price_samples import settings_for, wandering
from tests.unit.strategy_bench import minute_bars, sessions

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "LEAN_DEVELOPER_GUIDE.md"
TEXT = GUIDE.read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```python\n# desk: (\w+)\n(.*?)```", TEXT, re.DOTALL))
SIGNATURES = re.findall(r"^\| `(\w+)\(([\w, ]+)\)` \|", TEXT, re.MULTILINE)
STUBS = "quantconnect-stubs"


@pytest.fixture
def pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, code in BLOCKS.items():
        (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.setenv("BACKDESK_STRATEGIES", str(tmp_path))
    return tmp_path


def result(strategy: str, series: AdjustedPrices, **changes: Any) -> PointResult:
    settings = settings_for(strategy, [series], **changes)
    (outcome,) = BacktraderEngine().run(settings, [series], [Point(1, {})], lambda _: None)
    assert isinstance(outcome, PointResult), outcome
    return outcome


def test_every_class_runs_as_it_stands(pasted: Path) -> None:
    assert sorted(BLOCKS) == [
        "flat_by_night", "logged_by_hand", "oversold_backtrader", "oversold_etf", "risk_managed",
    ]  # fmt: skip
    daily = replace(wandering("A", 1, 500), symbol="SPY")
    for name in BLOCKS:
        found = result(name, daily)
        assert found.metrics["total_orders"], f"{name} never traded"
        stock = result(name, daily, stock=False)
        assert (found.equity, found.trades) == (stock.equity, stock.trades), "the fast loop agrees"


def test_the_migrated_algorithm_trades_alike_both_ways(pasted: Path) -> None:
    daily = replace(wandering("A", 1, 500), symbol="SPY")
    by_lean, by_backtrader = result("oversold_etf", daily), result("oversold_backtrader", daily)
    assert len(by_lean.trades) >= 1
    assert by_lean.trades == by_backtrader.trades
    assert by_lean.equity == by_backtrader.equity


def test_the_end_of_day_class_is_flat_every_night(pasted: Path) -> None:
    bars = minute_bars(sessions("2024-11-25", 5), minutes=5, symbol="SPY")
    for stock in (True, False):
        found = result("flat_by_night", bars, timeframe="5m", stock=stock)
        assert found.trades
        assert found.metrics["exposed_sessions"] == 0


def test_signatures_of_the_desk_are_the_guides() -> None:
    own = {name for name, _ in SIGNATURES if hasattr(BaseStrategy, name)}
    assert len(own) >= 20
    for name, written in SIGNATURES:
        if name in own and name != "ema":
            method = getattr(BaseStrategy, name)
            assert list(inspect.signature(method).parameters)[1:] == written.split(", "), name


def stubs() -> Path:
    """LEAN's type stubs, in pytest's cache; without dependencies, since they are only read."""
    target = GUIDE.parents[1] / ".cache" / STUBS
    stub = target / "QuantConnect" / "Algorithm" / "__init__.pyi"
    if not stub.is_file():
        install = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            str(target),
            STUBS,
        ]
        try:
            done = subprocess.run(install, capture_output=True, text=True, timeout=90, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"{STUBS} could not be installed within 90 s")
        if done.returncode or not stub.is_file():
            why = done.stderr.strip().splitlines()
            pytest.skip(f"{STUBS} could not be installed: {why[-1] if why else 'no reason given'}")
    return stub


def overloads(stub: Path) -> Iterator[tuple[str, list[str]]]:
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    algorithm = next(
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "QCAlgorithm"
    )
    for node in algorithm.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, [argument.arg for argument in node.args.args[1:]]


def test_signatures_of_the_guide_are_leans() -> None:
    known: dict[str, list[list[str]]] = {}
    for name, arguments in overloads(stubs()):
        known.setdefault(name, []).append(arguments)
    assert len(SIGNATURES) >= 50
    wrong = [
        f"{name}({written})" for name, written in SIGNATURES if written.split(", ") not in known.get(name, [])
    ]
    assert wrong == []
