"""`backdesk schema`: the JSON schema of configs, for editors."""

from __future__ import annotations

from typing import Annotated

import typer

from runners.configs.schema import own_schema_file, schema_text
from runners.database.connection import connect


def register(app: typer.Typer) -> None:
    app.command("schema", short_help="Print the JSON schema of configs, for editors.")(schema)


def schema(
    write: Annotated[bool, typer.Option("--write", help="Into the project's configs/schema.json.")] = False,
) -> None:
    """Print the JSON schema of configs, made from the rows that the database validates by.

    Editors find it by the first line of a config: # yaml-language-server: $schema=../schema.json
    """
    file = own_schema_file() if write else None
    with connect("director") as director:
        text = schema_text(director)
    if file is None:
        print(text, end="")
        return
    changed = not file.exists() or file.read_text(encoding="utf-8") != text
    if changed:
        file.write_text(text, encoding="utf-8")
    print(f"{file.name} {'written' if changed else 'is up to date'}")
