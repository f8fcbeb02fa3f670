"""Operations on lines over whole arrays: what once() of these Backtrader classes computes, without its loops.

The function that is applied to each pair of values is the same one, so the results are the same to the bit.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable
from itertools import repeat
from typing import Any

from backtrader.functions import And, Or
from backtrader.linebuffer import LineBuffer, LinesOperation, _LineDelay

from runners.engines.backtrader.fast_results import Key


def operate(line: Any) -> bool:
    """Fill a line that has room for its values; False, with nothing done, where it must compute itself."""
    start, end = line._minperiod - 1, len(line.array)
    if start >= end:
        return False
    kind = type(line)
    if kind is LinesOperation:
        values = _operation(line, start, end)
    elif kind is _LineDelay:
        values = _delay(line, start, end)
    elif kind is And or kind is Or:
        values = _logic(line, start, end)
    else:
        return False
    if values is None:
        return False
    filled = array("d", values)
    if len(filled) != end - start:
        return False
    line.array[start:] = filled
    return True


def _operation(line: Any, start: int, end: int) -> Iterable[float] | None:
    if line.bline:
        left, right = line.a.array, line.b.array
        if type(left) is array and type(right) is array:
            return map(line.operation, left[start:end], right[start:end])
    elif line.bfloat and not line.r:
        if type(line.a.array) is array:
            return map(line.operation, line.a.array[start:end], repeat(line.b))
    elif line.bfloat and type(line.b.array) is array:
        return map(line.operation, repeat(line.a), line.b.array[start:end])
    return None


def _delay(line: Any, start: int, end: int) -> Iterable[float] | None:
    source = line.a.array
    if type(source) is not array or start + line.ago < 0:
        return None
    return source[start + line.ago : end + line.ago]


def _logic(line: Any, start: int, end: int) -> Iterable[float] | None:
    columns = [argument.array for argument in line.args]
    if len(columns) != 2 or line.flogic.keywords or any(type(column) is not array for column in columns):
        return None
    left, right = (column[start:end] for column in columns)
    if len(left) != len(right):
        return None
    if type(line) is And:
        return [bool(x and y) for x, y in zip(left, right, strict=True)]
    return [bool(x or y) for x, y in zip(left, right, strict=True)]


def operation_key(line: Any, sign: Callable[[Any], int | None]) -> Key | None:
    """A key as `fast_indicators` makes them for indicators."""
    kind = type(line)
    arguments: tuple[Any, ...]
    if kind is LinesOperation:
        how: Hashable = (line.operation, line.r)
        arguments = (line.a, line.b)
    elif kind is _LineDelay:
        how, arguments = line.ago, (line.a,)
    else:
        return None
    parts: list[Hashable] = []
    for argument in arguments:
        if isinstance(argument, LineBuffer):
            number = sign(argument)
            if number is None:
                return None
            parts.append(("line", number))
        elif isinstance(argument, int | float):
            parts.append((type(argument), argument))
        else:
            return None
    return (kind, how, tuple(parts), line._minperiod, line._clock.buflen())
