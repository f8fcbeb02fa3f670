"""Determinism: the same run twice, with another seed, and in Backtrader's own loop."""

from __future__ import annotations

from collections.abc import Callable

from runners.probes.findings import ProbeFinding
from runners.probes.signals import Trace

ABOUT = "determinism"


def repeatable(whole: Trace, run: Callable[[int, bool], Trace]) -> ProbeFinding:
    """`run(seed, stock)` over the whole data; `whole` was made with seed 0 in the fast loop."""
    again = run(0, False)
    if again != whole:
        return ProbeFinding(
            "fault", ABOUT, "a second run differs from the first",
            "keep no state on class or module, no clock, no order of sets; draw from `random`: it is seeded",
        )  # fmt: skip
    if run(0, True) != whole:
        return ProbeFinding(
            "fault",
            ABOUT,
            "unaccelerated Backtrader gives another result",
            "this is the desk's fault: report it",
        )
    if run(1, False) != whole:
        return ProbeFinding("note", ABOUT, "repeatable, and the seed matters: it draws random numbers")
    return ProbeFinding("ok", ABOUT, "two runs, another seed and unaccelerated Backtrader agree")
