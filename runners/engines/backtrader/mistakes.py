"""What Backtrader's own error does not say: on which bar and symbol it happened, and what was meant."""

from __future__ import annotations

import datetime as dt
import difflib
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import backtrader as bt
from backtrader.metabase import AutoInfoClass

import runners
from runners.engines.backtrader.data_set import DataSet
from runners.engines.error_text import AT_BAR

OTHERS = tuple(str(Path(file).parent) for file in (bt.__file__, runners.__file__))
"""Folders of code that is not the strategy's."""


def explain(error: BaseException, cerebro: Any, data_set: DataSet) -> None:
    """Say in the error's own message what was meant, and in a note where it was."""
    _say_what_was_meant(error)
    where = _where(error, cerebro, data_set)
    if where:
        error.add_note(where)


def _where(error: BaseException, cerebro: Any, data_set: DataSet) -> str:
    """(bar 57 of 1,007, 2010-03-25, AAPL); empty before the first bar."""
    strategy = next(iter(getattr(cerebro, "runningstrats", None) or ()), None)
    if strategy is None:
        return ""
    now = max((data.datetime[0] for data in strategy.datas if len(data)), default=None)
    numbers = data_set.timeline.numbers
    if now is None or now not in data_set.epochs:
        return ""
    step = numbers.index(now)
    there = [data for data in strategy.datas if len(data) and data.datetime[0] == now]
    symbols = [data._name for data in (_named(error, strategy.datas) or there)]
    moment = bt.num2date(now)
    time = f"{moment:%Y-%m-%d}" if moment.time() == dt.time() else f"{moment:%Y-%m-%d %H:%M} UTC"
    more = f" and {len(symbols) - 3} more" if len(symbols) > 3 else ""
    return f"{AT_BAR}{step + 1:,} of {len(numbers):,}, {time}, {', '.join(symbols[:3])}{more})"


def _named(error: BaseException, feeds: Sequence[Any]) -> list[Any]:
    """The feed that the innermost frame of a strategy's own had in a variable."""
    for frame in reversed(list(_frames(error))):
        if frame.f_code.co_filename.startswith(OTHERS):
            continue
        found = [value for value in frame.f_locals.values() if any(value is feed for feed in feeds)]
        if found:
            return found[:1]
    return []


def _frames(error: BaseException) -> Iterator[types.FrameType]:
    at = error.__traceback__
    while at is not None:
        yield at.tb_frame
        at = at.tb_next


def _say_what_was_meant(error: BaseException) -> None:
    """Of a misspelt parameter, line or attribute."""
    if not isinstance(error, AttributeError) or not error.name or error.obj is None:
        return
    thing, known = _owner(error)
    if not thing:
        return
    close = difflib.get_close_matches(error.name, known, n=1, cutoff=0.6)
    rest = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(sorted(known)[:12]) or 'none'}"
    error.args = (f"{thing} has no {error.name!r}; {rest}",)


def _owner(error: AttributeError) -> tuple[str, list[str]]:
    """Whose attribute it is, in words, and what that has."""
    owner: Any = error.obj
    # Backtrader looks an attribute that it does not find up among the lines.
    for frame in _frames(error):
        if frame.f_code.co_name == "__getattr__" and "self" in frame.f_locals:
            owner = frame.f_locals["self"]
            break
    if isinstance(owner, AutoInfoClass):
        return "self.p", list(owner._getkeys())
    if not isinstance(owner, bt.LineSeries):
        return "", []
    known = [name for name in dir(owner) if not name.startswith("_")] + list(owner.getlinealiases())
    if isinstance(owner, bt.Strategy):
        return "the strategy", known
    if isinstance(owner, bt.AbstractDataBase):
        return f"the feed {owner._name}", list(owner.getlinealiases())
    return f"the indicator {type(owner).__name__}", list(owner.getlinealiases())
