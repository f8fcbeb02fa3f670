"""Hostile text as parameters, names, configs and tokens: kept to the letter or refused, never executed.

Seeded, so that what failed once fails again. A few hundred in the fast test, ten thousand in the long one.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from testing.desks import Desk

pytestmark = pytest.mark.security

FRAGMENTS = (
    "'; drop table desk.jobs; --", "'); delete from desk.strategies; --", '"; drop schema desk cascade; --',
    "$$; select pg_sleep(9); $$", "$body$ end $body$", "\\'; truncate desk.settings; --", "'||(select 1)||'",
    "' or '1'='1", "%s %(name)s %1$s %I %L %%", "{{ 7 * 7 }}", "{% for x in y %}", "${HOME}", "`id`", "$(id)",
    "/* */ -- ", "E'\\x27'", "U&'\\0027'", "::regclass", "pg_sleep(9)", "../../etc/passwd", "file:///etc/passwd",
    "!!python/object/apply:os.system ['id']", "__import__('os').system('id')", "<script>alert(1)</script>",
    "\u202e", "\u200b", "\ufeff", "\U0001f4a3", "e\u0301", "\x01", "\x1b[2J", "\x7f", "\r\n", "\t", " ",
    "\\", "'", '"', ";", "null", "NaN", "Infinity", "-0", "1e999", "9" * 400, "a" * 3000,
    "[" * 40, '{"a": ' * 20,
    "fast < slow", "fast < 1; drop table x", "create role boss superuser", "set role desk_owner",
    "reset role", "copy desk.jobs to program 'id'", "select 1\\; select 2", "\\! id", "\\copy x",
    "\\restrict",
)  # fmt: skip
NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
TABLES = ("jobs", "optimization_runs", "settings", "strategies", "strategy_parameters", "metric_definitions")


def texts(count: int, seed: int) -> Iterator[str]:
    """One to four fragments in any order, with letters of any alphabet between them; never a NUL."""
    chance = random.Random(seed)
    for _ in range(count):
        parts = chance.choices(FRAGMENTS, k=chance.randint(1, 4))
        letter = chr(
            chance.choice(
                (chance.randint(1, 0x7F), chance.randint(0xA0, 0xD7FF), chance.randint(0x10000, 0x10FFFF))
            )
        )
        text = letter.join(parts)[:5000]
        # Numbers are kept in one spelling, which is another test's promise.
        yield f"{text}." if NUMBER.fullmatch(text) else text


class Attacker:
    """A director, an importer and a runner who mean harm; counts what became of each attempt."""

    def __init__(self, desk: Desk) -> None:
        self.director = desk.connect("director")
        self.importer = desk.connect("importer")
        self.runner = desk.connect("runner")
        self.strategy_id = self._value(self.importer, "select id from strategies order by id limit 1")
        self.run_id = self._value(
            self.importer,
            "insert into optimization_runs (strategy_id, config_file, optimization_type, target_metric,"
            " total_combinations, status) values (%s, 'x', 'Grid Search', 'Sharpe Ratio', 1, 'running')"
            " returning id",
            self.strategy_id,
        )
        for connection in (self.director, self.importer, self.runner):
            connection.execute("set statement_timeout = '10s'")
        self.kept = self.refused = 0

    @staticmethod
    def _value(connection: psycopg.Connection[Any], query: str, *parameters: object) -> Any:
        row = connection.execute(query, parameters).fetchone()
        assert row is not None
        return row[0]

    def attempts(
        self, text: str
    ) -> Iterator[tuple[psycopg.Connection[Any], str, tuple[object, ...], object]]:
        """Each a statement that answers what it has kept, its parameters, and what that should be."""
        config = {
            "symbols": [text],
            "notes": text,
            "optimization": {"parameters": {text: [text]}, "constraints": [text], "target_metric": text},
            text: text,
        }
        director, importer, runner = self.director, self.importer, self.runner
        yield (
            director,
            "insert into jobs (kind, config, notes) values ('optimization', %s, %s) returning config",
            (Jsonb(config), text),
            config,
        )
        yield (
            director,
            "insert into jobs (strategy, config) values (%s, '{}') returning strategy",
            (text,),
            text,
        )
        yield (
            director,
            "insert into jobs (kind, config) values ('load_prices', %s) returning config",
            (Jsonb({"source": text}),),
            {"source": text},
        )
        yield director, "select every('1 day', 'dbt_refresh', p_name => %s)", (text,), None
        yield director, "select pause_recurring(%s)", (text,), None
        yield director, "select validate_config(%s, %s)", (text, Jsonb(config)), None
        yield director, "select move_strategy(%s, %s, %s)", (text, text, text), None
        yield (
            director,
            "update strategies set notes = %s where id = %s returning notes",
            (text, self.strategy_id),
            text,
        )
        yield (
            director,
            "update settings set value = %s where name = 'time_zone' returning value",
            (Jsonb(text),),
            None,
        )
        yield (
            importer,
            "insert into backtest_results (optimization_run_id, strategy_id, parameters, sharpe_ratio)"
            " values (%s, %s, %s, 1) returning parameters",
            (self.run_id, self.strategy_id, Jsonb({text: text, "rsi_period": "14"})),
            {text: text, "rsi_period": 14},
        )
        yield (
            runner,
            "select register_runner(%s, 1, %s, array[%s], 1, %s, false, %s)",
            (
                text,
                text,
                text,
                text,
                Jsonb([{"name": text, "code": text, "code_hash": text, "parameters": []}]),
            ),
            None,
        )
        yield runner, "select fail_work(1, gen_random_uuid(), 1, %s, %s)", (text, text), None
        yield runner, "select load_instrument(%s, %s)", (text, text), None
        yield runner, "select host_is_alive(%s)", (text,), False

    def attack(self, text: str) -> None:
        for connection, query, parameters, wanted in self.attempts(text):
            try:
                with connection.transaction():
                    found = self._value(connection, query, *parameters)
                    if wanted is not None:
                        assert found == wanted or _canonical(found) == _canonical(wanted), query
                    self.kept += 1
                    # A desk full of these would slow the next ones down.
                    raise psycopg.Rollback
            except psycopg.errors.QueryCanceled:
                pytest.fail(f"it ran, or hung: {query} with {text!r}")
            except psycopg.Error as error:
                # A refusal of ours, a constraint, or a value that no type takes. 42 would be SQL that was
                # parsed out of the text, XX an error inside the server.
                if (error.sqlstate or "")[:2] not in ("22", "23", "54"):
                    pytest.fail(f"{error.sqlstate} {error}: {query} with {text!r}")
                self.refused += 1


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def counts(desk: Desk) -> list[Any]:
    with desk.connect("admin") as admin:
        found = [admin.execute(f"select count(*) from desk.{table}").fetchone() for table in TABLES]
        roles = admin.execute(
            "select count(*), bool_or(rolsuper and rolname like 'desk%') from pg_roles"
        ).fetchone()
        functions = admin.execute(
            "select count(*) from pg_proc where pronamespace = 'desk'::regnamespace"
        ).fetchone()
    return [*found, roles, functions]


def siege(desk: Desk, count: int, seed: int) -> None:
    desk.publish_strategies()
    attacker = Attacker(desk)
    before = counts(desk)
    for text in texts(count, seed):
        attacker.attack(text)
    assert counts(desk) == before
    assert attacker.kept > count
    assert attacker.refused > count
    assert attacker.kept + attacker.refused == 14 * count


def test_hostile_text_is_kept_or_refused_and_never_executed(fresh_desk: Desk) -> None:
    siege(fresh_desk, 150, 1)


def test_sql_that_is_put_together_out_of_a_text_would_be_noticed(fresh_desk: Desk) -> None:
    with fresh_desk.connect("admin") as admin:
        admin.execute(
            "create or replace function desk.pause_recurring(p_name text) returns text language plpgsql"
            " security definer set search_path = desk, pg_temp as"
            " $$ begin execute 'select 1 where ''x'' = ''' || p_name || ''''; return ''; end $$"
        )
    with pytest.raises(pytest.fail.Exception, match="select pause_recurring"):
        siege(fresh_desk, 150, 1)


@pytest.mark.long
def test_ten_thousand_hostile_texts(fresh_desk: Desk) -> None:
    siege(fresh_desk, 10_000, 2)


def test_a_nul_and_a_broken_document_never_reach_the_desk(fresh_desk: Desk) -> None:
    with fresh_desk.connect("director") as director:
        for config in ('{"notes": "\\u0000"}', '{"a": 1', "[1, 2]", '"text"', "null", "1e999999"):
            with pytest.raises(psycopg.Error) as refused:
                director.execute("insert into jobs (strategy, config) values ('x', %s)", [config])
            assert refused.value.sqlstate is not None
            assert refused.value.sqlstate[:2] in ("22", "23"), (config, refused.value)
        with pytest.raises((psycopg.DataError, ValueError)):
            director.execute("insert into jobs (strategy) values (%s)", ["a\0b"])


STATEMENTS = (
    "select from desk.jobs",
    "select from analytics.strategy_leaderboard",
    "insert into desk.jobs (kind) values ('dbt_refresh')",
    "select desk.cancel_job(1)",
    "create table desk.mine (a int)",
    "create temporary table mine (a int)",
    "create schema mine",
)


def test_a_role_that_nobody_granted_anything_can_do_nothing(fresh_desk: Desk) -> None:
    with fresh_desk.connect("admin") as admin:
        admin.execute("create role desk_test_stranger nologin")
        try:
            callable_ones = admin.execute(
                "select p.oid::regprocedure::text from pg_proc as p"
                " where p.pronamespace in ('desk'::regnamespace, 'analytics'::regnamespace)"
                " and has_function_privilege('desk_test_stranger', p.oid, 'execute')"
            ).fetchall()
            readable = admin.execute(
                "select c.oid::regclass::text from pg_class as c"
                " where c.relnamespace in ('desk'::regnamespace, 'analytics'::regnamespace)"
                " and c.relkind in ('r', 'v', 'm', 'p', 'S')"
                " and case c.relkind when 'S' then has_sequence_privilege(%(role)s, c.oid, 'usage')"
                " else has_any_column_privilege(%(role)s, c.oid, 'select,insert,update,references')"
                " or has_table_privilege(%(role)s, c.oid, 'delete,truncate,trigger') end",
                {"role": "desk_test_stranger"},
            ).fetchall()
            assert (callable_ones, readable) == ([], [])
            admin.execute("set role desk_test_stranger")
            functions = admin.execute(
                "select oid::regproc::text, pronargs from pg_proc where pronamespace = 'desk'::regnamespace"
                " and prokind = 'f' and prorettype <> 'trigger'::regtype"
            ).fetchall()
            assert len(functions) > 100
            for name, arguments in functions:
                nulls = ", ".join(["null"] * arguments)
                with pytest.raises(psycopg.Error) as refused:
                    admin.execute(f"select desk.{name.removeprefix('desk.')}({nulls})")
                assert refused.value.sqlstate == "42501", (name, refused.value)
            for statement in STATEMENTS:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    admin.execute(statement)
        finally:
            admin.execute("reset role")
            admin.execute("drop role desk_test_stranger")
