"""How a file writes its numbers: told by its cells together, and asked for where they do not tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from runners.prices.series import PriceError

Faults = dict[int, str]
"""What is wrong, by row."""

_CURRENCY = re.compile(r"^(?:[$€£¥₹₩]|USD|EUR|GBP|Rs\.?)\s*|\s*(?:[$€£¥₹₩]|USD|EUR|GBP)$")
_BLANKS = re.compile("['\u2019\\s\u00a0\u202f]")
_UNITS = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_NUMBER = re.compile(r"^([+-]?)([\d.,]*\d[\d.,]*)((?:[eE][+-]?\d+)?)([kKmMbBtT]?)$")
_PLAIN = re.compile(r"^[+-]?(\d+)\.(\d+)$")
EMPTY = frozenset({"", "null", "none", "n/a", "na", "#n/a", "-", "--", "nil", "."})
"""What sources write where they have no value; compared in lower case. `nan` is a number that SQL refuses."""


@dataclass(frozen=True)
class Notation:
    """The decimal mark and the mark between thousands; None is what the file itself shows."""

    decimal: str | None = None
    thousands: str | None = None


def as_numbers(cells: Sequence[str]) -> np.ndarray | None:
    """The cells as numbers, where every one is written as Python writes them."""
    try:
        return np.array(cells, dtype=object).astype(np.float64)
    except ValueError:
        return None


def notation_of(
    path: object, lines: Sequence[int], columns: Iterable[Sequence[str]], known: Notation
) -> Notation:
    """What these columns together show. Raises PriceError where 13.250 may be thirteen or thousands."""
    if known.decimal:
        return known
    if known.thousands:
        return Notation("," if known.thousands == "." else ".", known.thousands)
    doubtful: tuple[int, str] | None = None
    for cells in columns:
        for row, cell in enumerate(cells):
            text = _stripped(cell)
            found = _decimal_of(text)
            if found == "?":
                doubtful = doubtful or (row, text)
            elif found:
                return Notation(found)
    if doubtful:
        row, text = doubtful
        mark = "." if "." in text else ","
        whole = text.replace(mark, "")
        raise PriceError(
            f"{path}:{lines[row]}: {text!r} may be {float(text.replace(mark, '.')):g} or {whole}, "
            "and no number in the file tells which",
            hint=f"--decimal {mark!r}, or --thousands {mark!r}",
        )
    return Notation(".")


def numbers(
    name: str, cells: Sequence[str], notation: Notation, *, empty: float | None = None
) -> tuple[np.ndarray, Faults, int]:
    """Values in the order of the cells, what is wrong by row, and how many empty cells became `empty`."""
    decimal = notation.decimal or "."
    thousands = notation.thousands or ("," if decimal == "." else ".")
    values = np.full(len(cells), np.nan)
    faults: Faults = {}
    missing = 0
    for row, cell in enumerate(cells):
        text = cell.strip()
        if text.lower() in EMPTY:
            if empty is None:
                faults[row] = f"{name} is {repr(text) if text else 'empty'}"
            else:
                values[row] = empty
                missing += 1
            continue
        value = _value(text, decimal, thousands)
        if value is None:
            faults[row] = f"{name} is {text!r}, which is not a number"
        else:
            values[row] = value
    return values, faults, missing


def _stripped(text: str) -> str:
    return _BLANKS.sub("", _CURRENCY.sub("", text.strip()))


def _decimal_of(text: str) -> str:
    """The decimal mark that a number proves; `?` where it may be either, nothing where it shows none."""
    point, comma = text.rfind("."), text.rfind(",")
    if point < 0 and comma < 0:
        return ""
    found = _NUMBER.match(text)
    if not found:
        return ""
    if point >= 0 and comma >= 0:
        return "." if point > comma else ","
    mark, other = (".", ",") if point >= 0 else (",", ".")
    whole, *groups = found[2].split(mark)
    if len(groups) > 1:
        return other
    if len(groups[0]) != 3 or not 1 <= len(whole) <= 3 or whole.startswith("0") or found[3]:
        return mark
    return "?"


def _value(text: str, decimal: str, thousands: str) -> float | None:
    try:
        if decimal == ".":
            return float(text)
    except ValueError:
        pass
    found = _NUMBER.match(_stripped(text))
    if not found:
        return None
    whole, mark, rest = found[2].partition(decimal)
    groups = whole.split(thousands)
    # Two digits a group are India's lakhs; the last one has three everywhere.
    grouped = len(groups) > 1
    well = not grouped or (1 <= len(groups[0]) <= 3 and len(groups[-1]) == 3)
    if (
        not well
        or any(len(group) not in (2, 3) for group in groups[1:-1])
        or {decimal, thousands} & set(rest)
    ):
        return None
    return float(f"{found[1]}{''.join(groups)}{'.' if mark else ''}{rest}{found[3]}") * _UNITS.get(
        found[4].lower(), 1.0
    )
