"""What a runner can do beside points, and the module that does it.

Which kinds there are, and what each needs, are rows of `desk.task_kinds`; a new one is a row, and a module
here of its name with `run(request) -> dict`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from runners.errors import DeskError

Request = Mapping[str, Any]
"""`kind`, `payload` as PostgreSQL gave it, and `history` for a suggestion."""

Offer = tuple[str, str, str | None, bool]
"""Module below `runners`, capability, package it cannot do without, whether only on request."""


class TaskFailed(DeskError):
    """A task that did not work out; `again` where another attempt may."""

    def __init__(
        self, message: str, *, detail: str | None = None, hint: str | None = None, again: bool = False
    ) -> None:
        super().__init__(message, detail=detail, hint=hint)
        self.again = again


def capabilities(offers: Iterable[Offer], requested: Iterable[str] = ()) -> tuple[str, ...]:
    """What a runner of this environment may be given, as it registers it among its engines."""
    wanted = set(requested)
    found = {
        capability: None
        for module, capability, package, on_request in offers
        if (not on_request or capability in wanted)
        and (package is None or find_spec(package) is not None)
        and find_spec(f"runners.{module}") is not None
    }
    return tuple(found)


def run(request: Request) -> dict[str, Any]:
    """Does a task; its result as SQL takes it. Raises DeskError, TaskFailed among them."""
    kind = str(request["kind"])
    if not kind.isidentifier() or find_spec(f"runners.tasks.{kind}") is None:
        raise TaskFailed(f"this runner does not know tasks of kind {kind}")
    perform: Callable[[Request], dict[str, Any]] = import_module(f"runners.tasks.{kind}").run
    return perform(request)
