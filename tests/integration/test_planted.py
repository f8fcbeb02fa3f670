"""What desk_dbt plants in its schema, nothing of the desk's calls with more rights than dbt has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg import sql
from streamlit.testing.v1 import AppTest

from runners.cli import analytics, status
from runners.cli.doctor import findings
from runners.cli.up import bring_up
from runners.database import dump, embedded, migrator
from testing.desks import Desk
from tests import board_rows

# Whoever else calls this stands in the server's log, in spite of any rollback or read-only transaction.
TRAP = """
create function analytics.sprung(what text) returns int language plpgsql as $$
begin
  if current_user operator(pg_catalog.<>) 'desk_dbt'::pg_catalog.name then
    raise log 'SPRUNG % by %', what, current_user;
  end if;
  return 1;
end
$$;
grant usage on schema analytics to public;
grant create on schema analytics to public;
"""

PAIRS = (
    ("oid", "regrole"), ("regrole", "oid"), ("name", "text"), ("text", "name"), ("name", "name"),
    ("name", "varchar"), ("name", "regrole"), ("regclass", "oid"), ("oid", "regclass"),
    ("regclass", "regclass"), ("regrole", "regrole"), ("oid", "regnamespace"), ("regnamespace", "oid"),
    ("regtype", "oid"), ("oid", "oid"), ("regnamespace", "regnamespace"), ("regproc", "oid"),
    ("text", "text"), ("varchar", "text"), ("varchar", "varchar"), ('"char"', '"char"'),
    ('"char"', "text"), ("int", "bigint"), ("bigint", "int"), ("int", "int"), ("bigint", "bigint"),
    ("bigint", "numeric"), ("boolean", "boolean"), ("jsonb", "jsonb"), ("interval", "interval"),
    ("timestamptz", "timestamptz"), ("timestamptz", "interval"), ("date", "date"), ("date", "interval"),
    ("double precision", "int"), ("text[]", "text[]"), ("name[]", "name"), ("inet", "inet"),
)  # fmt: skip
OPERATORS = ("=", "<>", "<", ">", "<=", ">=", "~", "~~", "||", "+", "-", "@>", "->>")

# Better matches than pg_catalog's for what is often called, or the very same.
FUNCTIONS = (
    "to_regclass(text)", "to_regclass(varchar)", "to_regrole(text)", "to_regprocedure(text)", "now()",
    "format(text, name)", "format(text, text)", "format(text, regclass)", "count(bigint)",
    "count(text)", "max(varchar)", "max(int)", "current_setting(varchar)", "current_setting(text)",
    "quote_ident(name)", "set_config(text, varchar, boolean)", "pg_has_role(name, text)",
    "pg_has_role(oid, text)", "pg_has_role(text, text)", "has_table_privilege(name, regclass, text)",
    "split_part(text, text, int)", "split_part(varchar, text, int)", "obj_description(regclass, name)",
    "obj_description(regnamespace, text)", "shobj_description(oid, text)", "string_agg(name, text)",
    "string_agg(varchar, varchar)", "coalesce(text)", "array_agg(name)", "array_agg(varchar)",
    "date_trunc(varchar, timestamptz)", "date_trunc(text, interval)", "concat_ws(text, text, text)",
    "concat_ws(text, name)", "lower(varchar)", "left(varchar, int)", "length(varchar)",
    "greatest(int, int)", "least(int, int)", "md5(varchar)", "host(text)", "unnest(text[])",
    "jsonb_build_object(text, text)", "pg_try_advisory_lock(bigint)", "pg_advisory_unlock(bigint)",
    "row_number(int)", "aclexplode(aclitem[])", "statement_timeout()", "publish_strategies(jsonb)",
    "setting(text)", "cancel_job(bigint)", "queue_health()", "pg_backend_pid()", "clock_timestamp()",
)  # fmt: skip

# Names of the desk's own tables and of the server's catalogs.
TABLES = (
    "jobs", "strategies", "settings", "backtest_results", "price_coverage", "runner_status", "chores",
    "schema_migrations", "schema_topics", "pg_roles", "pg_class", "pg_proc", "pg_database",
    "pg_namespace", "pg_db_role_setting", "pg_stat_activity", "pg_locks", "pg_auth_members",
    "optimization_runs", "job_progress",
)  # fmt: skip

CASTS = """
create type analytics.thing as (a int);
create function analytics.to_thing(a text) returns analytics.thing language plpgsql as
  $$begin perform analytics.sprung('cast from text'); return row(1); end$$;
create function analytics.from_thing(a analytics.thing) returns text language plpgsql as
  $$begin perform analytics.sprung('cast to text'); return ''; end$$;
