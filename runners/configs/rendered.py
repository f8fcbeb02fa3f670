"""The text of a config as YAML gets it, whether a template made it or not."""

from __future__ import annotations

from dataclasses import dataclass

MAX_CHARACTERS = 256 * 1024


@dataclass(frozen=True)
class Rendered:
    """The text, and for each of its lines the line of the source that it came from."""

    text: str
    source_lines: tuple[int, ...]


def rendered(path: str, source: str) -> Rendered:
    """The source itself where nothing in it is a template. Raises ConfigError."""
    if not any(sign in source for sign in ("{{", "{%", "{#")):
        return Rendered(source, tuple(range(1, source.count("\n") + 2)))
    # Imported here, since Jinja2 takes longer to import than most configs to be read.
    from runners.configs.template import render

    return render(path, source)
