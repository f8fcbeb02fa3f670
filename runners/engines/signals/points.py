"""Points of a search as places on its axes, so that what depends on few of them is evaluated once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from runners.engines.base import PointRange
from strategies.parameters import Parameter, convert_all

Evaluate = Callable[[Mapping[str, Any]], tuple[Any, set[str]]]
"""From a point's values what is asked for, and the names of the parameters that were read."""


@dataclass(frozen=True)
class Grid:
    """Points by the places of their values: column k of `places` counts in `axes[names[k]]`. What is not
    named has its default."""

    names: tuple[str, ...]
    axes: tuple[tuple[Any, ...], ...]
    places: Any
    defaults: Mapping[str, Any]

    @classmethod
    def of(cls, declared: Sequence[Parameter], points: Sequence[Mapping[str, object]]) -> Grid:
        """Of any points; ParameterError where a value does not suit its parameter."""
        typed = [convert_all(declared, point) for point in points]
        names = tuple(dict.fromkeys(name for point in typed for name in point))
        defaults = {one.name: one.default for one in declared}
        columns, axes = [], []
        for name in names:
            values = [point.get(name, defaults[name]) for point in typed]
            found = {value: place for place, value in enumerate(dict.fromkeys(values))}
            axes.append(tuple(found))
            columns.append([found[value] for value in values])
        places = np.array(columns, np.int64).T if names else np.zeros((len(points), 0), np.int64)
        return cls(names, tuple(axes), places, defaults)

    @classmethod
    def over(
        cls, declared: Sequence[Parameter], axes: Mapping[str, Sequence[object]], first: int, last: int
    ) -> Grid:
        """Points `first` to `last` (from 0, inclusive) of all combinations; the last axis varies fastest."""
        typed = [
            tuple(convert_all(declared, {name: value})[name] for value in values)
            for name, values in axes.items()
        ]
        places = np.empty((last - first + 1, len(typed)), np.int64)
        rest = np.arange(first, last + 1)
        for column in range(len(typed) - 1, -1, -1):
            rest, places[:, column] = np.divmod(rest, len(typed[column]))
        return cls(tuple(axes), tuple(typed), places, {one.name: one.default for one in declared})

    def __len__(self) -> int:
        return len(self.places)

    def values(self, point: int) -> dict[str, Any]:
        found = dict(self.defaults)
        for name, axis, place in zip(self.names, self.axes, self.places[point].tolist(), strict=True):
            found[name] = axis[place]
        return found

    def given(self, point: int) -> dict[str, Any]:
        """Without what is left at its default."""
        values = self.values(point)
        return {name: values[name] for name in self.names}


class Once:
    """Evaluates once for all points that agree on what the evaluation reads.

    Which parameters that are is known by evaluating: the set grows until no evaluation reads another, so
    that equal values of the set mean an equal result.
    """

    def __init__(self, names: Sequence[str], most: int) -> None:
        """`names` are the parameters that vary; at most so many results are kept."""
        self._varies = set(names)
        self._most = most
        self._reads: set[str] = set()
        self._known: dict[tuple[Any, ...], Any] = {}

    @property
    def reads(self) -> frozenset[str]:
        return frozenset(self._reads)

    def each(self, grid: Grid, evaluate: Evaluate) -> tuple[list[Any], Any]:
        """The distinct results, and of each point the place of its own."""
        while True:
            columns = [place for place, name in enumerate(grid.names) if name in self._reads]
            if columns:
                # One number a combination of places, made small again after each column.
                code = np.zeros(len(grid), np.int64)
                for column in columns:
                    code = code * len(grid.axes[column]) + grid.places[:, column]
                    _, firsts, code = np.unique(code, return_index=True, return_inverse=True)
                inverse = code
            else:
                firsts, inverse = np.zeros(1, int), np.zeros(len(grid), int)
            found = []
            for first in firsts.tolist():
                values = grid.values(first)
                key = tuple((type(values[name]), values[name]) for name in sorted(self._reads))
                if key not in self._known:
                    result, names = evaluate(values)
                    more = (names & self._varies) - self._reads
                    if more:
                        self._reads |= more
                        self._known.clear()
                        break
                    if len(self._known) >= self._most:
                        self._known.clear()
                    self._known[key] = result
                found.append(self._known[key])
            else:
                return found, inverse


def planned(declared: Sequence[Parameter], plan: Mapping[str, Any], points: PointRange) -> Grid:
    """The points of a range that lies within one generation; LookupError where the plan has none such.

    Of a generation's axes the last turns fastest, and so does the last parameter of an axis. An axis with
    constraints has the numbers of its valid tuples in `valid`.
    """
    for generation in plan["generations"]:
        first = generation["first_ordinal"]
        if first <= points.ordinal and points.last < first + generation["points"]:
            break
    else:
        raise LookupError(f"points {points.ordinal} to {points.last} are of no one generation of the plan")
    if generation.get("listed"):
        listed = generation["listed"]
        return Grid.of(declared, [listed[str(n)] for n in range(points.ordinal, points.last + 1)])
    rest = np.arange(points.ordinal - first, points.last - first + 1)
    names: list[str] = []
    axes: list[tuple[Any, ...]] = []
    columns: list[Any] = []
    for axis in reversed(generation["axes"]):
        rest, tuples = np.divmod(rest, axis["points"])
        if axis.get("valid") is not None:
            tuples = np.array(axis["valid"], np.int64)[tuples]
        for name, values in zip(reversed(axis["parameters"]), reversed(axis["values"]), strict=True):
            tuples, places = np.divmod(tuples, len(values))
            names.append(name)
            axes.append(tuple(convert_all(declared, {name: value})[name] for value in values))
            columns.append(places)
    defaults = {one.name: one.default for one in declared}
    return Grid(tuple(names), tuple(axes), np.array(columns, np.int64).T.copy(), defaults)