create cast (text as analytics.thing) with function analytics.to_thing(text) as implicit;
create cast (analytics.thing as text) with function analytics.from_thing(analytics.thing) as implicit;
create domain analytics.text as text check (analytics.sprung('domain') is not null);
"""

PAGES = ("leaderboard", "strategy", "run", "walk_forward", "queue", "new_job", "monitor")


@pytest.fixture(scope="module")
def planted(built_desk: Desk) -> Desk:
    built_desk.publish_strategies()
    board_rows.fill(built_desk)
    with built_desk.connect("dbt") as dbt:
        mark = f"Built by dbt from {analytics.fingerprint(analytics.PROJECT)}"
        dbt.execute(sql.SQL("comment on schema analytics is {}").format(sql.Literal(mark)))
        dbt.execute(TRAP.encode())
        for number, (left, right) in enumerate(PAIRS):
            for kind, body in (("boolean", "true"), ("text", "''")):
                dbt.execute(
                    f"create function analytics.trap_{number}_{kind}(a {left}, b {right}) returns {kind}"
                    f" language plpgsql as $$begin perform analytics.sprung('operator of {left}, {right}');"
                    f" return {body}; end$$".encode()
                )
            for name in OPERATORS:
                kind = "text" if name in ("||", "+", "-", "->>") else "boolean"
                dbt.execute(
                    f"create operator analytics.{name} (leftarg = {left}, rightarg = {right},"
                    f" function = analytics.trap_{number}_{kind})".encode()
                )
        for signature in FUNCTIONS:
            name, _, arguments = signature.partition("(")
            dbt.execute(
                f'create function analytics."{name}"({arguments} returns text language plpgsql as'
                f" $$begin perform analytics.sprung('{signature}'); return ''; end$$".encode()
            )
        dbt.execute(CASTS.encode())
        for table in TABLES:
            dbt.execute(
                f"create view analytics.{table} as select analytics.sprung('view {table}') as id;"
                f" grant select on analytics.{table} to public".encode()
            )
    return built_desk


class Log:
    """What the traps have written since the last look."""

    def __init__(self, desk: Desk) -> None:
        self._file = embedded.log_file(desk.settings)
        self._read = self._file.stat().st_size

    def sprung(self) -> list[str]:
        with self._file.open("rb") as file:
            file.seek(self._read)
            text = file.read().decode(errors="replace")
        self._read += len(text.encode())
        return [line.partition("SPRUNG ")[2] for line in text.splitlines() if "SPRUNG " in line]


@pytest.fixture
def log(planted: Desk) -> Log:
    return Log(planted)


def test_the_trap_works(planted: Desk, log: Log) -> None:
    with planted.connect("admin") as admin:
        admin.execute("set search_path = desk, analytics")
        admin.execute("select from pg_db_role_setting where setrole = 'desk_viewer'::regrole")
        admin.execute("select format('%I', rolname) from pg_roles")
        admin.execute("select * from analytics.jobs")
    found = log.sprung()
    assert any(line.startswith("operator of oid, regrole by postgres") for line in found)
    assert any(line.startswith("format(text, name) by postgres") for line in found)
    assert any(line.startswith("view jobs by postgres") for line in found)


def test_up_calls_nothing(planted: Desk, log: Log) -> None:
    """Roles, migrator, strategies, whether dbt's views are there, and their bare names."""
    with planted.connect("owner") as owner:
        owner.execute("drop view marts.fee_drag")
    bring_up(planted.settings)
    with planted.connect("viewer") as viewer:
        viewer.execute("select from fee_drag")
    assert log.sprung() == []


def test_backup_doctor_and_status_call_nothing(planted: Desk, log: Log, tmp_path: Path) -> None:
    dump.backup(planted.settings, tmp_path / "desk.dump")
    dump.contents(planted.settings)
    dump.runners_alive(planted.settings)
    warned = {finding.about: finding for finding in findings(planted.settings)}["analytics"]
    assert "holds more than tables and views" in warned.found
    with planted.connect("viewer") as viewer:
        assert "next     " in status.page(viewer)
    assert log.sprung() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("psql", "-Atc", "select * from strategy_leaderboard limit 10"),
        (
            "psql",
            "-Atc",
            "select count(*), max(id), format('%s', max(strategy)) from jobs"
            " where created_at < now() - interval '1 day' and priority = 5 and strategy = 'x'",
        ),
        ("psql", "-c", r"\d+ jobs", "-c", r"\df desk.*", "-c", r"\du"),
        ("leaderboard",),
        ("strategies", "list"),
    ],
)
def test_commands_call_nothing(planted: Desk, log: Log, arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "runners.cli", *arguments],
        env={**os.environ, **planted.environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert log.sprung() == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.usefixtures("planted")
def test_no_page_calls_anything(log: Log, name: str) -> None:
    def script(name: str) -> None:
        from importlib import import_module

        getattr(import_module(f"streamlit_app.{name}.page"), name)()

    page = AppTest.from_function(script, kwargs={"name": name}, default_timeout=30).run()
    assert not page.exception
    assert log.sprung() == []


def test_migrating_calls_nothing(planted: Desk, log: Log) -> None:
    """Every topic is made anew, and dbt's views are dropped, as where they stand in the way."""
    with planted.connect("owner") as owner:
        owner.execute("update desk.schema_topics set sha256 = ''")
    with planted.connect("admin") as admin:
        assert migrator.migrate(admin).topics
        with admin.transaction(force_rollback=True):
            assert migrator._drop_analytics_views(admin) > len(TABLES)
        bound = admin.execute(
            "select pg_describe_object(classid, objid, 0) from pg_depend"
            " where refobjid in (select oid from pg_operator where oprnamespace = 'analytics'::regnamespace"
            " union all select oid from pg_proc where pronamespace = 'analytics'::regnamespace)"
            " and pg_describe_object(classid, objid, 0) !~ 'analytics|constraint text_check'"
        ).fetchall()
    assert bound == []
    assert log.sprung() == []


def test_restore_calls_nothing(planted: Desk, log: Log, tmp_path: Path) -> None:
    """The last, since it takes the traps away."""
    dump.backup(planted.settings, tmp_path / "desk.dump")
    dump.restore(planted.settings, tmp_path / "desk.dump")
    assert log.sprung() == []
