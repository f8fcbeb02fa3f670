"""`backdesk schema`: the JSON schema of configs, for editors."""

from __future__ import annotations

from typing import Annotated

import typer

from runners.configs.schema import SCHEMA_FILE, schema_text
from runners.database.connection import connect


def register(app: typer.Typer) -> None:
    app.command("schema", short_help="Print the JSON schema of configs, for editors.")(schema)


def schema(
    write: Annotated[bool, typer.Option("--write", help="Write it to configs/schema.json.")] = False,
) -> None:
    """Print the JSON schema of configs, made from the rows that the database validates by.

    Editors find it by the first line of a config: # yaml-language-server: $schema=../schema.json
    """
    with connect("director") as director:
        text = schema_text(director)
    if not write:
        print(text, end="")
        return
    changed = not SCHEMA_FILE.exists() or SCHEMA_FILE.read_text(encoding="utf-8") != text
    if changed:
        SCHEMA_FILE.write_text(text, encoding="utf-8")
    print(f"{SCHEMA_FILE.name} {'written' if changed else 'is up to date'}")
