"""How an error looks on the terminal: what happened, the particulars, what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeGuard

from runners.errors import DeskError

if TYPE_CHECKING:
    import psycopg


def is_reportable(error: Exception) -> TypeGuard[DeskError | psycopg.Error]:
    """True of errors that are for the user to act on, so that no traceback belongs to them."""
    # Only who imported it can have its errors; a command may begin much before it takes the time for that.
    psycopg = sys.modules.get("psycopg")
    return isinstance(error, DeskError) or (psycopg is not None and isinstance(error, psycopg.Error))


def report(error: DeskError | psycopg.Error) -> None:
    """Prints the error to stderr, also one that PostgreSQL raised."""
    if isinstance(error, DeskError):
        message, detail, hint = error.message, error.detail, error.hint
    else:
        message = error.diag.message_primary or str(error).strip() or type(error).__name__
        detail, hint = error.diag.message_detail, error.diag.message_hint
    for label, text in (("error", message), ("  detail", detail), ("  hint", hint)):
        if text:
            continued = "\n" + " " * (len(label) + 2)
            print(f"{label}: {text.strip().replace(chr(10), continued)}", file=sys.stderr)


@contextmanager
def exit_codes() -> Iterator[None]:
    """Ends a program with 1 after an error that is for the user to act on, and with 130 at Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not is_reportable(error):
            raise
        report(error)
        sys.exit(1)
