"""Which column of a file is what: by its header, by the shape a source is known for, or as one is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runners.prices.csv_text import Text
from runners.prices.csv_words import CALLED, NAMES, OF_BINANCE, ORDERED, PRICES, SHAPES, plain
from runners.prices.notation import EMPTY, Notation
from runners.prices.series import PriceError
from runners.prices.time_texts import is_clock, is_time


@dataclass(frozen=True)
class Columns:
    """Where one series' cells stand. `symbol` is known where the header names it."""

    at: dict[str, int]
    symbol: str | None = None


@dataclass(frozen=True)
class Layout:
    """A file's columns, the line of its first row, and what to say of it."""

    groups: tuple[Columns, ...]
    first: int
    header: tuple[str, ...]
    remarks: tuple[str, ...] = field(default=())
    order: str | None = None
    notation: Notation = field(default=Notation())


def layout_of(text: Text, wanted: str | None = None) -> Layout:
    """What the file's columns are, by its first rows or by `--columns`. Raises PriceError."""
    head = text.head()
    if not head:
        raise PriceError(f"{text.path} has no bars", hint="a header line, then one line a bar")
    if wanted:
        return _as_told(text, head, wanted)
    for number, (line, row) in enumerate(head):
        above = _left_out([row for _, row in head[:number]])
        leveled = _in_levels([row for _, row in head[number : number + 3]])
        if leveled:
            groups, rows = leveled
            symbols = ", ".join(group.symbol or "" for group in groups)
            return Layout(groups, head[number + rows - 1][0] + 1, tuple(row),
                          (*above, f"read as yfinance, prices in columns of {symbols}"))  # fmt: skip
        found = _by_name(text.path, line, row)
        if {"time", "close"} <= found.keys() and len(row) > 1:
            following = head[number + 1][1] if number + 1 < len(head) else []
            return _with_header(line, row, found, above, following)
        if _is_row(row) and (number == 0 or len(head[number - 1][1]) != len(row)):
            return _without_header(text.path, line, row, above)
    width = max(len(row) for _, row in head)
    line, row = next((line, row) for line, row in head if len(row) == width)
    raise _lacking(text.path, line, row, _by_name(text.path, line, row))


def _with_header(
    line: int, row: list[str], at: dict[str, int], above: tuple[str, ...], following: Sequence[str]
) -> Layout:
    words = {plain(cell) for cell in row}
    remarks = list(above)
    order: str | None = None
    if not row[at["time"]]:
        remarks.append("read as pandas, the date in its unnamed index")
    for name, needed, known in SHAPES:
        if needed <= words:
            remarks.append(f"read as {name}")
            order = known
            break
    clock = at.get("clock")
    if clock is not None and (clock >= len(following) or not is_clock(following[clock])):
        del at["clock"]
    notation = Notation(".") if "read as MetaTrader" in remarks else Notation()
    return Layout((Columns(at),), line + 1, tuple(row), tuple(remarks), order, notation)


def _by_name(path: Path, line: int, row: Sequence[str]) -> dict[str, int]:
    words = [plain(cell) for cell in row]
    at: dict[str, int] = {}
    for column, names in NAMES.items():
        for name in names:
            if name not in words or (column == "clock" and words.index(name) == at.get("time")):
                continue
            if words.count(name) > 1 and column != "symbol":
                raise PriceError(
                    f"{path}:{line}: two columns are called {row[words.index(name)]}",
                    hint="tell which: --columns close=6, by number",
                )
            at[column] = words.index(name)
            break
    if "time" not in at and words and words[0] in ("", "index", "unnamed:0") and "close" in at:
        at["time"] = 0
    if 0 < sum(name in at for name in PRICES[:3]) < 3 and {"time", "close"} <= at.keys():
        raise _lacking(path, line, row, at)
    return at


def _lacking(path: Path, line: int, row: Sequence[str], at: dict[str, int]) -> PriceError:
    lacking = [name for name in ("time", "close") if name not in at]
    if any(name in at for name in PRICES[:3]):
        lacking += [name for name in PRICES[:3] if name not in at]
    return PriceError(
        f"{path}:{line}: no column for {', '.join(lacking)} in the header: {', '.join(row)}",
        hint="tell which: --columns "
        + ",".join(f"{name}={NAMES[name][1].capitalize()}" for name in lacking)
        + ", by a word of the header or by number",
    )


def _in_levels(rows: list[list[str]]) -> tuple[tuple[Columns, ...], int] | None:
    """yfinance's header: rows of fields and of symbols in either order, then often one that says Date."""
    if len(rows) < 2:
        return None
    words = [[plain(cell) for cell in row] for row in rows]
    closes = NAMES["close"][0]
    fields = 0 if closes in words[0][1:] else 1 if closes in words[1][1:] else None
    if fields is None or len(rows[0]) != len(rows[1]) or is_time(rows[1][0]):
        return None
    symbols = rows[1 - fields]
    if not all(symbols[1:]) or any(_is_number(cell) for cell in symbols[1:]):
        return None
    if plain(symbols[0]) not in ("", "ticker", "tickers", "symbol", "symbols", "price"):
        return None
    groups: dict[str, dict[str, int]] = {}
    for position, word in enumerate(words[fields][1:], start=1):
        column = next(
            (name for name, names in NAMES.items() if word in names and name not in ("time", "clock")), None
        )
        if column:
            groups.setdefault(symbols[position].upper(), {"time": 0})[column] = position
    third = len(rows) > 2 and not any(rows[2][1:])
    return tuple(Columns(at, symbol) for symbol, at in groups.items() if "close" in at), 3 if third else 2


