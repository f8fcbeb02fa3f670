"""Competitors in turn, round by round, so that what else the machine does hits all of them alike."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One competitor: a rate of each round, and its ratio to the first competitor's of the same round."""

    name: str
    rates: tuple[float, ...]
    ratios: tuple[float, ...]


def measure(competitors: Mapping[str, Callable[[], float]], rounds: int, *, warm: bool = True) -> list[Row]:
    """Each competitor returns a rate (higher is better); the first is what the others are compared with."""
    rates: dict[str, list[float]] = {name: [] for name in competitors}
    for number in range(-1 if warm else 0, rounds):
        for name, compete in competitors.items():
            print(f"\r  round {number + 1} of {rounds}: {name:<50}", end="", file=sys.stderr, flush=True)
            rate = compete()
            if number >= 0:
                rates[name].append(rate)
    print(f"\r{'':<80}\r", end="", file=sys.stderr, flush=True)
    first = next(iter(rates.values()))
    return [
        Row(name, tuple(found), tuple(rate / base for rate, base in zip(found, first, strict=True)))
        for name, found in rates.items()
    ]


def spread(values: Sequence[float], digits: int = 1) -> str:
    """min / median / max."""
    found = (min(values), statistics.median(values), max(values))
    return " / ".join(f"{value:,.{digits}f}" for value in found)


def table(rows: Sequence[Row], what: str, *, digits: int = 1) -> str:
    """A Markdown table of rates and ratios."""
    return markdown(
        ("", f"{what}: min / median / max", "ratio: min / median / max"),
        [(row.name, spread(row.rates, digits), spread(row.ratios, 2)) for row in rows],
    )


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
