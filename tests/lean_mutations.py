"""LEAN results with parts replaced, removed, doubled and cut, for tests that must survive all of them."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

from tests import lean_files

KEYS = (
    "Status",
    "statistics",
    "charts",
    "series",
    "Equity",
    "values",
    "orders",
    "closedTrades",
    "parameters",
)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.builds(list), st.builds(dict),
    st.sampled_from(["NaN", "Infinity", "-1e400", "\ud800", "\0", "9" * 500, 1e308, -1e308, 10**400]),
    st.lists(st.integers(), max_size=4), st.dictionaries(st.sampled_from(KEYS), st.integers(), max_size=3),
)  # fmt: skip


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(document, dict):
        for name, value in document.items():
            found += places(value, (*path, name))
    elif isinstance(document, list):
        for position, value in enumerate(document):
            found += places(value, (*path, position))
    return found


DOCUMENTS = [
    lean_files.result(pascal=pascal, points=points, parameters={"fast": "5"})
    for pascal in (False, True)
    for points in lean_files.SHAPES
]  # fmt: skip
PLACES = [places(document) for document in DOCUMENTS]


def broken(data: st.DataObject) -> bytes:
    """A result with up to four of its parts replaced, removed or doubled, and perhaps damaged bytes."""
    number_of = data.draw(st.integers(0, len(DOCUMENTS) - 1))
    document = copy.deepcopy(DOCUMENTS[number_of])
    for _ in range(data.draw(st.integers(0, 4))):
        path = data.draw(st.sampled_from(PLACES[number_of]))
        try:
            parent: Any = document
            for step in path[:-1]:
                parent = parent[step]
            match data.draw(st.sampled_from(["replace", "remove", "double"])):
                case "replace":
                    parent[path[-1]] = data.draw(VALUES)
                case "remove":
                    del parent[path[-1]]
                case "double" if isinstance(parent, dict):
                    parent[str(path[-1]).swapcase()] = copy.deepcopy(parent[path[-1]])
        except (KeyError, IndexError, TypeError, AttributeError):
            continue
    raw = json.dumps(document).encode("utf-8", "surrogatepass")
    match data.draw(st.sampled_from(["whole", "whole", "whole", "cut", "flip"])):
        case "cut":
            return raw[: data.draw(st.integers(0, len(raw)))]
        case "flip":
            position = data.draw(st.integers(0, len(raw) - 1))
            return raw[:position] + bytes([data.draw(st.integers(0, 255))]) + raw[position + 1 :]
    return raw
