"""Connections of the page: as the viewer, who may only read, each statement bounded in time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, LifoQueue
from typing import Any

import psycopg
import streamlit as st
from psycopg.rows import dict_row

from runners.database.connection import connect
from runners.settings import Settings

STATEMENT_SECONDS = 15
KEPT = 4


class Pool:
    """Keeps a few connections open between reruns; more are opened when many people look at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: LifoQueue[psycopg.Connection[Any]] = LifoQueue(KEPT)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection for one read. One that failed is closed, since its server may be gone."""
        viewer = self._idle_one() or self._new_one()
        try:
            yield viewer
        except BaseException:
            viewer.close()
            raise
        if self._idle.full():
            viewer.close()
        else:
            self._idle.put(viewer)

    def _idle_one(self) -> psycopg.Connection[Any] | None:
        while True:
            try:
                viewer = self._idle.get_nowait()
            except Empty:
                return None
            try:
                viewer.execute("select")
                return viewer
            except psycopg.OperationalError:
                viewer.close()

    def _new_one(self) -> psycopg.Connection[Any]:
        viewer = connect(
            "viewer", settings=self._settings, application_name="backdesk app", connect_timeout=5
        )
        viewer.execute("select set_config('statement_timeout', %s, false)", [f"{STATEMENT_SECONDS}s"])
        return viewer


@st.cache_resource(show_spinner=False)
def _pool(settings: Settings) -> Pool:
    return Pool(settings)


@contextmanager
def reading() -> Iterator[psycopg.Connection[Any]]:
    """A read-only connection to the desk that the environment names."""
    with _pool(Settings.from_environment()).connection() as viewer:
        yield viewer


def rows(query: str, values: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """What a query answers, a dict a row."""
    with reading() as viewer, viewer.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()
