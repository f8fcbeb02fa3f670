"""Migrations go forward only, each whole or not at all, under any login that may create roles."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from runners.database import connection, embedded, migrator, roles
from runners.database.migrator import Migrated
from runners.database.schema_files import MigrationError, digest
from runners.settings import Settings
from testing import desks
from testing.desks import Desk

pytestmark = pytest.mark.sql

FIRST = "create table desk.things (id int primary key, name text);"
SECOND = "alter table desk.things add column size int;"
TOPIC = "create or replace function desk.thing_count() returns bigint language sql stable" \
    " as 'select count(*) from desk.things';"  # fmt: skip
COLUMNS = """
drop table if exists desk.seen;
create table desk.seen as
  select array_agg(attname::text order by attnum) as names
  from pg_attribute where attrelid = 'desk.things'::regclass and attnum > 1;
"""


class Project:
    """A database without a schema, and a room to write migrations and topics into."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk = desk
        self.folder = folder
        self.room = folder / "things"
        self.room.mkdir()

    def file(self, name: str, text: str) -> Path:
        path = self.room / name
        path.write_text(text)
        return path

    def migrate(self) -> Migrated:
        with self.desk.connect("admin") as admin:
            return migrator.migrate(admin, self.folder)

    def refusal(self) -> MigrationError:
        with pytest.raises(MigrationError) as caught:
            self.migrate()
        return caught.value

    def run(self, statement: str) -> None:
        with self.desk.connect("owner") as owner:
            owner.execute(statement.encode())

    def one(self, query: str) -> object:
        with self.desk.connect("owner") as owner:
            row = owner.execute(query.encode()).fetchone()
        return row[0] if row else None


@pytest.fixture
def project(server: Settings, tmp_path: Path) -> Iterator[Project]:
    with desks.empty(server) as desk:
        roles.ensure_roles(desk.settings)
        yield Project(desk, tmp_path)


def test_migrating_twice_is_a_no_op_and_says_so(project: Project) -> None:
    project.file("V0001__things.sql", FIRST)
    project.file("things.sql", TOPIC)
    first = project.migrate()
    assert (first.version, first.applied, first.topics) == (1, ("V0001__things.sql",), ("things/things.sql",))
    second = project.migrate()
    assert not second.changed
    assert "nothing to do" in str(second)


def test_a_later_migration_is_applied_alone(project: Project) -> None:
    project.file("V0001__things.sql", FIRST)
    project.migrate()
    project.file("V0002__sizes.sql", SECOND)
    assert project.migrate().applied == ("V0002__sizes.sql",)


def test_everything_belongs_to_the_owner(project: Project) -> None:
    project.file("V0001__things.sql", FIRST)
    project.file("things.sql", TOPIC)
    project.migrate()
    assert project.one(
        "select relowner::regrole::text from pg_class where oid = 'desk.things'::regclass"
    ) == ("desk_owner")
    assert (
        project.one("select has_function_privilege('desk_viewer', 'desk.thing_count()', 'execute')") is False
    )


def test_an_edited_migration_is_an_error_that_names_it(project: Project) -> None:
    path = project.file("V0001__things.sql", FIRST)
    project.migrate()
    path.write_text(FIRST + "\n-- harmless\n")
    refused = project.refusal()
    assert "V0001__things.sql was edited" in refused.message
    assert refused.hint is not None


def test_other_line_ends_are_no_edit(project: Project) -> None:
    path = project.file("V0001__things.sql", FIRST + "\n")
    project.migrate()
    path.write_bytes((FIRST + "\r\n").encode())
    assert not project.migrate().changed


def test_a_renamed_migration_is_an_error(project: Project) -> None:
    path = project.file("V0001__things.sql", FIRST)
    project.migrate()
    path.rename(path.with_name("V0001__objects.sql"))
    assert "was applied as V0001__things.sql" in project.refusal().message


def test_a_database_newer_than_the_code_is_refused(project: Project) -> None:
    project.file("V0001__things.sql", FIRST)
    second = project.file("V0002__sizes.sql", SECOND)
    project.migrate()
    second.unlink()
    assert "the database is newer than this code" in project.refusal().message


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["V0001__a.sql", "V0003__b.sql"], "V0002 is missing"),
        (["V0001__a.sql", "V0001__b.sql"], "is there twice"),
        (["V0002__a.sql"], "V0001 is missing"),
        (["0001_a.sql"], "not named like a migration"),
        (["v0001__a.sql"], "not named like a migration"),
    ],
)
def test_numbers_have_no_gap_and_no_double(project: Project, names: list[str], reason: str) -> None:
    for name in names:
        project.file(name, "select 1;")
    assert reason in project.refusal().message


