"""Whatever signals, rules, prices and costs, the kernel gives what stock Backtrader gives, to the bit."""

from __future__ import annotations

import datetime as dt
import math
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Point, PointResult
from tests.unit import scripted_signals
from tests.unit.price_samples import FIRST_DAY, series_of, settings_for

pytest.importorskip("numba", reason="the kernel needs the extra `bulk`")

from runners.engines.signals.block import Simulator
from runners.engines.signals.engine import SignalsEngine
from runners.engines.signals.market import Market
from runners.engines.signals.points import Grid
from runners.engines.signals.results import figures_of
from strategies.registry import resolve

pytestmark = pytest.mark.engine

FRACTION = st.sampled_from([0.0, 0.0, 0.02, 0.07])
CASES = st.fixed_dictionaries({
    "seed": st.integers(0, 1_000_000),
    "symbols": st.integers(1, 5),
    "bars": st.integers(12, 60),
    "missing": st.sampled_from([0.0, 0.0, 0.1, 0.3]),
    "late": st.sampled_from([0, 0, 6]),
    "cents": st.booleans(),
    "density": st.sampled_from([0.05, 0.2, 0.5]),
    "sides": st.sampled_from([3, 3, 12, 15, 15]),
    "cash": st.sampled_from([100_000, 100_000, 10_000, 1_500, 300]),
    "percent": st.sampled_from([0.0, 0.001, 0.0007]),
    "per_share": st.sampled_from([0.0, 0.0, 0.005]),
    "minimum": st.sampled_from([0.0, 0.0, 1.0, 35.0]),
    "slippage": st.sampled_from([0.0, 0.0005, 0.01]),
    "warm_up": st.sampled_from([0, 0, 5]),
    "splits": st.booleans(),
    "rules": st.fixed_dictionaries({
        "sizing": st.sampled_from(["share", "share", "fixed", "risk", "volatility"]),
        "fixed_size": st.sampled_from([1.0, 10.0, 137.0]),
        "risk_per_trade": st.sampled_from([0.01, 0.1]),
        "position_share": st.sampled_from([0.95, 1.0, 0.5]),
        "take_profit": st.sampled_from([0.0, 0.0, 0.015, 0.1, 1.0]),
        "on_close": st.sampled_from([False, False, True]),
        "longest": st.sampled_from([0, 0, 3]),
        "cool_down": st.sampled_from([0, 0, 2]),
        "reverse": st.booleans(),
    }),
    "stop": st.tuples(st.sampled_from(["stop_loss", "trailing_stop"]), FRACTION),
    "weights": st.sampled_from([False, False, False, True]),
    "tolerance": st.sampled_from([0.0, 0.05]),
})  # fmt: skip


def prices(case: dict[str, Any]) -> list[AdjustedPrices]:
    """Walks with gaps at the open; the volume of a bar says what the strategy does there."""
    rng = random.Random(case["seed"])
    found = []
    for number in range(case["symbols"]):
        price, rows = rng.uniform(5, 100), []
        begin = case["late"] if number == 1 else 0
        for day in range(begin, case["bars"]):
            opened = price * math.exp(rng.gauss(0, 0.012))
            price = opened * math.exp(rng.gauss(0, 0.02))
            high = max(opened, price) * math.exp(abs(rng.gauss(0, 0.01)))
            low = min(opened, price) * math.exp(-abs(rng.gauss(0, 0.01)))
            bar = (opened, high, low, price)
            if case["cents"]:
                bar = tuple(max(0.01, round(value, 2)) for value in bar)  # type: ignore[assignment]
            said = 0
            if case["weights"]:
                said = rng.choice([0, 10, 15, 21, 30, 40]) if rng.random() < 0.6 else 20
            else:
                said = sum(
                    bit for bit in (1, 2, 4, 8) if bit & case["sides"] and rng.random() < case["density"]
                )
            if day > begin and rng.random() < case["missing"]:
                continue
            rows.append((FIRST_DAY + dt.timedelta(days=day), *bar, float(said)))
        found.append(series_of(f"S{number}", rows))
    return found


def alike(case: dict[str, Any]) -> int:
    """Compare the two; how many trades there were."""
    series = prices(case)
    days = [dt.datetime.fromtimestamp(one, dt.UTC).date() for one in series[0].epochs]
    options: dict[str, Any] = {
        "cash": case["cash"], "slippage": case["slippage"],
        "commission": {name: case[name] for name in ("percent", "per_share", "minimum")},
    }  # fmt: skip
    if case["warm_up"] and len(days) > case["warm_up"] + 3:
        options |= {"warm_up_bars": case["warm_up"], "start_date": days[case["warm_up"]].isoformat()}
    if case["splits"]:
        options["splits"] = {"S0": [[days[len(days) // 2].isoformat(), 1 / 7]]}
    given_: dict[str, object] = case["rules"] | {case["stop"][0]: case["stop"][1]}
    if case["weights"]:
        given_ = {"tolerance": case["tolerance"], "position_share": case["rules"]["position_share"]}
    point = Point(0, given_)
    with scripted_signals.admitted("scripted_weights" if case["weights"] else "scripted_signals") as name:
        stock, ours = (settings_for(name, series, stock=stock, **options) for stock in (True, False))
        (wanted,) = BacktraderEngine().run(stock, series, [point], lambda _: None)
        (found,) = SignalsEngine().run(ours, series, [point], lambda _: None)
        assert isinstance(wanted, PointResult), wanted
        assert isinstance(found, PointResult), found
        assert found.metrics["engine_metrics"]["loop"] == "kernel"  # type: ignore[index, call-overload]
        for name_ in ("equity", "sessions", "trades"):
            assert getattr(found, name_) == getattr(wanted, name_), name_
        passing = ("duration", "engine_metrics")
        assert {k: v for k, v in found.metrics.items() if k not in passing} == {
            k: v for k, v in wanted.metrics.items() if k not in passing
        }
        # The compiled figures, which blocks are made of.
        simulator = Simulator(ours, Market(ours, series), resolve(name))
        block = simulator.run(Grid.of(resolve(name).parameters, [given_]))
    compiled = figures_of(block, 0)
    positions = wanted.metrics["open_positions"]
    assert compiled.pop("open_feeds") == len(positions)  # type: ignore[arg-type]
    lost = compiled.pop("lost_at")
    assert (wanted.sessions[int(lost)].isoformat() if lost >= 0 else None) == wanted.metrics.get("lost_on")
    assert compiled == {name: wanted.metrics[name] for name in compiled}
    for kind, ours_ in (
        ("block_counts", block.block_counts), ("block_sums", block.block_sums),
        ("block_squares", block.block_squares),
    ):  # fmt: skip
        assert ours_[0].tolist() == wanted.metrics[kind]
    return len(wanted.trades)


QUICK: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


@given(CASES)
@settings(max_examples=150, **QUICK)
def test_random_cases(case: dict[str, Any]) -> None:
    alike(case)


@pytest.mark.long
@given(CASES)
@settings(max_examples=10_000, **QUICK)
def test_random_cases_at_length(case: dict[str, Any]) -> None:
    alike(case)
