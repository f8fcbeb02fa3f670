"""A repository of the user's own: how it is made, found, imported and hashed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from backdesk.project import Project, here, strategies_folder
from runners.cli.new_project import make_project
from runners.configs.reader import read_config
from runners.configs.schema import own_schema_file
from runners.errors import DeskError
from runners.jobs.queueing import config_file
from runners.prices.sample import PACKAGES
from runners.templates import NotMade
from strategies import registry
from strategies.registry import StrategyError, broken_files, entries, published_strategies, resolve


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    registry._listed.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] in ("my_desk", "user_strategies")]:
        del sys.modules[name]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in a folder with a blank, and somebody who stands in one of its folders."""
    root = tmp_path / "a desk"
    make_project("my_desk", root)
    monkeypatch.chdir(root / "configs")
    return root


def test_it_is_found_from_any_folder_of_it_unless_a_folder_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert here() == Project(project, project / "my_desk")
    assert strategies_folder({}) == project / "my_desk"
    assert strategies_folder({"BACKDESK_STRATEGIES": "/elsewhere"}) == Path("/elsewhere")
    assert "first_trend" in {one["name"] for one in published_strategies()}
    monkeypatch.chdir(project.parent)
    assert (here(), strategies_folder({})) == (None, None)
    assert "first_trend" not in entries()


def test_its_files_are_what_they_say(project: Path) -> None:
    config = read_config(project / "configs" / "first_trend.yaml")
    assert config.data["strategy"] == "first_trend"
    assert config_file("first_trend.yaml") == "configs/first_trend.yaml"
    assert own_schema_file() == project / "configs" / "schema.json"
    shown = (project / "configs" / "template.yaml").read_text()
    assert shown.startswith("# yaml-language-server: $schema=schema.json\n")
    assert "configs/optimizations" not in shown
    made = tomllib.loads((project / "pyproject.toml").read_text())
    assert made["tool"]["backdesk"] == {"strategies": "my_desk"}
    assert f"SAMPLE = {' '.join(PACKAGES)}\n" in (project / "Makefile").read_text()
    listed = subprocess.run(["make", "-C", str(project), "help"], capture_output=True, text=True)
    assert re.findall(r"make (\w+)", listed.stdout)[-3:] == ["help", "demo", "test"]


def test_a_module_imported_by_the_packages_name_is_found_and_counts_in_the_hash(project: Path) -> None:
    shared = project / "my_desk" / "_shared.py"
    shared.write_text("LEAST = 1\n")
    source = project / "my_desk" / "first_trend.py"
    added = "from my_desk._shared import LEAST\nimport backtrader"
    source.write_text(source.read_text().replace("import backtrader", added))

    def now() -> tuple[object, set[str]]:
        registry._listed.cache_clear()
        published = resolve("first_trend").published()
        details = published["code_details"]
        assert isinstance(details, dict)
        assert "my_desk" not in details["libraries"]
        return published["code_hash"], set(details["files"])

    before, files = now()
    assert files >= {"user_strategies.first_trend", "my_desk", "my_desk._shared"}
    assert now()[0] == before
    shared.write_text("LEAST = 2\n")
    assert now()[0] != before


def test_a_package_that_is_installed_from_elsewhere_is_not_mistaken_for_it(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "site" / "my_desk" / "__init__.py"
    other.parent.mkdir(parents=True)
    other.touch()
    monkeypatch.syspath_prepend(other.parents[1])
    assert "sma_crossover" in entries()
    (broken,) = broken_files()
    assert f"my_desk is also the name of {other}" in broken.fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('strategies = "none"', "says that the strategies are in 'none', which is no folder"),
        ("strategies = 3", "says that the strategies are in 3"),
        ("folder = 'my_desk'", "does not say where the strategies are"),
        ("strategies = ", "cannot be read: Invalid value"),
    ],
)
def test_a_table_that_cannot_be_used_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.backdesk]\n{text}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DeskError, match=message):
        here()
    with pytest.raises(StrategyError, match=message):
        published_strategies()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My-Desk", "cannot be named"),
        ("class", "cannot be named"),
        ("json", "a module of Python's own"),
        ("strategies", "would hide the package .*strategies"),
        ("runners", "would hide the package .*runners"),
        ("backdesk", "would hide the package .*backdesk"),
        ("jinja2", "would hide the package .*jinja2"),
        ("tests", "the desk uses that name"),
    ],
)
def test_a_name_that_would_hide_another_module_is_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(NotMade, match=message):
        make_project(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_is_there_already_stays(tmp_path: Path) -> None:
    (tmp_path / "notes").touch()
    with pytest.raises(NotMade, match="is there already"):
        make_project("my_desk", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_what_messages_tell_people_to_install_exists(project_root: Path) -> None:
    declared = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]
    told: set[str] = set()
    for folder in ("backdesk", "runners", "strategies", "streamlit_app", "db", "docs", "configs"):
        for path in (project_root / folder).rglob("*"):
            if path.suffix in (".py", ".sql", ".md", ".yaml", ".jinja"):
                for named in re.findall(r"backdesk\[([a-z,]+)\]", path.read_text()):
                    told |= set(named.split(","))
    assert told >= {"embedded", "dbt", "app", "report", "yahoo", "bayes"}
    extras = set(declared["optional-dependencies"])
    assert told <= extras
    table = (project_root / "docs" / "own_project.md").read_text().partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == extras - {"test", "dev"}
    sample = (project_root / "requirements" / "data.in").read_text()
    assert re.findall(r"^(\w+)==", sample, re.MULTILINE) == list(PACKAGES)