def test_an_order_that_names_no_file_is_refused(project: Project) -> None:
    project.file("V0001__things.sql", FIRST)
    (project.folder / "order.txt").write_text("things/none.sql\n")
    assert "names things/none.sql, which is not there" in project.refusal().message


def test_files_come_in_their_order_and_the_others_after_them(project: Project) -> None:
    project.file("V0001__things.sql", FIRST)
    project.file("a_view.sql", "create or replace view desk.a_view as select n from desk.z_view;")
    project.file("z_view.sql", "create or replace view desk.z_view as select 1 as n;")
    project.file("b_view.sql", "create or replace view desk.b_view as select n from desk.a_view;")
    (project.folder / "order.txt").write_text("# why\nthings/z_view.sql\nthings/a_view.sql\n")
    project.migrate()
    assert project.one("select n from desk.b_view") == 1


BASELINE = """
version = 2
[folded]
sha256 = "{sha256}"
commit = "abc1234"
"""


class TestABaseline:
    @pytest.fixture
    def two(self, project: Project) -> Project:
        """A desk at version 2, whose two migrations are then folded into tables."""
        first = project.file("V0001__things.sql", FIRST)
        second = project.file("V0002__sizes.sql", SECOND)
        project.migrate()
        hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in (first, second)]
        (project.folder / "baseline.toml").write_text(BASELINE.format(sha256=digest(hashes)))
        first.unlink()
        second.unlink()
        project.file("tables.sql", "create table desk.things (id int primary key, name text, size int);")
        project.file("V0003__colours.sql", "alter table desk.things add column colour text;")
        return project

    def test_a_desk_that_stands_at_it_is_taken_over(self, two: Project) -> None:
        assert two.migrate().applied == ("V0003__colours.sql",)
        assert two.one("select array_agg(name order by version) from desk.schema_migrations") == [
            "V0002__baseline",
            "V0003__colours.sql",
        ]
        assert not two.migrate().changed

    def test_a_new_desk_begins_with_it(self, two: Project) -> None:
        two.run("drop table desk.things, desk.schema_migrations, desk.schema_topics")
        report = two.migrate()
        assert (report.version, report.applied) == (3, ("V0002__baseline", "V0003__colours.sql"))
        assert not two.migrate().changed

    def test_an_edited_table_of_it_is_refused(self, two: Project) -> None:
        two.migrate()
        two.file("tables.sql", "create table desk.things (id int primary key, name text, size bigint);")
        assert "the baseline (one of things/tables.sql) was edited" in two.refusal().message

    def test_an_older_desk_is_sent_through_the_commit_that_has_its_migrations(self, two: Project) -> None:
        two.run("delete from desk.schema_migrations where version = 2")
        refused = two.refusal()
        assert (
            "the database is at version 1, and this code brings up to date what is at version 2"
            in refused.message
        )
        assert "abc1234" in str(refused.hint)

    def test_a_desk_that_came_there_otherwise_is_not_taken_over(self, two: Project) -> None:
        two.run("update desk.schema_migrations set sha256 = 'x' where version = 1")
        assert "is at version 2 by other migrations" in two.refusal().message

    def test_tables_without_a_baseline_are_refused(self, project: Project) -> None:
        project.file("tables.sql", FIRST)
        assert "is a table of a baseline" in project.refusal().message


def test_a_failing_migration_leaves_nothing_and_names_file_and_line(project: Project) -> None:
    project.file("V0001__things.sql", FIRST)
    project.file("V0002__bad.sql", SECOND + "\n\nselect no_such_thing;")
    refused = project.refusal()
    assert "V0002__bad.sql:3:8: " in refused.message
    assert "no_such_thing" in refused.message
    assert project.one("select max(version) from desk.schema_migrations") == 1
    assert (
        project.one(
            "select count(*) from pg_attribute where attrelid = 'desk.things'::regclass and attname = 'size'"
        )
        == 0
    )


def test_a_file_may_not_end_its_own_transaction(project: Project) -> None:
    project.file("V0001__things.sql", FIRST + "\ncommit;")
    assert "ends its transaction itself" in project.refusal().message


def test_any_changed_topic_applies_all_of_them_in_order(project: Project) -> None:
    project.file("V0001__things.sql", FIRST)
    project.file("a.sql", "drop view if exists desk.b, desk.a; create view desk.a as select 1 as one;")
    second = project.file("b.sql", "create or replace view desk.b as select one from desk.a;")
    project.migrate()
    second.write_text("create or replace view desk.b as select one, 2 as two from desk.a;")
    assert project.migrate().topics == ("things/b.sql",)
    assert project.one("select two from desk.b") == 2


