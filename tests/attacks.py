"""What a role of the desk might try, a statement each: none may be accepted, but by those whose right it is.

`{me}` is the role, `{admin}` the installing login, `{pid}` a session of that, `{database}` the desk's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql


@dataclass(frozen=True)
class Attack:
    """`rightful` names the roles that may; `closed_by_superuser` is open where no superuser installed."""

    statement: str
    rightful: tuple[str, ...] = ()
    closed_by_superuser: bool = False

    def query(self, **names: str) -> sql.Composed:
        quoted = {name: sql.Identifier(value) for name, value in names.items() if name != "pid"}
        return sql.SQL(self.statement).format(**quoted, pid=sql.SQL(names["pid"]))


_OWNER: tuple[str, ...] = ("desk_owner",)

POWERS = (
    "alter role {me} superuser",
    "alter role {me} createrole",
    "alter role {me} createdb",
    "alter role {me} replication",
    "alter role {me} bypassrls",
    "alter role {me} connection limit 500",
    "alter role {me} valid until 'infinity'",
    "alter role {me} set session_preload_libraries = 'x'",
    "alter role {admin} password 'x'",
    "alter role {admin} set search_path = analytics",
    "grant desk_owner to {me}",
    "grant {admin} to {me}",
    "grant {me} to desk_viewer",
    "grant pg_execute_server_program to {me}",
    "grant pg_read_server_files to {me}",
    "grant pg_read_all_data to {me}",
    "grant pg_signal_backend to {me}",
    "set role {admin}",
    "set session authorization {admin}",
    "create role desk_mine",
    "drop role desk_viewer",
)

SERVER = (
    "create database mine",
    "alter database {database} set search_path = analytics",
    "alter database {database} owner to {me}",
    "comment on database {database} is 'mine'",
    "alter system set log_statement = 'all'",
    "create tablespace mine location '/tmp'",
    "copy (select 1) to program 'id'",
    "copy (select 1) to '/tmp/mine'",
    "copy desk.jobs from '/etc/passwd'",
    "select pg_read_file('/etc/passwd')",
    "select pg_read_binary_file('/etc/passwd')",
    "select pg_ls_dir('.')",
    "select pg_stat_file('postgresql.conf')",
    "select lo_import('/etc/passwd')",
    "select lo_export(1, '/tmp/mine')",
    "select * from pg_authid",
    "select * from pg_shadow",
    "select * from pg_hba_file_rules()",
    "select pg_reload_conf()",
    "select pg_rotate_logfile()",
    "select pg_switch_wal()",
    "select pg_stat_reset()",
    "select pg_backup_start('mine')",
    "select pg_create_physical_replication_slot('mine')",
    "select pg_terminate_backend({pid})",
    "select pg_cancel_backend({pid})",
    "select pg_log_backend_memory_contexts({pid})",
    "set session_replication_role = replica",
    "set log_statement = 'all'",
    "load 'mine'",
)

OBJECTS = (
    "create extension dblink",
    "create extension file_fdw",
    "create function analytics.mine() returns int language c as 'mine'",
    "create function analytics.mine() returns int language internal as 'int4pl'",
    "create foreign data wrapper mine",
    "create event trigger mine on ddl_command_end execute function desk.tg_settings_check()",
    "create publication mine for all tables",
    "create subscription mine connection 'dbname=x' publication mine",
    "create cast (text as int) with inout as implicit",
    "create operator pg_catalog.= (leftarg = oid, rightarg = regrole, function = oideq)",
    "create function pg_catalog.mine() returns int language sql as 'select 1'",
    "create schema mine",
    "create table public.mine (a int)",
)

DESK = (
    ("reassign owned by desk_owner to {me}", _OWNER),
    ("drop owned by desk_owner cascade", _OWNER),
    ("alter role desk_director set search_path = analytics", ("desk_director",)),
    ("do $$ begin perform set_config('role', 'desk_owner', false); end $$", _OWNER),
    ("create table desk.mine (a int)", _OWNER),
    ("create table marts.mine (a int)", _OWNER),
    ("create view marts.mine as select 1", _OWNER),
    ("create function desk.mine() returns int language sql as 'select 1'", _OWNER),
    (
        "create trigger mine before insert on desk.jobs for each row execute function desk.tg_jobs_plan()",
        _OWNER,
    ),
    ("create rule mine as on insert to desk.jobs do instead nothing", _OWNER),
    ("create view analytics.mine as select 1", ("desk_dbt",)),
    ("create temporary table mine (a int)", ("desk_owner", "desk_dbt")),
    ("drop table desk.jobs cascade", _OWNER),
    ("drop schema desk cascade", _OWNER),
    ("drop schema marts cascade", _OWNER),
    ("drop schema analytics cascade", ("desk_dbt",)),
    ("alter table desk.jobs owner to {me}", _OWNER),
    ("alter table desk.jobs disable trigger user", _OWNER),
    ("alter function desk.cancel_job(bigint) security invoker", _OWNER),
    ("alter function desk.cancel_job(bigint) set search_path = analytics", _OWNER),
    ("alter view desk.job_progress rename to mine", _OWNER),
    ("alter default privileges for role desk_owner grant execute on functions to public", _OWNER),
    ("do $$ begin lock table desk.jobs in access exclusive mode; end $$", _OWNER),
    ("do $$ begin lock table desk.jobs in share mode; end $$", _OWNER),
    ("truncate desk.full_results cascade", _OWNER),
    ("delete from desk.backtest_results", _OWNER),
    ("delete from desk.strategy_events", _OWNER),
    ("update desk.backtest_results set sharpe_ratio = 9", _OWNER),
    ("update desk.jobs set state = 'done'", _OWNER),
    ("update desk.work_items set state = 'done'", _OWNER),
    ("update desk.strategies set status = 'passed'", _OWNER),
    ("update desk.schema_topics set sha256 = ''", _OWNER),
    ("delete from desk.runners", _OWNER),
    ("select * from desk.schema_migrations", _OWNER),
    ("select setval('desk.jobs_id_seq', 1)", _OWNER),
    ("select desk.close_run(1, 'mine', 'mine')", _OWNER),
)

FOR_SUPERUSERS_TO_CLOSE = (
    ("select lo_from_bytea(0, 'mine')", ()),
    ("select lo_creat(-1)", ()),
    ("select pg_logical_emit_message(false, 'mine', 'mine')", ()),
    ("select pg_advisory_lock(5061994219877002371)", _OWNER),
    ("select pg_try_advisory_xact_lock(5061994219877002371)", _OWNER),
)


def attacks() -> Iterator[Attack]:
    """All of them."""
    for statement in (*POWERS, *SERVER, *OBJECTS):
        yield Attack(statement)
    for statement, rightful in DESK:
        yield Attack(statement, rightful)
    for statement, rightful in FOR_SUPERUSERS_TO_CLOSE:
        yield Attack(statement, rightful, closed_by_superuser=True)
