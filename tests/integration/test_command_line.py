"""`backdesk up`, `psql` and `down` as a person types them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from runners import __version__

BACKDESK = Path(sys.executable).with_name("backdesk")


class Terminal:
    """A shell in which one desk is the desk."""

    def __init__(self, home: Path, **variables: str) -> None:
        self.home = home
        self.environment = {**os.environ, "BACKDESK_HOME": str(home), **variables}

    def backdesk(self, *arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
        return self.run([str(BACKDESK), *arguments], **options)

    def run(self, command: list[str], *, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.environment, input=stdin, capture_output=True, text=True, timeout=300
        )


@pytest.fixture(scope="module")
def terminal() -> Iterator[Terminal]:
    """A desk that `backdesk up` has brought up."""
    folder = Path(tempfile.mkdtemp(prefix="desk of "))
    opened = Terminal(folder / "home")
    done = opened.backdesk("up")
    assert done.returncode == 0, done.stdout + done.stderr
    yield opened
    opened.backdesk("down")
    shutil.rmtree(folder)


@pytest.mark.smoke
def test_up_again_joins_what_runs(terminal: Terminal) -> None:
    done = terminal.backdesk("up")
    assert done.returncode == 0, done.stderr
    assert "already running" in done.stdout
    assert "nothing to do" in done.stdout


@pytest.mark.smoke
def test_psql_is_the_directors_and_takes_psqls_own_arguments(terminal: Terminal) -> None:
    done = terminal.backdesk("psql", "-Atc", "select current_user, 1 + 1")
    assert (done.stdout, done.stderr) == ("desk_director|2\n", "")
    done = terminal.backdesk("psql", "-At", "-v", "n=5", "-f", "-", stdin="select :n * 2;")
    assert done.stdout == "10\n"


def test_the_printed_psql_line_works_as_it_stands(terminal: Terminal) -> None:
    lines = dict(line.split(None, 1) for line in terminal.backdesk("up").stdout.splitlines() if line)
    command = shlex.split(lines["psql"])
    if shutil.which(command[0]) is None:
        pytest.skip("no psql on PATH")
    done = terminal.run([*command, "-Atc", "select current_user"])
    assert done.stdout == "desk_director\n", done.stderr
    assert lines["connection"] == command[1]


def test_another_role_may_be_chosen(terminal: Terminal) -> None:
    query = ("-Atc", "select current_user")
    assert terminal.backdesk("psql", "--role", "viewer", *query).stdout == "desk_viewer\n"
    assert terminal.backdesk("psql", "--role=viewer", *query).stdout == "desk_viewer\n"
    chosen = Terminal(terminal.home, BACKDESK_ROLE="importer")
    assert chosen.backdesk("psql", *query).stdout == "desk_importer\n"
    done = terminal.backdesk("psql", "--role", "boss", *query)
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no role boss\n  hint: ")


@pytest.mark.parametrize("arguments", [[], ["-f", "-"]])
def test_psql_stops_at_the_first_error_where_nobody_sits_before_it(
    terminal: Terminal, arguments: list[str]
) -> None:
    statements = "select 1/0; select 'went on'"
    done = terminal.backdesk("psql", "-At", *arguments, stdin=statements)
    assert (done.returncode, done.stdout) == (3, "")
    done = terminal.backdesk("psql", "-At", "-v", "ON_ERROR_STOP=0", *arguments, stdin=statements)
    assert (done.returncode, done.stdout) == (0, "went on\n")


def test_help_of_psql_says_what_is_ours(tmp_path: Path) -> None:
    done = Terminal(tmp_path / "none").backdesk("psql", "--help")
    assert done.returncode == 0
    assert "--role NAME" in done.stdout
    assert "--no-psqlrc" in done.stdout


def test_other_clients_find_the_desk_by_its_environment(terminal: Terminal) -> None:
    snippet = 'import psycopg; print(psycopg.connect(%s).execute("%s").fetchone()[0])'
    count = "select count(*) from strategy_leaderboard"
    clean = 'unset ${!PG*}; eval "$("$0" env)" && "$1" -c "$2"'
    for argument, query, answer in (
        ("", "select current_user", "desk_director"),
        ('dbname="trading", user="postgres"', "select current_user", "postgres"),
        ('dbname="trading", user="postgres"', count, "0"),
    ):
        script = snippet % (argument, query)
        done = terminal.run(["bash", "-c", clean, str(BACKDESK), sys.executable, script])
        assert (done.stdout, done.stderr) == (f"{answer}\n", "")
    done = terminal.backdesk("env", "--role", "boss")
    assert done.returncode == 2
    assert "the roles are" in done.stderr


def test_a_refusal_in_psql_has_no_context_line(terminal: Terminal) -> None:
    done = terminal.backdesk("psql", "-c", "do $$ begin raise 'no' using hint = 'yes'; end $$")
    assert done.returncode == 1
    assert done.stderr == "ERROR:  no\nHINT:  yes\n"


def test_variables_of_the_users_own_servers_do_not_lead_astray(terminal: Terminal) -> None:
    astray = Terminal(
        terminal.home, PGHOST="nowhere.invalid", PGPORT="1", PGUSER="me", PGDATABASE="x", PGOPTIONS="-c x=y"
    )
    assert astray.backdesk("psql", "-Atc", "select 1").stdout == "1\n"
    assert astray.backdesk("up").returncode == 0


def test_a_desk_that_is_down_is_said_to_be_down(tmp_path: Path) -> None:
    done = Terminal(tmp_path / "none").backdesk("psql", "-c", "select 1")
    assert done.returncode == 1
    assert done.stderr == "error: the desk's database is not running\n  hint: run `backdesk up`\n"
    assert "was not running" in Terminal(tmp_path / "none").backdesk("down").stdout


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://nobody@127.0.0.1:1/trading", "error: no connection to the database trading\n"),
        ("nonsense", "error: DATABASE_URL is not a PostgreSQL address"),
    ],
)
def test_a_server_that_cannot_be_reached_gives_no_traceback(tmp_path: Path, url: str, message: str) -> None:
    done = Terminal(tmp_path, DATABASE_URL=url).backdesk("up")
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert "  hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_down_leaves_the_server_of_database_url_alone(tmp_path: Path) -> None:
    done = Terminal(tmp_path, DATABASE_URL="postgresql://db.invalid/x").backdesk("down")
    assert done.returncode == 0
    assert "not the desk's to stop" in done.stdout


def test_version_help_and_wrong_usage(tmp_path: Path) -> None:
    desk = Terminal(tmp_path)
    assert desk.backdesk("--version").stdout == f"backdesk {__version__}\n"
    assert "backdesk up" in desk.backdesk("up", "--help").stdout
    assert desk.backdesk("no-such-command").returncode == 2


@pytest.mark.parametrize("columns", ["60", "120"])
@pytest.mark.parametrize("command", ["", "check", "load csv"])
def test_help_fills_the_terminal_and_no_more(tmp_path: Path, command: str, columns: str) -> None:
    done = Terminal(tmp_path, COLUMNS=columns).backdesk(*command.split(), "--help")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert max(map(len, lines)) <= int(columns)
    assert "<bool>" not in done.stdout
    # A paragraph's line is followed by a shorter one only where its first word had no room.
    text = [line for line in lines if line[:1] == " " and line[1:2].strip()]
    for line, below in pairwise(text):
        if lines[lines.index(line) + 1] == below:
            assert len(line) + 1 + len(below.split()[0]) >= int(columns), (line, below)
