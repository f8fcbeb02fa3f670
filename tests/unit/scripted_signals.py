"""A `SignalStrategy` whose signals are written in its bars' volume, so that a test says what happens when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from strategies import registry
from strategies.parameters import Parameter
from strategies.signal_rules import Rules
from strategies.signal_strategy import SignalStrategy
from strategies.signals import Bars, Signals, Weights


class ScriptedWeights(SignalStrategy):
    """The volume of a bar is its feed's weight in percent; trades where the first feed's is odd."""

    name = "scripted_weights"
    parameters = (Parameter("tolerance", float, 0.0),)

    def weights(self, bars: Sequence[Bars]) -> Weights:
        when = bars[0].volume.astype(int) % 2 > 0
        return Weights(when, [bar.volume / 100.0 for bar in bars], self.p.tolerance)


class ScriptedSignals(SignalStrategy):
    """The volume of a bar is 1 enter long, 2 exit long, 4 enter short, 8 exit short, added up."""

    name = "scripted_signals"
    parameters = (
        Parameter("sizing", str, "share"),
        Parameter("fixed_size", float, 10.0),
        Parameter("risk_per_trade", float, 0.01),
        Parameter("stop_loss", float, 0.0),
        Parameter("take_profit", float, 0.0),
        Parameter("trailing_stop", float, 0.0),
        Parameter("on_close", bool, False),
        Parameter("longest", int, 0),
        Parameter("cool_down", int, 0),
        Parameter("reverse", bool, False),
    )

    def signals(self, bars: Bars) -> Signals:
        bits = bars.volume.astype(int)
        return Signals(*((bits & bit) > 0 for bit in (1, 2, 4, 8)))

    def rules(self) -> Rules:
        names = ("stop_loss", "take_profit", "trailing_stop", "on_close", "longest", "cool_down", "reverse")
        return Rules(**{name: getattr(self.p, name) for name in names})


@contextmanager
def admitted(name: str = "scripted_signals") -> Iterator[str]:
    """The name of one of them, as long as it is on this process's list of strategies."""
    registry.admit_file(Path(__file__), name)
    try:
        yield name
    finally:
        del registry._admitted[name]
