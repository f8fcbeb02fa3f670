"""A refusal of the database, told with file and line.

The validator in SQL names the part that it refuses by JSON path in DETAIL, as in
`$.optimization.parameters.fast.step`.
"""

from __future__ import annotations

import psycopg

from runners.configs.errors import ConfigError, Position
from runners.configs.reader import JSON_PATH, Config


def explained(error: psycopg.Error, config: Config) -> ConfigError:
    """The same refusal as a ConfigError at the place in the file that it is about."""
    message = error.diag.message_primary or str(error).strip()
    detail, hint = error.diag.message_detail, error.diag.message_hint
    found = JSON_PATH.match(detail or "")
    # `$` is the whole config: no line of it is more to blame than another.
    position: Position | None = config.position(found[0]) if found and found[0] != "$" else None
    if detail == "$":
        detail = None
    return ConfigError(config.path, position, message, detail=detail, hint=hint)
