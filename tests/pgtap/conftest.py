"""pgTAP for the SQL tests, in a schema of its own beside the desk's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from testing import desks
from testing.desks import Desk
from tests.pgtap.pgtap_source import pgtap_sql

FIXTURES = Path(__file__).with_name("fixtures.sql")


@pytest.fixture(scope="session")
def pgtap_desk(template_desk: Desk) -> Iterator[Desk]:
    """A fresh desk with pgTAP in the schema `tap`, and what the stories begin with."""
    with desks.clone(template_desk) as desk:
        with desk.connect("admin") as admin:
            _load_pgtap(admin)
            admin.execute(FIXTURES.read_bytes())
        yield desk


def _load_pgtap(admin: psycopg.Connection[Any]) -> None:
    """Loads pgTAP as the server's extension where it has one that we may create, else by its SQL."""
    admin.execute("create schema tap")
    admin.execute("grant usage on schema tap to public")
    try:
        admin.execute("create extension pgtap schema tap")
    except psycopg.Error:
        with admin.transaction():
            admin.execute("set local search_path = tap")
            admin.execute("set local client_min_messages = warning")
            admin.execute(pgtap_sql().encode())
