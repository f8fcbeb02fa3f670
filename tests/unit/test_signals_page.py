"""docs/signals.md tells the truth: its strategy runs as it stands, under Backtrader and in the kernel."""

from __future__ import annotations

import dataclasses
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import Point, PointResult
from strategies.signal_rules import Rules
from tests.unit.price_samples import real, settings_for

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "signals.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```python\n# signals: (\w+)\n(.*?)```", PAGE, re.DOTALL))


def test_the_strategy_of_the_page_trades(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(BLOCKS) == ["trend_with_stop"]
    for name, code in BLOCKS.items():
        (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.setenv("BACKDESK_STRATEGIES", str(tmp_path))
    series = [real("GOOG", 900), real("IBM", 900)]
    points = [Point(0, {}), Point(1, {"stop": 0.02, "period": 20})]
    stock = settings_for("trend_with_stop", series)
    wanted = list(BacktraderEngine().run(stock, series, points, lambda _: None))
    assert all(isinstance(one, PointResult) and len(one.trades) > 5 for one in wanted)
    if find_spec("numba") is None:
        pytest.skip("the kernel needs the extra `bulk`")
    from runners.engines.signals.engine import SignalsEngine

    settings = dataclasses.replace(stock, stock=False)
    for one, other in zip(wanted, SignalsEngine().run(settings, series, points, lambda _: None), strict=True):
        assert isinstance(one, PointResult)
        assert isinstance(other, PointResult)
        assert other.metrics["engine_metrics"] == {"loop": "kernel"}
        assert (one.equity, one.trades) == (other.equity, other.trades)


def test_every_rule_is_on_the_page() -> None:
    table = PAGE.partition("## Rules")[2].partition("## ")[0]
    assert {field.name for field in dataclasses.fields(Rules)} <= set(re.findall(r"`(\w+)`", table))
