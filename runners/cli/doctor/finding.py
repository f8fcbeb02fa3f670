"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """In order of weight; `note` is something that is missing and that most can do without."""

    ok = 0
    note = 1
    warning = 2
    broken = 3


@dataclass(frozen=True)
class Finding:
    """One line of the report: about what, what was found, and what to do about it."""

    severity: Severity
    about: str
    found: str
    todo: str | None = None


def ok(about: str, found: str) -> Finding:
    return Finding(Severity.ok, about, found)


def note(about: str, found: str, todo: str) -> Finding:
    return Finding(Severity.note, about, found, todo)


def warning(about: str, found: str, todo: str) -> Finding:
    return Finding(Severity.warning, about, found, todo)


def broken(about: str, found: str, todo: str) -> Finding:
    return Finding(Severity.broken, about, found, todo)
