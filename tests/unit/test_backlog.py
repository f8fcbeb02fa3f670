"""The backlog file, its configs and the library say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runners.configs.backlog import read_backlog
from runners.configs.reader import read_config
from strategies.registry import LIBRARY, resolve

ITEMS: list[dict[str, Any]] = read_backlog().data["strategies"]
TESTED = [item for item in ITEMS if "rejected" not in item]


def test_fifteen_strategies_and_the_two_that_were_rejected() -> None:
    assert sorted(item["name"] for item in TESTED) == sorted(LIBRARY)
    assert len(TESTED) == 15
    assert [item["code"] for item in TESTED] == [f"STR-{number:03}" for number in range(1, 16)]
    rejected = {item["name"]: item for item in ITEMS if "rejected" in item}
    assert "8 trades, Sharpe -1.042" in rejected["rsi_equities"]["history"]
    assert "822 trades lost $142 and paid $674 of fees" in rejected["bollinger_etf_frequent"]["history"]
    assert {item["follows"] for item in ITEMS if "follows" in item} == set(rejected)


@pytest.mark.parametrize("item", TESTED, ids=[item["name"] for item in TESTED])
def test_an_item_says_what_its_config_and_its_class_say(item: dict[str, Any], project_root: Path) -> None:
    config = read_config(project_root / "configs" / "optimizations" / item["config"]).data
    assert config["strategy"] == item["name"]
    assert config["symbols"] == item["symbols"]
    assert config.get("timeframe", "1d") == item["timeframe"]
    assert config["optimization"]["parameters"] == item["parameters"]
    assert config["success_criteria"] == item["criteria"]
    strategy = resolve(item["name"]).strategy
    assert (strategy.code, strategy.title, strategy.hypothesis) == (
        item["code"],
        item["title"],
        item["hypothesis"],
    )
    # Where an idea comes from stands in the module, with a year.
    source = resolve(item["name"]).path.read_text(encoding="utf-8").split('"""')[1]
    assert any(year in source for year in map(str, range(1950, 2025)))
