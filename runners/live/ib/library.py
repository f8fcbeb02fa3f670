"""The one place that imports the client library: ib_async, or ib_insync, which it continues."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from runners.errors import DeskError

NAMES = ("ib_async", "ib_insync")


class LibraryMissing(DeskError):
    """No client library is there, or two of them."""


@dataclass(frozen=True)
class Library:
    """What the link uses of it: its reading and writing of messages, and none of its memory of orders."""

    name: str
    Client: Any
    Contract: Any
    Order: Any
    ExecutionFilter: Any
    unset: float
    """What stands for a number that is not there."""


def library() -> Library:
    """Raises LibraryMissing."""
    found = [name for name in NAMES if find_spec(name)]
    if len(found) != 1:
        raise LibraryMissing(
            "Interactive Brokers is reached by ib_async, which is not installed"
            if not found
            else f"both {found[0]} and {found[1]} are installed, of which one must be",
            hint="pip install 'backdesk[ib]'" if not found else "pip uninstall ib_insync",
        )
    name = found[0]
    return Library(
        name,
        import_module(f"{name}.client").Client,
        import_module(f"{name}.contract").Contract,
        import_module(f"{name}.order").Order,
        import_module(f"{name}.objects").ExecutionFilter,
        import_module(f"{name}.util").UNSET_DOUBLE,
    )