def _is_row(row: Sequence[str]) -> bool:
    """Whether it holds a bar and no words: a time, then numbers."""
    after = 2 if len(row) > 2 and is_clock(row[1]) and ":" in row[1] else 1
    return len(row) > after and is_time(row[0]) and all(_is_number(cell) for cell in row[after:])


def _is_number(cell: str) -> bool:
    return (
        bool(re.match(r"^[$€£₹]?[+-]?[\d.,' ]*\d[\d.,' ]*(?:[eE][+-]?\d+)?[KMBT%]?$", cell))
        or cell.lower() in EMPTY
    )


def _without_header(path: Path, line: int, row: Sequence[str], above: tuple[str, ...]) -> Layout:
    clock = len(row) > 2 and is_clock(row[1]) and ":" in row[1]
    names: tuple[str, ...] = ("time", "clock", *ORDERED[1:]) if clock else ORDERED
    shape = ""
    if clock and re.match(r"\d{4}\.\d\d\.\d\d$", row[0]):
        shape = "read as MetaTrader, "
    if len(row) == 12 and row[0].isdigit() and row[6].isdigit():
        names, shape = (*ORDERED, *OF_BINANCE), "read as Binance, "
    if len(row) == 2:
        names = ("time", "close")
    if not len(names) - 1 <= len(row) <= len(names):
        raise PriceError(
            f"{path}:{line}: no header, and {len(row)} columns: {', '.join(row)}",
            hint="name them in order: --columns date,open,high,low,close,volume, with - for what is not read",
        )
    used = names[: len(row)]
    at = {name: position for position, name in enumerate(used) if name in NAMES}
    said = ", ".join({"time": "date", "clock": "time"}.get(name, name) for name in used if name in NAMES)
    notation = Notation(".") if shape else Notation()
    return Layout((Columns(at),), line, tuple(used), (*above, f"{shape}no header: {said}"), notation=notation)


def _as_told(text: Text, head: list[tuple[int, list[str]]], wanted: str) -> Layout:
    """`close=Kurs,time=1`, by header or number; or the columns' names in their order, - for one to leave."""
    told = [part.strip() for part in wanted.split(",")]
    named = dict(part.split("=", 1) for part in told if "=" in part)
    if named and len(named) < len(told):
        raise PriceError(
            f"--columns {wanted}: either each with =, or all in order",
            hint="--columns time=Datum,close=6, or --columns date,open,high,low,close,volume",
        )
    places = named or {name: str(number) for number, name in enumerate(told, start=1) if name != "-"}
    places = {CALLED.get(name.strip().lower(), name.strip().lower()): place for name, place in places.items()}
    if not named and "time" in told and "date" in told:
        places |= {"time": str(told.index("date") + 1), "clock": str(told.index("time") + 1)}
    unknown = [name for name in places if name not in NAMES]
    if unknown or not {"time", "close"} <= places.keys():
        raise PriceError(
            f"--columns {wanted}: "
            + (f"nothing is called {', '.join(unknown)}" if unknown else "it needs time and close"),
            hint=f"known: {', '.join(NAMES)}",
        )
    by_word = [place for place in places.values() if not place.strip().isdigit()]
    for number, (line, row) in enumerate(head):
        if all(any(plain(place) == plain(cell) for cell in row) for place in by_word):
            words = [plain(cell) for cell in row]
            at = {
                name: int(place) - 1 if place.strip().isdigit() else words.index(plain(place))
                for name, place in places.items()
            }
            if max(at.values()) < len(row) and (by_word or is_time(row[at["time"]])):
                first = line + 1 if by_word else line
                above = [cells for _, cells in head[: max(number - (0 if by_word else 1), 0)]]
                header = tuple(row) if by_word else tuple(head[number - 1][1]) if number else ()
                return Layout((Columns(at),), first, header, _left_out(above))
    words = [plain(cell) for _, row in head for cell in row]
    unknown = [place for place in by_word if plain(place) not in words]
    missing = " has no row with a time where --columns says"
    if by_word:
        missing = (
            f" has no column {', '.join(unknown)}" if unknown else " has no line with all of these columns"
        )
    raise PriceError(f"{text.path}{missing}", hint=f"its first row: {', '.join(head[0][1])}")


def _left_out(rows: list[list[str]]) -> tuple[str, ...]:
    if not rows:
        return ()
    first = " ".join(rows[0])[:60]
    return (f"{len(rows)} line{'s' if len(rows) > 1 else ''} above the header left out: {first}",)
