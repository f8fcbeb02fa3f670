"""What is kept of an exception: its message and the end of its traceback, short enough for a row."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

LIMIT = 4_000
FRAMES = 12
AT_BAR = "(bar "
"""How the note begins that says where in its prices a strategy failed."""
CODE = Path(__file__).resolve().parents[2]


def error_text(error: BaseException) -> str:
    """`Type: message`, then the last frames, innermost last; at most 4,000 characters."""
    message = "".join(traceback.format_exception_only(error)).strip().replace(f"\n{AT_BAR}", f" {AT_BAR}")
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"  {short_path(frame.filename)}:{frame.lineno} {frame.name}: {frame.line}" for frame in frames]
    if len(lines) > FRAMES:
        lines = [f"  ... {len(lines) - FRAMES} frames before ...", *lines[-FRAMES:]]
    trail = "\n".join(lines)[-(LIMIT // 2) :]
    # Neither NUL nor half a surrogate pair can be stored as text in PostgreSQL.
    text = f"{message[: LIMIT - len(trail) - 1]}\n{trail}".rstrip().replace("\0", "?")
    return text.encode("utf-8", "replace").decode()


def short_path(filename: str) -> str:
    """A path without what differs between machines: relative to the project or to where packages are."""
    roots = sorted((str(CODE), *filter(None, sys.path)), key=len, reverse=True)
    for root in roots:
        if filename.startswith(f"{root}/"):
            return filename[len(root) + 1 :]
    return "/".join(Path(filename).parts[-2:])
