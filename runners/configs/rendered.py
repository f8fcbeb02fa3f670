"""The text of a config as YAML gets it, whether a template made it or not."""

from __future__ import annotations

from dataclasses import dataclass

MAX_CHARACTERS = 256 * 1024


@dataclass(frozen=True)
class Rendered:
    """The text, and for each of its lines the line of the source that it came from."""

    text: str
    source_lines: tuple[int, ...]
