"""The JSON schema of configs, for editors: what the database says, kept beside the configs."""

from __future__ import annotations

import json
from typing import Any

import psycopg

from backdesk.data import folder

SCHEMA_FILE = folder("configs") / "schema.json"


def schema_text(connection: psycopg.Connection[Any]) -> str:
    """The schema as it stands in the file; equal rows in the database give equal text."""
    row = connection.execute("select desk.config_schema()").fetchone()
    assert row is not None
    return json.dumps(row[0], indent=2, ensure_ascii=False) + "\n"
