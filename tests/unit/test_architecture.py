"""The tables of docs/architecture.md and docs/adding.md: every room is named, and what is named is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from runners import cli
from runners.cli.app import TOPICS, app


def rooms_named(project_root: Path) -> set[str]:
    """Folders of the first column; one without a slash before its own lies beside the one before it."""
    named: set[str] = set()
    for line in (project_root / "docs" / "architecture.md").read_text().splitlines():
        if line.startswith("| `"):
            above = ""
            for room in re.findall(r"`([^`]+)`", line.split("|")[1]):
                path = Path(room)
                named.add(str(path if len(path.parts) > 1 or not above else Path(above) / path))
                above = above or "/".join(path.parts[:-1])
    return named


def test_every_room_is_in_the_table(project_root: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=project_root, capture_output=True, text=True)
    files = [Path(line) for line in listed.stdout.splitlines()]
    if not files:
        pytest.skip("not a checkout: what is generated cannot be told from what is written")
    rooms = {str(Path(*file.parts[:deep])) for file in files for deep in (1, 2) if len(file.parts) > deep}
    wanted = {room for room in rooms if "/" not in room or room.startswith("runners/")}
    assert wanted - rooms_named(project_root) == set()


def test_what_the_recipes_name_is_there(project_root: Path) -> None:
    text = (project_root / "docs" / "adding.md").read_text()
    named = re.findall(r"`((?:configs|db|dbt|gallery|runners|strategies|streamlit_app|tests)/[^` ]+)`", text)
    assert len(named) > 20
    assert [path for path in named if not (project_root / path).exists()] == []


def test_a_command_is_a_module_and_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "greeting.py").write_text(
        "def register(app):\n    app.command('greet', short_help='Greet.')(lambda: print('good morning'))\n"
    )
    monkeypatch.setattr(cli, "__path__", [*cli.__path__, str(tmp_path)])
    monkeypatch.setitem(TOPICS["Results"], "greet", "greeting")
    assert "greet" in get_command(app).list_commands(None)  # type: ignore[attr-defined]
    assert CliRunner().invoke(app, ["greet"]).output == "good morning\n"
    assert "Greet." in CliRunner().invoke(app, ["--help"]).output
