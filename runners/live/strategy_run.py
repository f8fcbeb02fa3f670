"""A strategy on its session's stream: the part of a session that runs the strategy's code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runners.engines.backtrader.engine import seed_generators
from runners.engines.backtrader.feed import bar_length
from runners.engines.backtrader.warm_up import WarmUp
from runners.live.paper_broker import Account
from runners.live.session_broker import Gate, SessionBroker
from runners.live.stepping import StepCerebro, Steps
from runners.live.steps import Step
from strategies.parameters import convert_all
from strategies.registry import resolve


@dataclass(frozen=True)
class Trading:
    """What a session's strategy runs with. `history` counts bars of the first symbol that only warm up."""

    entry_point: str
    parameters: Mapping[str, Any]
    symbols: tuple[str, ...]
    timeframe: str
    account: Account
    seed: int
    history: int = 0
    analyzers: Mapping[str, Any] = field(default_factory=dict)
    held: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Size and average price of what the session took over, by symbol."""


def run_strategy(
    trading: Trading,
    gate: Gate,
    fetch: Callable[[], Step | None],
    broker: SessionBroker | None = None,
) -> Any:
    """Runs to the stream's end, and answers the strategy.

    `fetch` is called whenever the step before has been decided on; it may wait, and answers None at the end.
    Stopped at any place and called again with the same steps, the strategy asks the gate for the same orders.
    """
    entry = resolve(trading.entry_point)
    parameters = convert_all(entry.parameters, trading.parameters)
    seed_generators(trading.seed, parameters)
    broker = (broker or SessionBroker()).trade_through(gate)
    cerebro = StepCerebro(stdstats=False)
    held = dict(trading.held)

    def begin() -> Step | None:
        # Backtrader empties its broker when it starts, which is before this is first called.
        broker.take_over(cerebro.datasbyname, held)
        held.clear()
        step = fetch()
        if step is not None:
            broker.begin_step(step)
        return step

    cerebro.setbroker(broker)
    trading.account.open(broker)
    cerebro.over(Steps(begin), trading.symbols, *bar_length(trading.timeframe))
    if trading.history:
        cerebro.addindicator(WarmUp, bars=trading.history)
    cerebro.addstrategy(entry.strategy, **parameters)
    for name, analyzer in trading.analyzers.items():
        cerebro.addanalyzer(analyzer, _name=name)
    (strategy,) = cerebro.run()
    return strategy
