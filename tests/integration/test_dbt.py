"""What dbt builds: tested by dbt itself, replaced under its readers, readable, and described."""

from __future__ import annotations

import threading
from collections import Counter

import psycopg
import pytest
import yaml

from runners import dbt
from testing.desks import Desk
from tests import board_rows

MARTS = (
    "strategy_leaderboard",
    "result_leaderboard",
    "daily_summary",
    "optimization_summary",
    "rejection_summary",
    "fee_drag",
    "queue_health",
    "search_progress",
    "parameter_sensitivity",
    "walk_forward_summary",
    "walk_forward_fold_summary",
    "live_daily_pnl",
    "risk_event_summary",
    "execution_quality",
)


def test_every_mart_is_listed_here_and_keeps_a_contract() -> None:
    folder = dbt.PROJECT / "models" / "marts"
    assert sorted(file.stem for file in folder.glob("*.sql")) == sorted(MARTS)
    for mart in MARTS:
        (model,) = yaml.safe_load((folder / f"{mart}.yml").read_text())["models"]
        assert model["config"]["contract"] == {"enforced": True}, mart
        assert all("data_type" in column for column in model["columns"]), mart


@pytest.fixture(scope="module", autouse=True)
def filled(built_desk: Desk) -> Desk:
    board_rows.fill(built_desk)
    return built_desk


def test_all_of_dbts_tests_pass_and_no_reader_misses_a_view(
    built_desk: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    """`dbt build` replaces every view and runs every test while others read; none of them fails."""
    over, failures, reads = threading.Event(), list[BaseException](), Counter[str]()

    def read(mart: str) -> None:
        try:
            with built_desk.connect("viewer") as viewer:
                while not over.is_set():
                    viewer.execute(f"select * from {mart}").fetchall()
                    reads[mart] += 1
                    over.wait(0.02)
        except psycopg.Error as error:
            failures.append(error)

    readers = [threading.Thread(target=read, args=[mart]) for mart in MARTS[:3]]
    for reader in readers:
        reader.start()
    try:
        code = dbt.run(["--no-use-colors", "build"], settings=built_desk.settings)
        said = capfd.readouterr().out
        # On a busy machine a read may take longer than dbt waits.
        for _ in range(4):
            if code and "is busy with readers" in said:
                code = dbt.run(["--no-use-colors", "retry"], settings=built_desk.settings)
                said = capfd.readouterr().out
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert code == 0, said
    assert failures == []
    assert min(reads[mart] for mart in MARTS[:3]) > 10


@pytest.mark.parametrize("role", ["viewer", "director"])
def test_marts_answer_to_their_bare_names(built_desk: Desk, role: str) -> None:
    with built_desk.connect(role) as reader:
        counts = {mart: len(reader.execute(f"select * from {mart} limit 10").fetchall()) for mart in MARTS}
    assert counts == {
        "strategy_leaderboard": 3,
        "result_leaderboard": 5,
        "daily_summary": 1,
        "optimization_summary": 3,
        "rejection_summary": 3,
        "fee_drag": 3,
        "queue_health": 1,
        "search_progress": 5,
        "parameter_sensitivity": 6,
        "walk_forward_summary": 0,
        "walk_forward_fold_summary": 0,
        "live_daily_pnl": 0,
        "risk_event_summary": 0,
        "execution_quality": 0,
    }


@pytest.mark.parametrize(
    "statement",
    [
        "insert into strategies (name, entry_point) values ('mine', 'mine')",
        "create view analytics.mine as select 1",
        "drop view strategy_leaderboard",
    ],
)
def test_the_viewer_changes_nothing(built_desk: Desk, statement: str) -> None:
    with built_desk.connect("viewer") as viewer:
        # Its sessions are read-only, and lifting that does not help.
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            viewer.execute(statement)
        viewer.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            viewer.execute(statement)


def test_what_dbt_builds_is_read_by_two_roles_and_by_nobody_else(built_desk: Desk) -> None:
    with built_desk.connect("dbt") as reader:
        found = reader.execute(
            "select distinct a.grantee::regrole::text, a.privilege_type, a.is_grantable"
            " from pg_class as c, aclexplode(c.relacl) as a"
            " where c.relnamespace = 'analytics'::regnamespace and a.grantee <> c.relowner"
        ).fetchall()
        others = reader.execute(
            "select relname from pg_class"
            " where relnamespace = 'analytics'::regnamespace and relowner <> 'desk_dbt'::regrole"
        ).fetchall()
    assert set(found) == {("desk_viewer", "SELECT", False), ("desk_director", "SELECT", False)}
    assert others == []


def test_every_view_and_every_column_is_described(built_desk: Desk) -> None:
    with built_desk.connect("dbt") as reader:
        silent = reader.execute(
            "select c.relname, a.attname from pg_class as c"
            " join pg_attribute as a on a.attrelid = c.oid and a.attnum >= 0 and not a.attisdropped"
            " where c.relnamespace = 'analytics'::regnamespace and c.relkind = 'v'"
            " and col_description(c.oid, a.attnum) is null"
            " union all"
            " select c.relname, null from pg_class as c"
            " where c.relnamespace = 'analytics'::regnamespace and obj_description(c.oid, 'pg_class') is null"
        ).fetchall()
    assert silent == []


def test_nothing_in_desk_depends_on_analytics(built_desk: Desk) -> None:
    with built_desk.connect("owner") as owner, owner.transaction(force_rollback=True):
        # Of all that is, only the views of `marts` may stand on them.
        owner.execute("drop schema marts cascade")
        owner.execute("set local role desk_dbt")
        views = owner.execute(
            "select string_agg(oid::regclass::text, ', ') from pg_class"
            " where relnamespace = 'analytics'::regnamespace and relkind = 'v'"
        ).fetchone()
        # Without cascade this fails when anything outside stands on them.
        owner.execute(f"drop view {(views or [''])[0]}")


def test_changed_columns_and_a_reader_that_holds_a_view_are_overcome(
    built_desk: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    """The view with other columns is made anew, the one that is held once its reader has gone."""
    with built_desk.connect("admin") as admin:
        admin.execute("drop view analytics.rejection_summary cascade")
        admin.execute("create view analytics.rejection_summary as select 1 as other")
        admin.execute("alter view analytics.rejection_summary owner to desk_dbt")
        admin.execute(f"alter role desk_dbt in database {built_desk.name} set lock_timeout = '0.3s'")
        held, over, said = threading.Event(), threading.Event(), ""

        def hold() -> None:
            nonlocal said
            with built_desk.connect("viewer", autocommit=False) as reader:
                reader.execute("select from analytics.stg_settings")
                held.set()
                while "attempt 1 of" not in said and not over.is_set():
                    said += capfd.readouterr().out
                    over.wait(0.05)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(10)
        try:
            dbt.build(built_desk.settings)
        finally:
            over.set()
            holder.join()
        found = admin.execute(
            "select strategy, reason, rejected from analytics.rejection_summary limit 1"
        ).fetchone()
    assert found == ("calm", "Insufficient trades", 1)
    assert said == "dbt's views are busy with readers (attempt 1 of 5)\n"


def test_what_dbt_says_when_it_fails_reaches_the_user(built_desk: Desk) -> None:
    with built_desk.connect("owner") as owner:
        owner.execute("revoke usage on schema desk from desk_dbt")
        try:
            with pytest.raises(dbt.DbtFailed) as failed:
                dbt.build(built_desk.settings)
        finally:
            owner.execute("grant usage on schema desk to desk_dbt")
    assert "permission denied" in (failed.value.detail or "")
    assert "dbt.log" in (failed.value.hint or "")
