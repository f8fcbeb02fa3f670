"""The recipes of docs/adding.md: a thing is added to a copy of `db/` as its line says, and the desk uses it.

Nothing else is edited: what these tests do not need, nobody who follows the line needs.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runners.database import migrator
from runners.database.schema_files import FOLDER, read_schema
from testing import desks
from testing.desks import Desk

FIXTURES = Path(__file__).parents[1] / "pgtap" / "fixtures.sql"


@pytest.fixture
def desk_with(template_desk: Desk, tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """A desk whose schema has one more topic, which no other file names, one more migration, and a line more
    in a file, each if given."""
    with desks.clone(template_desk) as fresh, desks.environment(fresh.environment):

        def add(topic: str = "", migration: str = "", line: tuple[str, str, str] | None = None) -> Desk:
            folder = tmp_path / "db"
            shutil.copytree(FOLDER, folder)
            if topic:
                (folder / "configs" / "zz_addition.sql").write_text(topic)
            if migration:
                number = read_schema(FOLDER).version + 1
                (folder / "results" / f"V{number:04}__addition.sql").write_text(migration)
            if line is not None:
                file, before, text = line
                told = (folder / file).read_text()
                assert told.count(before) == 1
                (folder / file).write_text(told.replace(before, text + before))
            with fresh.connect("admin") as admin:
                migrator.migrate(admin, folder)
            return fresh

        yield add


@pytest.fixture
def story() -> Callable[[psycopg.Connection[Any]], None]:
    """Gives a desk the functions of `tests/pgtap/fixtures.sql`, strategies and prices."""

    def begin(session: psycopg.Connection[Any]) -> None:
        session.execute("set search_path = desk, tap")
        session.execute("create schema tap")
        session.execute(FIXTURES.read_bytes())
        session.execute("select tap.given_desk()")

    return begin
