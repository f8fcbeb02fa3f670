"""Which kinds of tasks there are, and what a runner needs for each.

A new kind: a module here with `run(request) -> dict`, one line in KINDS, one in `desk.task_capability`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from runners.errors import DeskError

Request = Mapping[str, Any]
"""`kind`, `payload` as PostgreSQL gave it, and `history` for a suggestion."""


class TaskFailed(DeskError):
    """A task that did not work out; `again` where another attempt may."""

    def __init__(
        self, message: str, *, detail: str | None = None, hint: str | None = None, again: bool = False
    ) -> None:
        super().__init__(message, detail=detail, hint=hint)
        self.again = again


@dataclass(frozen=True)
class Kind:
    """The module that does it, the capability that SQL knows, the package it cannot do without."""

    module: str
    capability: str
    package: str | None = None
    wanted_only: bool = False
    """Only for runners that were asked to, such as by --dbt."""


KINDS: dict[str, Kind] = {
    "load_prices": Kind("runners.tasks.load_prices", "prices"),
    "dbt_refresh": Kind("runners.tasks.dbt_refresh", "dbt", package="dbt", wanted_only=True),
    "suggest": Kind("runners.tasks.suggest", "optuna", package="optuna"),
    # A runner that can start LEAN says so by its engines; see runners.engines.registry.
    "lean_optimization": Kind("runners.tasks.lean_optimization", "lean", wanted_only=True),
}


def capabilities(*, dbt: bool = False) -> tuple[str, ...]:
    """What a runner of this environment may be given, as it registers it among its engines."""
    wanted = {"dbt"} if dbt else set[str]()
    return tuple(
        kind.capability
        for kind in KINDS.values()
        if (kind.package is None or find_spec(kind.package) is not None)
        and (not kind.wanted_only or kind.capability in wanted)
    )


def run(request: Request) -> dict[str, Any]:
    """Does a task; its result as SQL takes it. Raises DeskError, TaskFailed among them."""
    kind = KINDS.get(request["kind"])
    if kind is None:
        raise TaskFailed(f"this runner does not know tasks of kind {request['kind']}")
    perform: Callable[[Request], dict[str, Any]] = import_module(kind.module).run
    return perform(request)
