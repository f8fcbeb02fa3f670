"""Faults in plain text, a line each: when, a colon, what.

order 3: lost                   the third order that arrives never reaches the broker
order 4-6: mute                 taken, but nothing is said about it
order every: late 0.2           acknowledged so many seconds later
order 2: rejected 201 Order rejected - reason: no money
order 1: read-only              answered by 321
order 5: dies before            the socket breaks before the broker has taken it; `dies after`: after it
order 1: partial 3 4            filled in these parts, then the rest
order 1: held                   not filled by itself
order 1: window 0.3             acknowledged so late, and what arrives meanwhile is dropped
fill 2: twice                   said twice; `corrected 101`, `fee late 0.1`, `silent`
request positions: no end       positions, open orders, completed orders, executions, account, time
request executions: error 162 Historical pacing violation
start: no ids                   the handshake lacks nextValidId; `times MET`, `busy`, `account U7`
at 0.5: say 1100                after so many seconds; `dies`, `silent`, `cut 0.3 1102`, `cut 0.3 1101`
at 0.5: restart 0.2             down for so long, `ids back 4`, `position SPY 7`, `trade SPY 5`, `split SPY 2`
at 23:45: restart 0.2           when the broker's clock is moved past it
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_KNOWN = {
    "order": (
        r"lost|mute|late [\d.]+|rejected \d+ .+|read-only|dies before|dies after|partial [\d. ]+|held"
        r"|window [\d.]+"
    ),
    "fill": r"twice|corrected [\d.]+|fee late [\d.]+|silent",
    "request": r"no end|no answer|error \d+ .+|late [\d.]+",
    "start": r"no ids|no accounts|busy|read-only|times \S+|account \S+",
    "at": (
        r"say \d+.*|dies|silent|cut [\d.]+( 110[12])?|restart [\d.]+|ids back \d+|position \S+ -?[\d.]+"
        r"|trade \S+ -?[\d.]+|split \S+ [\d.]+"
    ),
}
_NUMBERS = r"every|\d+(-\d+)?"
_WHICH = {
    "order": _NUMBERS,
    "fill": _NUMBERS,
    "request": "positions|open orders|completed orders|executions|account|time|contract|data",
    "start": "",
    "at": r"[\d.]+|\d\d:\d\d",
}


@dataclass(frozen=True)
class Fault:
    kind: str
    which: str
    words: tuple[str, ...]

    def hits(self, number: int) -> bool:
        if self.which == "every":
            return True
        first, _, last = self.which.partition("-")
        return int(first) <= number <= int(last or first)


@dataclass
class Script:
    faults: list[Fault] = field(default_factory=list)

    def add(self, text: str) -> list[Fault]:
        """Raises ValueError for a line that says nothing that is known."""
        added = []
        for line in filter(None, map(str.strip, text.splitlines())):
            found = re.fullmatch(r"(order|fill|request|at|start) ?(.*?): (.+)", line)
            if not (
                found
                and re.fullmatch(_WHICH[found[1]], found[2])
                and re.fullmatch(_KNOWN[found[1]], found[3])
            ):
                raise ValueError(f"no fault: {line!r}")
            kind, which, what = found.groups()
            added.append(Fault(kind, which, tuple(what.split(" "))))
        self.faults += added
        return added

    def of_order(self, number: int) -> dict[str, tuple[str, ...]]:
        """What happens to the order that arrives as the n-th: name to its further words."""
        return {f.words[0]: f.words[1:] for f in self.faults if f.kind == "order" and f.hits(number)}

    def of_fill(self, number: int) -> dict[str, tuple[str, ...]]:
        return {f.words[0]: f.words[1:] for f in self.faults if f.kind == "fill" and f.hits(number)}

    def of_request(self, name: str) -> dict[str, tuple[str, ...]]:
        return {f.words[0]: f.words[1:] for f in self.faults if f.kind == "request" and f.which == name}

    def of_start(self) -> dict[str, tuple[str, ...]]:
        return {
            " ".join(f.words) if f.words[0] == "no" else f.words[0]: f.words[1:]
            for f in self.faults
            if f.kind == "start"
        }

    def forget(self) -> None:
        self.faults.clear()
