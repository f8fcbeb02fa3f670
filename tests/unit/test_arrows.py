"""Who may import whom: a room knows those of lower lines only, so that no circle and no arrow up can be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# A module belongs to the longest name here that it begins with.
LINES = (
    ("tests", "gallery", "benchmarks", "scripts"),
    ("testing",),
    ("streamlit_app", "runners.demo", "runners.demo_live", "runners.optimize_runner"),
    ("runners.results_importer", "runners.run_backtest", "runners.backtest_parser"),
    ("runners.cli", "backdesk"),
    ("runners.live",),
    ("runners.worker",),
    ("runners.tasks",),
    ("runners.probes",),
    ("runners.backtests", "runners.reproduction"),
    ("runners.jobs", "runners.leaderboard", "runners.dbt", "runners.engines"),
    ("runners.charts", "runners.prices", "runners.terminal", "runners.configs", "runners.templates"),
    ("runners.engines.base",),
    ("strategies",),
    ("runners.database",),
    ("runners.settings", "runners.reporting", "runners.words", "backdesk.project"),
    ("backdesk.data",),
    ("runners.errors", "runners"),
)
HEIGHT = {room: len(LINES) - number for number, line in enumerate(LINES) for room in line}
TOPS = sorted({room.partition(".")[0] for room in HEIGHT})


def room(module: str) -> str:
    """Its room; a module of `runners` that has none has to get a line."""
    found = max((name for name in HEIGHT if f"{module}.".startswith(f"{name}.")), key=len)
    assert found != "runners" or module == "runners", f"{module} stands in no line of {Path(__file__).name}"
    return found


def modules() -> Iterator[tuple[str, Path]]:
    for top in TOPS:
        for path in (ROOT / top).rglob("*.py"):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path


MODULES = dict(modules())


def imported(text: str) -> Iterator[str]:
    """Our own modules that a text imports, wherever in it."""
    for node in ast.walk(ast.parse(text)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            within = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module for name in within]
        yield from (name for name in names if name.partition(".")[0] in TOPS)


def wrong(module: str, text: str) -> list[str]:
    return [
        f"{module} imports {name}"
        for name in imported(text)
        if room(name) != room(module) and HEIGHT[room(name)] >= HEIGHT[room(module)]
    ]


@pytest.mark.parametrize("top", TOPS)
def test_arrows_between_rooms_run_down(top: str) -> None:
    assert [
        arrow
        for module, path in MODULES.items()
        if module.partition(".")[0] == top
        for arrow in wrong(module, path.read_text(encoding="utf-8"))
    ] == []


def test_every_room_is_there() -> None:
    assert [name for name in HEIGHT if not any(room(module) == name for module in MODULES)] == []


def test_an_arrow_up_or_aside_is_seen() -> None:
    assert wrong("runners.worker.loop", "def late():\n    from runners.cli import work") != []
    assert wrong("gallery.desk", "import tests.families") != []
    assert wrong("strategies.registry", "from runners import errors, engines") == [
        "strategies.registry imports runners.engines"
    ]
    assert wrong("runners.engines.lean.engine", "from runners.engines.base import Point") == []
