"""Fixtures of all tests: one server a session, one migrated template, a fresh clone per test module.

`desk` is what most tests want. Set DATABASE_URL to run them on a server of your own; its login needs
CREATEROLE and CREATEDB.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from runners.settings import Settings
from testing import desks
from testing.desks import Desk
from tests import suite_keeper
from tests.budget import Budget

# A suite started in the background inherits an ignored SIGINT, and hands it on to every process it tests.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The fast tests draw the same examples every time, so that a change is judged by what it changed;
# `make test-long` draws new ones.
hypothesis.settings.register_profile("steady", derandomize=True)
hypothesis.settings.register_profile("new draws", hypothesis.settings())
hypothesis.settings.load_profile("steady")

SUITE_FOLDER = "DESKS_OF_THIS_SUITE"
"""Variable with the folder that all processes of a suite share; it goes with the suite."""

TOPICS = ("queue", "search", "judgement", "engine", "lean", "live", "security", "package")

_DATABASE_URL = os.environ.pop("DATABASE_URL", None) or None

# No test may reach the desk of the person who runs it, nor be steered by settings of theirs.
for _name in [name for name in os.environ if name.startswith(("BACKDESK_", "PG"))]:
    if _name == "BACKDESK_CHROMIUM":
        continue
    del os.environ[_name]
os.environ["BACKDESK_HOME"] = "/nonexistent/backdesk"


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Whoever is started waits for the tests, and nothing that they start outlives them."""
    if hasattr(config, "workerinput"):
        return None
    folder = tempfile.mkdtemp(prefix="desks-")
    os.environ[SUITE_FOLDER] = folder
    return suite_keeper.enter(Path(folder))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A part of the long tests is chosen by topic, so none may lack one."""
    for item in items:
        if item.get_closest_marker("long") and not any(map(item.get_closest_marker, TOPICS)):
            raise pytest.UsageError(f"{item.nodeid} is long and has no topic: {', '.join(TOPICS)}")


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Budget(), "budget")


@pytest.fixture(scope="session")
def database_url() -> str | None:
    """The server that the SQL tests were asked to run on."""
    return _DATABASE_URL


@pytest.fixture(scope="session")
def server(database_url: str | None) -> Iterator[Settings]:
    """Settings of the tests' server."""
    with desks.server(database_url, Path(os.environ[SUITE_FOLDER])) as settings:
        if database_url is None:
            desks.make_hasty(settings)
        yield settings


@pytest.fixture(scope="session")
def template_desk(server: Settings) -> Iterator[Desk]:
    """A migrated desk that is only copied from; nobody may stay connected to it.

    Pilot points, which would precede a strategy's first job, are off: tests of estimates turn them on.
    """
    with desks.migrated(server) as desk:
        with desk.connect("owner") as owner:
            owner.execute("update settings set value = '0' where name = 'pilot_points'")
        yield desk


@pytest.fixture(scope="module")
def desk(template_desk: Desk) -> Iterator[Desk]:
    """A fresh desk for this module, which is also the process's desk while the module runs."""
    with desks.clone(template_desk) as fresh, desks.environment(fresh.environment):
        yield fresh


@pytest.fixture
def fresh_desk(template_desk: Desk) -> Iterator[Desk]:
    """A fresh desk for one test."""
    with desks.clone(template_desk) as fresh, desks.environment(fresh.environment):
        yield fresh


@pytest.fixture(scope="session")
def built_template(template_desk: Desk) -> Iterator[Desk]:
    """A migrated desk with dbt's views, which is only copied from. One process of the suite builds them."""
    with desks.clone(template_desk) as built:
        desks.give_views(built, Path(os.environ[SUITE_FOLDER]) / "views.dump")
        yield built


@pytest.fixture(scope="module")
def built_desk(built_template: Desk) -> Iterator[Desk]:
    """A fresh desk with dbt's views for this module, which is also the process's desk."""
    with desks.clone(built_template) as fresh, desks.environment(fresh.environment):
        yield fresh


@pytest.fixture
def project_root() -> Path:
    return Path(__file__).resolve().parent.parent
