"""The JSON schema of configs, for editors: what the database says, kept beside the configs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg

from backdesk.data import checkout, folder
from backdesk.project import here
from runners.errors import DeskError

SCHEMA_FILE = folder("configs") / "schema.json"


def own_schema_file() -> Path:
    """That of the project or the checkout that one works in; DeskError where there is neither."""
    project = here()
    root = project.root if project else checkout()
    if root is None:
        raise DeskError(
            "there is no project here whose schema could be written",
            hint="print it instead: backdesk schema > schema.json",
        )
    return root / "configs" / SCHEMA_FILE.name


def schema_text(connection: psycopg.Connection[Any]) -> str:
    """The schema as it stands in the file; equal rows in the database give equal text."""
    row = connection.execute("select desk.config_schema()").fetchone()
    assert row is not None
    return json.dumps(row[0], indent=2, ensure_ascii=False) + "\n"
