"""What must not be imported before it is needed, since every start would wait for it."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest
from typer import Typer
from typer.main import get_command

from runners.cli.app import commands

HEAVY = ["streamlit", "jinja2", "rich.console", "numpy", "backtrader", "pandas"]


def imported(code: str) -> set[str]:
    """The modules of a process of its own that has run this."""
    told = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import runners.optimize_runner", [*HEAVY, "psycopg", "runners.worker.loop"]),
        ("import runners.cli.searches", [*HEAVY, "runners.cli.leaderboard", "runners.worker.loop"]),
        ("import runners.cli.app, runners.cli.work", [*HEAVY, "psycopg"]),
        ("import runners.worker.serving, runners.reporting", [*HEAVY, "psycopg", "typer"]),
        ("import runners.worker.loop, runners.tasks.registry", HEAVY),
        ("import runners.backtests.charts", ["streamlit", "numpy", "pandas"]),
        (
            "import runners.worker.zygote\n"
            "from runners.engines.registry import load_engines\n"
            "from strategies.registry import published_strategies\n"
            "load_engines(), published_strategies()",
            ["psycopg", "rich", "typer", "numpy", "pandas"],
        ),
    ],
    ids=[
        "a search before its runner",
        "a search",
        "a runner before its zygote",
        "a search's runner before its zygote",
        "a runner",
        "the charts of a tear sheet",
        "a zygote until it is ready",
    ],
)
def test_what_is_not_needed_is_not_imported(code: str, unwanted: list[str]) -> None:
    assert imported(code).isdisjoint(unwanted)


def test_every_command_is_where_the_list_says() -> None:
    for module in set(commands().values()):
        alone = Typer()
        alone.callback()(lambda: None)
        import_module(f"runners.cli.{module}").register(alone)
        found: dict[str, object] = getattr(get_command(alone), "commands")  # noqa: B009
        assert set(found) == {name for name, place in commands().items() if place == module}
