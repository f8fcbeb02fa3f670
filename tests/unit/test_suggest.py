"""Suggested points lie on the axes that SQL laid out, are new, and depend on nothing but history and seed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from runners.tasks import registry, suggest
from runners.tasks.suggest import Axis

needs_optuna = pytest.mark.skipif(find_spec("optuna") is None, reason="the extra bayes is not installed")

SPACE: list[dict[str, Any]] = [
    {"name": "period", "type": "integer", "start": 10, "step": 2, "count": 6},
    {"name": "limit", "type": "number", "start": 0.1, "step": 0.1, "count": 4},
    {"name": "share", "type": "number", "start": 0.25, "end": 0.75},
    {"name": "side", "type": "text", "values": ["long", "short"]},
    {"name": "cash", "type": "number", "values": [5]},
]
VALUES: dict[str, set[Any]] = {
    "period": {10, 12, 14, 16, 18, 20},
    "limit": {0.1, 0.2, 0.3, 0.4},
    "side": {"long", "short"},
    "cash": {5},
}


def target(point: dict[str, Any]) -> float | None:
    return (
        None if point["period"] == 10 else point["limit"] - abs(point["share"] - 0.5) - point["period"] / 100
    )


def search(seed: int, direction: str = "max") -> list[list[Any]]:
    axes = [Axis.read(one) for one in SPACE]
    history: list[Any] = []
    while len(history) < 40:
        points = suggest.suggested(axes, history, direction, seed, 10)[:10]
        assert len(points) == 10
        history += [[point, target(point)] for point in points]
    return history


@needs_optuna
def test_points_lie_in_the_space_and_come_once() -> None:
    points = [point for point, _ in search(1)]
    for name, values in VALUES.items():
        assert {point[name] for point in points} <= values
    assert all(0.25 <= point["share"] <= 0.75 for point in points)
    assert len({json.dumps(point) for point in points}) == 40


@needs_optuna
def test_equal_history_and_seed_give_equal_points() -> None:
    assert search(1) == search(1)
    assert search(1) != search(2)


@needs_optuna
@pytest.mark.parametrize(("direction", "better"), [("max", max), ("min", min)])
def test_it_learns(direction: str, better: Any) -> None:
    values = [value for _, value in search(3, direction) if value is not None]
    first, last = values[:10], values[-10:]
    assert better(sum(first) / len(first), sum(last) / len(last)) == sum(last) / len(last)


@needs_optuna
def test_a_logarithmic_scale_is_drawn_from_by_magnitude() -> None:
    share = {"name": "share", "type": "number", "start": 0.0001, "end": 1, "log": True}
    period = {"name": "period", "type": "integer", "start": 1, "end": 10_000, "log": True}
    points = suggest.suggested([Axis.read(share), Axis.read(period)], [], "max", 1, 40)
    assert 25 <= sum(point["share"] < 0.01 for point in points) <= 55, "half of 80, about"
    assert 25 <= sum(point["period"] < 100 for point in points) <= 55


@needs_optuna
def test_a_space_that_is_used_up_gives_fewer() -> None:
    axes = [Axis.read({"name": "period", "type": "integer", "values": [1, 2, 3]})]
    assert len(suggest.suggested(axes, [({"period": 2}, 1.0)], "max", 1, 8)) == 2


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggest, "find_spec", lambda _: None)
    with pytest.raises(registry.TaskFailed) as failed:
        suggest.run({"payload": {}})
    assert failed.value.hint == "pip install 'backdesk[bayes]'"


def test_dbt_only_where_it_is_wanted() -> None:
    offers = [
        ("tasks.dbt_refresh", "dbt", "dbt", True),
        ("tasks.load_prices", "prices", None, False),
        ("tasks.suggest", "optuna", "no_such_package", False),
        ("tasks.no_such_module", "nothing", None, False),
    ]
    assert registry.capabilities(offers) == ("prices",)
    wanted = registry.capabilities(offers, ("dbt",))
    assert wanted == (("dbt",) if find_spec("dbt") is not None else ()) + ("prices",)


def test_what_a_process_answers_is_json_whatever_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "runners.tasks"],
        input=json.dumps({"kind": "dance", "payload": {}}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == {
        "error": "this runner does not know tasks of kind dance",
        "again": False,
    }
