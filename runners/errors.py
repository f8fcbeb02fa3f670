"""What the user sees instead of a traceback."""

from __future__ import annotations


class DeskError(Exception):
    """A failure the user can act on: what happened, the particulars, and what to do about it."""

    def __init__(self, message: str, *, detail: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.hint = hint
