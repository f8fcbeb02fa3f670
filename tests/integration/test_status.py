"""`backdesk status`, `doctor` and `health` say what is wrong and what to do about it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runners.cli import status
from runners.cli.doctor import findings, machine
from runners.cli.doctor.finding import Finding, Severity
from runners.settings import Settings
from testing.desks import Desk


def backdesk(desk: Desk, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runners.cli", *arguments],
        env={**os.environ, **desk.environment, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def register(desk: Desk, host: str) -> int:
    with desk.connect("runner") as runner:
        row = runner.execute(
            "select desk.register_runner(%s, 1, '0.1', '{backtrader,prices}', 2, 'linux', false, '[]')",
            [host],
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="module")
def with_views(built_desk: Desk) -> Desk:
    built_desk.publish_strategies()
    return built_desk


def test_without_views_there_is_no_status(fresh_desk: Desk) -> None:
    with fresh_desk.connect("viewer") as viewer, pytest.raises(status.NoViews, match="not built"):
        status.page(viewer)


def page(desk: Desk) -> str:
    with desk.connect("viewer") as viewer:
        return status.page(viewer)


def test_an_empty_desk_has_nothing_to_do(with_views: Desk) -> None:
    done = backdesk(with_views, "status")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("next     Nothing")
    assert "runners  0 alive" in done.stdout


def test_work_without_a_runner_says_what_to_do(with_views: Desk) -> None:
    with with_views.connect("director") as director:
        director.execute("insert into jobs (kind, config, notes) values ('dbt_refresh', '{}', 'x')")
        director.execute("select every('1 day', 'load_prices', p_config => '{\"source\": \"sample\"}')")
    shown = page(with_views)
    assert "no runner is alive. Start one: backdesk work" in shown
    assert "load_prices" in shown
    assert "1 day" in shown
    register(with_views, "a\nb\x1b[31m")
    shown = page(with_views)
    assert "a b [31m" in shown
    assert "\x1b" not in shown


def test_a_task_that_no_runner_takes_says_what_it_needs(with_views: Desk) -> None:
    said: list[str] = []
    register(with_views, "without dbt")
    with with_views.connect("director") as director:
        director.execute("select cancel_job(id) from jobs where state = 'waiting'")
        director.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
        director.execute("insert into jobs (kind) values ('dbt_refresh')")
    assert re.search(r"Job \d+ waits: no live runner takes tasks of kind dbt_refresh\. .*--dbt", said[0])
    shown = page(with_views)
    assert "no live runner takes tasks of kind dbt_refresh. Start one that does: backdesk work --dbt" in shown


def test_what_is_dead_or_failed_is_named_with_its_reason(with_views: Desk) -> None:
    with with_views.connect("admin") as admin:
        admin.execute(
            "update desk.jobs set state = 'failed', error = E'the source is gone\\nline two',"
            " finished_at = now() where state = 'waiting'"
        )
        admin.execute("update desk.work_items set state = 'cancelled' where state = 'waiting'")
        admin.execute("update desk.chores set last_error = 'no room' where name = 'prune'")
        admin.execute(
            "insert into desk.optimization_runs (strategy_id, config_file, optimization_type, target_metric,"
            " total_combinations, status)"
            " select id, 'x', 'Grid Search', 'Sharpe Ratio', 9, 'running' from desk.strategies limit 1"
        )
        admin.execute(
            "insert into desk.backtest_results (optimization_run_id, strategy_id, ordinal, parameters,"
            " outcome, error_kind, error)"
            " select r.id, r.strategy_id, n, '{}', 'failed', 'strategy', 'KeyError: slow'"
            " from desk.optimization_runs as r, generate_series(1, 2) as n"
        )
        admin.execute("update desk.run_progress set failed = 2")
    shown = page(with_views)
    assert re.search(r"Job \d+ failed: the source is gone\. Once that is mended, insert it again", shown)
    assert re.search(r"dead points of the last day\n.*\n.*\n.* 2  strategy  KeyError: slow", shown)
    assert re.search(r"failed jobs of the last day\n.*\n.*\n.*dbt_refresh .* the source is gone", shown)
    assert "line two" not in shown
    assert re.search(r"chores that failed\n.*\n.*\nprune  no room", shown)
    with with_views.connect("admin") as admin:
        admin.execute("update desk.chores set last_error = null")
        admin.execute("delete from desk.backtest_results")
        admin.execute("delete from desk.jobs where state = 'failed'")


def test_health_is_of_this_host(with_views: Desk) -> None:
    register(with_views, "elsewhere")
    assert backdesk(with_views, "health").returncode == 1
    register(with_views, socket.gethostname())
    assert backdesk(with_views, "health").returncode == 0


def about(desk: Desk) -> dict[str, Finding]:
    return {finding.about: finding for finding in findings(desk.settings)}


def test_doctor_finds_what_is_missing(with_views: Desk) -> None:
    found = about(with_views)
    assert found["server"].severity is Severity.ok
    assert found["migrations"].severity is Severity.ok
    assert found["prices"].severity is Severity.warning
    assert found["prices"].todo == "backdesk load sample"
    assert found["dbt's views"].severity is Severity.ok
    with with_views.connect("admin") as admin:
        admin.execute("comment on schema analytics is 'Built by dbt from other files'")
        admin.execute("update desk.chores set last_error = 'no' where name = 'prune'")
        admin.execute("update desk.schema_topics set sha256 = '' where name = 'queue/claims.sql'")
    found = about(with_views)
    assert found["dbt's views"].todo == "backdesk up"
    assert "prune: no" in found["chores"].found
    assert found["migrations"].severity is Severity.warning
    assert backdesk(with_views, "doctor").returncode == 1


def test_doctor_tells_of_a_clock_that_was_set_back(with_views: Desk) -> None:
    with with_views.connect("admin") as admin:
        admin.execute(
            "insert into desk.runners (host, pid, version, engines, processes, platform, heartbeat_at)"
            " values ('here', 1, '0', '{backtrader}', 1, 'x', now() + interval '2 hours')"
        )
        found = about(with_views)["clock"]
        assert found.severity is Severity.warning
        assert "ahead of the server's clock, which was set back" in found.found
        admin.execute("select desk.follow_clock()")
    assert about(with_views)["clock"].severity is Severity.ok


def test_doctor_without_a_server_says_so_and_ends_with_two(with_views: Desk, tmp_path: Path) -> None:
    done = backdesk(with_views, "doctor", BACKDESK_HOME=str(tmp_path), DATABASE_URL="")
    assert done.returncode == 2
    assert "broken   server: the desk's database is not running" in done.stdout
    assert "warning  data folder" in done.stdout
    assert "migrations" not in done.stdout


@pytest.mark.parametrize(("free", "severity"), [(1e8, "broken"), (3e9, "warning"), (1e11, "ok")])
def test_a_full_disk_is_broken(monkeypatch: pytest.MonkeyPatch, free: float, severity: str) -> None:
    class Usage:
        def __init__(self) -> None:
            self.free = free

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage())
    assert machine.disk_space(Settings(home=Path("/"))).severity.name == severity


def test_a_check_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch, with_views: Desk) -> None:
    def check(_: Settings) -> Any:
        raise OSError("no such thing")

    monkeypatch.setattr(machine, "CHECKS", (check,))
    first = next(iter(findings(with_views.settings)))
    assert (first.severity, first.found) == (Severity.broken, "no such thing")
