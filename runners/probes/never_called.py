"""Methods that Backtrader calls in cheat-on-open runs only: elsewhere they wait for ever, without a word."""

from __future__ import annotations

import backtrader as bt

from runners.probes.findings import ProbeFinding
from runners.probes.signals import Trace
from strategies.registry import RegisteredStrategy

AT_THE_OPEN = ("prenext_open", "nextstart_open", "next_open")
ABOUT = "never called"


def never_called(entry: RegisteredStrategy, whole: Trace) -> list[ProbeFinding]:
    """A finding where the strategy has such a method of its own and cheat-on-open is not on; else nothing."""
    own = [name for name in AT_THE_OPEN if getattr(entry.strategy, name) is not getattr(bt.Strategy, name)]
    if not own or whole.cheats_on_open:
        return []
    return [
        ProbeFinding(
            "fault",
            ABOUT,
            f"{', '.join(own)}: Backtrader calls it with cheat-on-open, which is off",
            "decide in next(): what it orders is filled at the next bar's open",
        )
    ]
