"""On paper a strategy trades as in its backtest, to the bit; begun anew, it asks for nothing twice."""

from __future__ import annotations

import calendar
import datetime as dt
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from runners.engines.backtrader.data_set import DataSet
from runners.engines.backtrader.engine import BacktraderEngine
from runners.engines.base import AdjustedPrices, Commission, Point, PointResult
from runners.live.paper_broker import Account
from runners.live.session_broker import Divergence
from runners.live.steps import OrderTerms
from runners.live.strategy_run import Trading
from strategies.registry import entries
from tests.unit.live_pair import ObligingGate, Tape, gone_through, steps_of, traded
from tests.unit.price_samples import real, settings_for, wandering

WARM_UP = 30
COMMISSION = {"percent": 0.001, "per_share": 0.002, "minimum": 1.0}
SLIPPAGE = 0.0005
PRICES = {
    "one calendar": [real("GOOG", 400), real("AAPL", 400), real("IBM", 400)],
    "gaps": [wandering("A", 1, 420), wandering("B", 2, 420, 40), wandering("C", 3, 400)],
}


def backtest(strategy: str, prices: Sequence[AdjustedPrices], timeframe: str = "1d") -> Any:
    start = dt.datetime.fromtimestamp(prices[0].epochs[WARM_UP], dt.UTC).date()
    settings = settings_for(
        strategy, prices, commission=COMMISSION, slippage=SLIPPAGE, warm_up_bars=WARM_UP,
        start_date=start.isoformat(), timeframe=timeframe,
    )  # fmt: skip
    engine = BacktraderEngine({"tape": Tape})
    (outcome,) = engine.run(settings, prices, [Point(1, {})], lambda _: None)
    assert isinstance(outcome, PointResult), outcome
    trading = Trading(
        strategy, {}, settings.symbols, timeframe,
        Account(settings.cash, Commission(**COMMISSION), SLIPPAGE), settings.seed,
        DataSet(settings, prices).bars_before(start), {"tape": Tape},
    )  # fmt: skip
    return engine.analyses["tape"], trading, calendar.timegm(start.timetuple())


@pytest.mark.parametrize("strategy", sorted(entries()))
@pytest.mark.parametrize("prices", PRICES)
def test_a_strategy_of_the_library_trades_as_in_its_backtest(strategy: str, prices: str) -> None:
    series = PRICES[prices][: 2 if strategy == "pairs_reversion" else 3]
    wanted, trading, begins = backtest(strategy, series)
    gate = ObligingGate()
    found, executions, _ = traded(trading, steps_of(series), begins, gate)
    assert found["orders"] == wanted["orders"]
    assert found["fills"] == wanted["fills"]
    assert found["values"] == wanted["values"]
    assert [one.quantity for one in executions] == [fill[2] for fill in wanted["fills"]]


def test_what_a_session_took_over_is_its_own_on_both_sides() -> None:
    series = PRICES["one calendar"]
    _, trading, begins = backtest("sma_crossover", series)
    held = replace(trading, held={"AAPL": (300.0, 400.0)})
    tape, executions, stream = traded(held, steps_of(series), begins, ObligingGate())
    first = next(number for number, step in enumerate(stream) if step["cash"] is not None)
    assert tape["values"][first][2][0] == ("AAPL", 300.0, 400.0)
    assert stream[first]["positions"] == {"AAPL": 300.0}
    first_fill = next(fill for fill in tape["fills"] if fill[1] == "AAPL")
    assert first_fill[2] == -300.0, "it closes what it holds before it buys anew"
    assert executions
    assert gone_through(held, stream, ObligingGate()) == tape


def one_in_twenty(seed: int) -> Any:
    chance = random.Random(seed)
    return lambda terms: "too many orders" if chance.random() < 0.05 else None


@pytest.mark.parametrize(
    "strategy", ["sma_crossover_risk_managed", "bollinger_reversion", "uncorrelated_portfolio"]
)
def test_begun_anew_at_any_place_it_goes_on_as_if_nothing_had_happened(strategy: str) -> None:
    _, trading, begins = backtest(strategy, PRICES["gaps"])
    whole = ObligingGate(one_in_twenty(1))
    tape, _, stream = traded(trading, steps_of(PRICES["gaps"]), begins, whole)
    assert len(whole.sent) > 10
    assert len(whole.sent) < len(whole.answers)
    stream = json.loads(json.dumps(stream))
    killed = ObligingGate(one_in_twenty(1))
    for stop in (35, 36, 120, 250, 251, len(stream)):
        found = gone_through(trading, stream[:stop], killed)
    assert found == tape
    assert killed.sent == whole.sent
    assert killed.answers == whole.answers


def test_a_refusal_is_a_rejected_order_with_its_reason() -> None:
    _, trading, begins = backtest("sma_crossover", PRICES["one calendar"])
    gate = ObligingGate(lambda terms: "halted" if terms.symbol == "AAPL" else None)
    tape, executions, _ = traded(trading, steps_of(PRICES["one calendar"]), begins, gate)
    states = {(name, state) for _, state, name, *_ in tape["orders"]}
    assert ("AAPL", "Rejected") in states
    assert ("AAPL", "Completed") not in states
    assert ("IBM", "Completed") in states
    assert executions


def changed(stream: list[Any], what: str) -> list[Any]:
    place = next(number for number, step in enumerate(stream) if step["fills"])
    other: list[Any] = json.loads(json.dumps(stream))
    if what == "cash":
        other[place]["cash"] += 0.01
    elif what == "price":
        other[place]["fills"][0][1] *= 1.01
    elif what == "unknown order":
        other[place]["fills"][0][0] = "1:1"
    else:
        other[place]["fills"] = []
    return other


@pytest.mark.parametrize("what", ["cash", "price", "unknown order", "a fill left out"])
def test_an_account_that_is_not_the_brokers_stops_the_session(what: str) -> None:
    _, trading, begins = backtest("sma_crossover", PRICES["one calendar"])
    _, _, stream = traded(trading, steps_of(PRICES["one calendar"]), begins, ObligingGate())
    with pytest.raises(Divergence):
        gone_through(trading, changed(stream, what), ObligingGate())


def test_other_terms_under_a_known_key_are_noticed() -> None:
    _, trading, begins = backtest("sma_crossover", PRICES["one calendar"])
    gate = ObligingGate()
    _, _, stream = traded(trading, steps_of(PRICES["one calendar"]), begins, gate)
    key = gate.sent[0]
    terms, answer = gate.answers[key]
    gate.answers[key] = OrderTerms(**(vars(terms) | {"quantity": terms.quantity + 1})), answer
    with pytest.raises(AssertionError, match="one order for ever"):
        gone_through(trading, stream, gate)
