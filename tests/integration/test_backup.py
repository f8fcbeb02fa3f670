"""A desk goes into a file and comes out of it the same; what would be lost is not overwritten unasked."""

from __future__ import annotations

import lzma
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runners.database import dump
from runners.database.clients import NoClient, client
from runners.database.schema_files import MigrationError, read_schema
from runners.settings import Settings
from testing import desks
from testing.desks import Desk

STORED = Path(__file__).parent / "stored" / "desk_at_version_21.dump.xz"
BOARD = "select strategy, sharpe_ratio, parameters from analytics.result_leaderboard order by rank"


def backdesk(desk: Desk, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runners.cli", *map(str, arguments)],
        env={**os.environ, **desk.environment, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def rows(desk: Desk, query: str) -> list[tuple[Any, ...]]:
    with desk.connect("admin") as admin:
        return admin.execute(query).fetchall()


def schema_of(desk: Desk) -> str:
    """The whole definition with its privileges, as pg_dump writes it."""
    done = subprocess.run(
        [
            client("pg_dump", dump.server_major(desk.settings)),
            "--schema=desk",
            "--schema-only",
            desk.conninfo("owner"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    # Conditions that were joined by `between` come back with fewer parentheses.
    return re.sub(r"(?m)^\\(un)?restrict .*$|[()]", "", done.stdout)


@pytest.fixture(scope="module")
def full(built_desk: Desk) -> Desk:
    """A desk with results, a board, a curve and a recurring job."""
    desk = built_desk
    desk.publish_strategies()
    with desk.connect("importer") as importer:
        importer.execute(
            "insert into optimization_runs (strategy_id, config_file, optimization_type, target_metric,"
            " total_combinations, status) select id, 'rsi.yaml', 'Grid Search', 'Sharpe Ratio', 72, 'running'"
            " from strategies order by id limit 1"
        )
        importer.cursor().executemany(
            "insert into backtest_results (optimization_run_id, strategy_id, parameters, sharpe_ratio,"
            " total_return, total_trades, total_orders, fee_pct) select r.id, r.strategy_id,"
            " jsonb_build_object('rsi_period', %s::int), %s, 0.15, 120, 240, 0.01"
            " from optimization_runs as r",
            [(period, period / 10) for period in range(5, 20)],
        )
    with desk.connect("director") as director:
        director.execute("select every('1 day', 'dbt_refresh', p_name => 'nightly')")
        director.execute("""update settings set value = '"America/New_York"' where name = 'time_zone'""")
    return desk


@pytest.fixture(scope="module")
def file(full: Desk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backup") / "my desk.dump"
    done = backdesk(full, "backup", path)
    assert done.returncode == 0, done.stderr
    assert "0 price series, 0 jobs, 15 results" in done.stdout
    assert [one.name for one in path.parent.iterdir()] == ["my desk.dump"]
    assert path.stat().st_mode & 0o077 == 0
    return path


@pytest.fixture
def empty(server: Settings) -> Iterator[Desk]:
    """A database name, and no database yet."""
    with desks.empty(server) as desk:
        yield desk


def test_what_comes_out_is_what_went_in(full: Desk, file: Path, empty: Desk) -> None:
    done = backdesk(empty, "restore", file)
    assert done.returncode == 0, done.stderr
    assert "15 results restored" in done.stdout
    assert rows(empty, BOARD) == rows(full, BOARD) != []
    for table in ("backtest_results", "jobs", "job_events", "recurring_jobs", "settings", "strategies"):
        query = f"select count(*), md5(string_agg(t::text, '' order by t::text)) from desk.{table} as t"
        assert rows(empty, query) == rows(full, query), table
    assert schema_of(empty) == schema_of(full)
    with empty.connect("director") as director:
        director.execute("select every('1 day', 'dbt_refresh', p_name => 'another')")
    # It holds results now.
    done = backdesk(empty, "restore", file)
    assert done.returncode == 1
    assert "15 results" in done.stderr
    assert "--replace" in done.stderr
    assert rows(empty, "select count(*) from desk.recurring_jobs") == [(2,)]
    with empty.connect("runner") as runner:
        runner.execute("select desk.register_runner('h', 1, '0', '{backtrader}', 1, 'p', false, '[]')")
    assert "1 runners are working on this desk" in backdesk(empty, "restore", file, "--replace").stderr


def test_prices_and_jobs_are_not_replaced_unasked(file: Path, fresh_desk: Desk) -> None:
    with fresh_desk.connect("director") as director:
        director.execute("insert into jobs (kind) values ('dbt_refresh')")
    done = backdesk(fresh_desk, "restore", file)
    assert done.returncode == 1
    assert "0 price series, 1 jobs, 0 results" in done.stderr
    with fresh_desk.connect("director") as director:
        director.execute("select load_instrument('ZZ', 'ZZ')")
    with fresh_desk.connect("admin") as admin:
        admin.execute("truncate desk.jobs cascade")
        admin.execute(
            "insert into desk.price_versions (instrument_id, timeframe, version, source, content_hash,"
            " bar_count, first_bar, last_bar)"
            " select id, '1d', 1, 'x', repeat('0', 64), 1, now(), now() from desk.instruments"
        )
    assert "1 price series, 0 jobs, 0 results" in backdesk(fresh_desk, "restore", file).stderr
    done = backdesk(fresh_desk, "restore", file, "--replace")
    assert done.returncode == 0, done.stderr
    assert "0 price series, 0 jobs, 15 results restored" in done.stdout


def test_a_dump_that_is_killed_leaves_no_file_of_that_name(full: Desk, tmp_path: Path) -> None:
    """The lock holds pg_dump up in the middle; then all of the command is killed."""
    path = tmp_path / "desk.dump"
    with full.connect("admin", autocommit=False) as holder:
        holder.execute("lock table desk.equity_curves in access exclusive mode")
        process = subprocess.Popen(
            [sys.executable, "-m", "runners.cli", "backup", str(path)],
            env={**os.environ, **full.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        partial = tmp_path / "desk.dump.partial"
        deadline = time.monotonic() + 30
        while not partial.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert partial.exists()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    assert not path.exists()
    assert backdesk(full, "backup", path).returncode == 0
    assert [one.name for one in tmp_path.iterdir()] == ["desk.dump"]


@pytest.mark.parametrize("per_cent", [30, 99])
def test_a_broken_file_leaves_the_desk_as_it_was(
    full: Desk, file: Path, tmp_path: Path, per_cent: int
) -> None:
    cut = tmp_path / "cut.dump"
    cut.write_bytes(file.read_bytes()[: file.stat().st_size * per_cent // 100])
    before = schema_of(full), rows(full, "select count(*) from desk.backtest_results")
    done = backdesk(full, "restore", cut, "--replace")
    assert done.returncode == 1
    assert "the desk is as it was" in done.stderr or "is no backup" in done.stderr
    assert (schema_of(full), rows(full, "select count(*) from desk.backtest_results")) == before


def test_what_is_no_backup_is_said_to_be_none(full: Desk, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.dump"
    nonsense.write_text("insert into")
    assert f"{nonsense} is no backup of a desk" in backdesk(full, "restore", nonsense, "--replace").stderr
    assert "there is no file" in backdesk(full, "restore", tmp_path / "none").stderr


def test_a_file_that_is_there_is_not_written_over(full: Desk, file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    assert "is there already" in backdesk(full, "backup", file).stderr
    assert file.read_bytes() == before
    done = backdesk(full, "backup", tmp_path, "--force")
    assert done.returncode == 1
    assert f"{tmp_path} is a folder" in done.stderr
    assert "cannot be written" in backdesk(full, "backup", tmp_path / "none" / "x.dump").stderr


def test_a_newer_backup_is_refused(full: Desk, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = dump.read(full.settings, file)
    older = replace(read_schema(), migrations=())
    monkeypatch.setattr(dump, "read_schema", lambda: replace(older, baseline=None))
    with pytest.raises(dump.BackupError, match=f"newer than this code: it is at version {version}"):
        dump.read(full.settings, file)


def test_a_backup_older_than_the_baseline_is_refused_with_the_commit_to_pass_through(
    full: Desk, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = read_schema()
    assert schema.baseline is not None
    monkeypatch.setattr(
        dump, "read_schema", lambda: replace(schema, baseline=replace(schema.baseline, version=99))
    )
    with pytest.raises(MigrationError, match="brings up to date what is at version 99 or later") as caught:
        dump.read(full.settings, file)
    assert f"the code of commit {schema.baseline.commit}" in str(caught.value.hint)


def test_a_desk_from_before_the_baseline_is_taken_over_as_it_is(
    full: Desk, empty: Desk, tmp_path: Path
) -> None:
    """The stored desk was made by the 21 migrations that the baseline replaces, with a search in it."""
    assert backdesk(full, "up").returncode == 0
    stored = tmp_path / "desk.dump"
    stored.write_bytes(lzma.decompress(STORED.read_bytes()))
    done = backdesk(empty, "restore", stored)
    assert done.returncode == 0, done.stderr
    schema = read_schema()
    assert schema.baseline is not None
    assert rows(empty, "select version, name, sha256 from desk.schema_migrations order by version")[0] == (
        schema.baseline.version,
        schema.baseline.name,
        schema.baseline.sha256,
    )
    assert schema_of(empty) == schema_of(full)
    assert rows(
        empty,
        "select parameters, round(sharpe_ratio::numeric, 12)::text from desk.backtest_results"
        " order by ordinal",
    ) == [
        ({"fast": 3, "slow": 10}, "1.300358878421"),
        ({"fast": 3, "slow": 20}, "-0.093330422038"),
        ({"fast": 5, "slow": 10}, "1.054154198334"),
        ({"fast": 5, "slow": 20}, "0.408327358103"),
    ]


def test_a_data_folder_of_another_major_version_is_refused_with_the_way_out(
    full: Desk, tmp_path: Path
) -> None:
    data = tmp_path / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("13\n")
    done = backdesk(full, "up", BACKDESK_HOME=str(tmp_path), DATABASE_URL="")
    assert done.returncode == 1
    assert "was made by PostgreSQL 13" in done.stderr
    assert "backdesk backup FILE" in done.stderr
    assert "backdesk restore FILE" in done.stderr
    assert (data / "PG_VERSION").read_text() == "13\n"


def test_a_server_that_is_too_new_for_every_program_here_is_said_to_be() -> None:
    with pytest.raises(NoClient, match="no pg_dump for PostgreSQL 99"):
        client("pg_dump", 99)