def test_a_migration_applies_the_topics_again(project: Project) -> None:
    project.file("V0001__things.sql", FIRST)
    project.file("columns.sql", COLUMNS)
    project.migrate()
    project.file("V0002__sizes.sql", SECOND)
    project.migrate()
    assert project.one("select names from desk.seen") == ["name", "size"]
    assert not project.migrate().changed


def test_a_failing_topic_leaves_the_old_ones(project: Project) -> None:
    project.file("V0001__things.sql", FIRST)
    project.file("things.sql", TOPIC)
    project.migrate()
    project.file("things.sql", TOPIC.replace("count(*)", "count(*) + 1"))
    project.file("wrong.sql", "create function desk.bad() returns int language sql as 'selec 1';")
    assert "wrong.sql" in project.refusal().message
    assert project.one("select desk.thing_count()") == 0


def test_views_of_dbt_do_not_block_a_migration(project: Project) -> None:
    project.file("V0001__things.sql", FIRST)
    project.migrate()
    _views_of_dbt(project)
    project.file("V0002__wide.sql", "alter table desk.things alter column id type bigint;")
    assert project.migrate().views_dropped == 2


def test_a_migration_that_fails_keeps_the_views_of_dbt(project: Project) -> None:
    project.file("V0001__things.sql", FIRST)
    project.migrate()
    _views_of_dbt(project)
    project.file("V0002__bad.sql", "select no_such_thing;")
    project.refusal()
    assert project.one("select count(*) from pg_views where schemaname = 'analytics'") == 2


def test_views_of_dbt_do_not_block_a_topic(project: Project) -> None:
    project.file("V0001__things.sql", FIRST)
    topic = project.file("v.sql", "drop view if exists desk.things_seen;"
        " create view desk.things_seen as select id from desk.things;")  # fmt: skip
    project.migrate()
    _views_of_dbt(project, "things_seen")
    topic.write_text(topic.read_text().replace("select id", "select id, name"))
    assert project.migrate().views_dropped == 2


def test_two_migrators_at_once_take_turns(project: Project) -> None:
    project.file("V0001__things.sql", FIRST + " select pg_sleep(0.3);")
    with ThreadPoolExecutor(2) as pool:
        reports = [job.result() for job in [pool.submit(project.migrate) for _ in range(2)]]
    assert sorted(report.changed for report in reports) == [False, True]


def test_the_desk_installs_under_a_plain_login_that_may_create_roles() -> None:
    """No superuser: a login with CREATEROLE and CREATEDB makes everything, and takes on every role."""
    with _plain_login() as settings:
        assert roles.ensure_database(settings)
        for _ in range(2):
            roles.ensure_roles(settings)
            with connection.connect("admin", settings=settings) as admin:
                migrator.migrate(admin)
        for role in connection.ROLES:
            with connection.connect(role, settings=settings) as session:
                found = session.execute("select current_user, current_setting('search_path')").fetchone()
            assert found is not None
            assert role == "admin" or found[0] == f"desk_{role}"
            assert found[1].replace(" ", "") == connection.SEARCH_PATHS[role]


def test_a_login_that_may_not_is_told_what_it_needs() -> None:
    with _plain_login("nocreaterole nocreatedb") as settings:
        with pytest.raises(roles.RolesError) as caught:
            roles.ensure_database(settings)
        assert "may not create it" in caught.value.message


def _views_of_dbt(project: Project, source: str = "things") -> None:
    with project.desk.connect("owner") as owner:
        owner.execute(sql.SQL("grant select on desk.{} to desk_dbt").format(sql.Identifier(source)))
    with project.desk.connect("dbt") as dbt:
        dbt.execute(
            sql.SQL("create view analytics.stg_things as select id from desk.{}").format(
                sql.Identifier(source)
            )
        )
        dbt.execute("create view analytics.things_seen as select id from analytics.stg_things")


@contextmanager
def _plain_login(powers: str = "createrole createdb") -> Iterator[Settings]:
    """Settings as with DATABASE_URL, for a plain login of a server that has never seen a desk."""
    with desks.server(None) as own:
        with psycopg.connect(embedded.administrator(own), autocommit=True) as superuser:
            superuser.execute(f"create role installer login password 'secret' {powers}".encode())
        url = make_conninfo(
            host=str(embedded.host(own)), port=5432, user="installer", password="secret", dbname="trading"
        )
        yield Settings(home=own.home, database_url=url)
