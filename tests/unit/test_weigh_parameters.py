"""Shares of parameters in what a target depends on, against targets of which the answer is known."""

from __future__ import annotations

import random
from importlib.util import find_spec
from typing import Any

import pytest

from runners.tasks.suggest import Axis
from runners.tasks.weigh_parameters import run, weighed

pytestmark = pytest.mark.skipif(find_spec("optuna") is None, reason="the extra bayes is not installed")

SPACE: list[dict[str, Any]] = [
    {"name": "period", "values": [5, 10, 15, 20, 25, 30]},
    {"name": "side", "values": ["long", "short", "both"]},
    {"name": "limit", "values": [0.1, 0.2, 0.3, 0.4]},
]


def points(count: int, noise: float = 0.5) -> list[list[Any]]:
    """The target falls with the distance of the period from 15; side and limit are without effect."""
    draw = random.Random(7)
    found = []
    for _ in range(count):
        parameters = {axis["name"]: draw.choice(axis["values"]) for axis in SPACE}
        found.append([parameters, -((parameters["period"] - 15) ** 2) / 50 + draw.gauss(0, noise)])
    return found


def asked(given: list[list[Any]], direction: str = "max") -> dict[str, Any]:
    return run(
        {
            "kind": "weigh_parameters",
            "payload": {"space": SPACE, "direction": direction, "seed": 3},
            "points": given,
        }
    )


def test_what_the_target_depends_on_has_the_largest_share_and_shares_add_up() -> None:
    found = asked(points(300))
    shares = {one["parameter"]: one["importance"] for one in found["importance"]}
    assert shares["period"] > 0.8
    assert sum(shares.values()) == pytest.approx(1)
    assert found["points"] == 300
    assert found["method"].startswith("PED-ANOVA, optuna ")


def test_where_less_is_better_the_same_matters() -> None:
    turned = [[parameters, -value] for parameters, value in points(300)]
    assert asked(turned, "min")["importance"] == asked(points(300))["importance"]


def test_more_points_make_it_surer_and_the_same_points_give_the_same() -> None:
    axes = [Axis.read(one) for one in SPACE]
    few, many = (weighed(axes, [(p, v) for p, v in points(n)], "max", 3) for n in (40, 600))
    assert many == weighed(axes, [(p, v) for p, v in points(600)], "max", 3)
    assert 0 < many["period"][1] < few["period"][1]


def test_where_all_values_are_equal_none_matters_more() -> None:
    found = asked([[parameters, 1.0] for parameters, _ in points(60)])
    assert all(0 <= one["importance"] <= 1 for one in found["importance"])
