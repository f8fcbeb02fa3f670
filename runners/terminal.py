"""Progress on standard error: drawn where that is a terminal, else told in lines."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

# With these, rich takes for a terminal what does not look like one.
_FORCING = ("FORCE_COLOR", "TTY_COMPATIBLE")


def drawing_console() -> Console | None:
    """A console on standard error where that is a terminal, else None."""
    if not sys.stderr.isatty() and not any(os.environ.get(name) for name in _FORCING):
        return None
    # Drawing takes longer to import than everything else that a runner's lines need.
    from rich.console import Console

    console = Console(stderr=True)
    return console if console.is_terminal else None


def bars(console: Console | None, description: str) -> Progress | None:
    """Bars with a count, a `state` field and the time; `description` is what stands before each. None where
    there is no terminal to draw on."""
    if console is None or not console.is_terminal:
        return None
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn(description),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        console=console,
    )


def say(console: Console | None, text: str) -> None:
    """One line, above the bars where there are some."""
    if console:
        console.print(text, highlight=False, markup=False, soft_wrap=True)
    else:
        print(text, file=sys.stderr, flush=True)
