"""Whether progress can be drawn where standard error goes, or is told in lines."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

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
