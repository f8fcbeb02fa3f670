"""What is wrong with a config, and where."""

from __future__ import annotations

from dataclasses import dataclass

from runners.errors import DeskError


@dataclass(frozen=True)
class Position:
    """A place in a file; both count from 1."""

    line: int
    column: int


class ConfigError(DeskError):
    """A config that cannot be read or is refused; the message begins with file, line and column."""

    def __init__(
        self,
        path: str,
        position: Position | None,
        message: str,
        *,
        detail: str | None = None,
        hint: str | None = None,
    ) -> None:
        place = f"{path}:{position.line}:{position.column}" if position else path
        super().__init__(f"{place}: {message}", detail=detail, hint=hint)
        self.path = path
        self.position = position
        self.plain_message = message
