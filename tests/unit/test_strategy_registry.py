"""The allow-list of strategies and the hash of their code."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from strategies import code_hash, registry
from strategies.registry import (
    LIBRARY,
    StrategyError,
    broken_files,
    entries,
    published_strategies,
    resolve,
)

PLAIN = """
import backtrader as bt
class {name}(bt.Strategy):
    '''Waits.

    More.'''
    params = (("period", 5), ("speed", 1.5), ("why", None))
"""


@pytest.fixture(autouse=True)
def fresh() -> None:
    registry._listed.cache_clear()


def test_the_library_is_published_as_sql_takes_it() -> None:
    published = {str(one["name"]): one for one in published_strategies() if one["engine"] == "backtrader"}
    assert set(published) == set(LIBRARY)
    assert sorted(str(one["code"]) for one in published.values()) == [f"STR-{n:03}" for n in range(1, 16)]
    rsi = published["rsi_mean_reversion"]
    assert set(rsi) == {
        "name", "code", "title", "hypothesis", "engine", "entry_point", "file", "tags", "priority",
        "code_hash", "code_details", "parameters",
    }  # fmt: skip
    assert rsi["engine"] == "backtrader"
    parameters = rsi["parameters"]
    assert isinstance(parameters, list)
    assert parameters[3] == {
        "name": "rsi_period", "type": "integer", "default": 14, "minimum": 2, "maximum": 200,
        "description": "Bars of Wilder's smoothing.",
    }  # fmt: skip
    details = rsi["code_details"]
    assert isinstance(details, dict)
    assert set(details["files"]) >= {
        "strategies", "strategies.base_strategy", "strategies.parameters", "strategies.rsi_mean_reversion",
    }  # fmt: skip
    assert details["libraries"]["backtrader"].startswith("1.9")


def test_a_users_folder_joins_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "waiting.py").write_text(PLAIN.format(name="Waiting"))
    monkeypatch.setenv("BACKDESK_STRATEGIES", str(tmp_path))
    published = resolve("waiting").published()
    assert published["hypothesis"] == "Waits."
    assert [p["name"] for p in published["parameters"]] == ["period", "speed"]  # type: ignore[attr-defined]
    assert published["code"] is None
    assert set(entries()) == {*LIBRARY, "waiting"}


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("sma_crossover.py", PLAIN.format(name="Mine"), "two strategies are named 'sma_crossover'"),
        (
            "broken.py",
            "x = 1\nraise ValueError('no')\n",
            r"broken.py, line 2, cannot be loaded: ValueError: no",
        ),
        ("wrong.py", "def f(:\n", r"wrong.py, line 1, cannot be loaded: SyntaxError"),
        ("empty.py", "x = 1\n", "defines no strategy; begin its name with _"),
        ("not-a-name.py", PLAIN.format(name="A"), "must be a Python identifier"),
        ("pair.py", PLAIN.format(name="A") + PLAIN.format(name="B"), "defines 2 strategies; give A a class"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_stops_no_other(
    tmp_path: Path, file: str, text: str, message: str
) -> None:
    (tmp_path / file).write_text(text)
    (tmp_path / "waiting.py").write_text(PLAIN.format(name="Waiting"))
    assert set(entries(tmp_path)) == {*LIBRARY, "waiting"}
    assert resolve("sma_crossover", tmp_path).path.parent == code_hash.OWN_ROOT
    (broken,) = broken_files(tmp_path)
    assert broken.path == tmp_path / file
    assert re.search(message, broken.fault)
    assert {str(one["name"]) for one in published_strategies(tmp_path)} >= {*LIBRARY, "waiting"}
    if broken.path.stem not in LIBRARY:
        with pytest.raises(StrategyError, match=message):
            resolve(broken.path.stem, tmp_path)


def test_of_a_folder_of_thirty_files_the_twenty_five_good_ones_run(tmp_path: Path) -> None:
    for number in range(25):
        (tmp_path / f"good_{number}.py").write_text(PLAIN.format(name=f"Good{number}"))
    for name, text in {
        "needs_a_package": "import no_such_package\n", "half": "class A(:\n",
        "two-words": PLAIN.format(name="A"),
        "ends": "import sys\nsys.exit('usage: ends FILE')\n", "helpers": "def mean(values): return 0\n",
    }.items():  # fmt: skip
        (tmp_path / f"{name}.py").write_text(text)
    assert len(entries(tmp_path)) == len(LIBRARY) + 25
    assert [one.path.stem for one in broken_files(tmp_path)] == [
        "ends", "half", "helpers", "needs_a_package", "two-words",
    ]  # fmt: skip


def test_a_package_that_cannot_be_imported_leaves_the_library(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("1 / 0\n")
    (tmp_path / "waiting.py").write_text(PLAIN.format(name="Waiting"))
    assert set(entries(tmp_path)) == set(LIBRARY)
    (broken,) = broken_files(tmp_path)
    assert "__init__.py, line 1, cannot be loaded: ZeroDivisionError" in broken.fault


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(StrategyError, match="which is no folder"):
        entries(tmp_path / "nowhere")


def test_the_hash_changes_with_each_file_the_strategy_is_made_of(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"from . import _shared\n{PLAIN.format(name='Mine')}")
    (tmp_path / "_shared.py").write_text("from user_strategies._deep import X\n")
    (tmp_path / "_deep.py").write_text("import yaml\nX = 1\n")
    (tmp_path / "_unrelated.py").write_text("Y = 1\n")

    def hash_now() -> str:
        registry._listed.cache_clear()
        return str(resolve("mine", tmp_path).published()["code_hash"])

    before = hash_now()
    assert hash_now() == before
    (tmp_path / "_unrelated.py").write_text("Y = 2\n")
    assert hash_now() == before
    (tmp_path / "_deep.py").write_text("import yaml\nX = 2\n")
    assert hash_now() != before
    details = resolve("mine", tmp_path).published()["code_details"]
    assert isinstance(details, dict)
    assert set(details["files"]) >= {
        "user_strategies.mine", "user_strategies._shared", "user_strategies._deep",
    }  # fmt: skip
    assert details["libraries"]["yaml"] != "unknown"


def test_the_base_class_is_part_of_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "strategies"
    shutil.copytree(code_hash.OWN_ROOT, copy)
    monkeypatch.setattr(code_hash, "OWN_ROOT", copy)

    def hash_now() -> str:
        return code_hash.code_version("strategies.sma_crossover", copy / "sma_crossover.py", copy)[0]

    before = hash_now()
    base = copy / "base_strategy.py"
    base.write_text(base.read_text() + "\n# changed\n")
    assert hash_now() != before


def test_a_package_of_ones_own_with_helpers_and_sub_folders(tmp_path: Path) -> None:
    """Strategies of sub-folders are found by their file's name, helpers are nobody's fault, and all that a
    strategy imports counts in its hash, whichever way it is imported."""
    desk = tmp_path / "my_own_desk"
    files = {
        "__init__.py": "",
        "helpers.py": "SPEED = 1\n",
        "flat_helper.py": "def mean(values): return 0\n",
        "forgotten.py": "x = 1\n",
        "top.py": f"from . import helpers\nimport flat_helper\n{PLAIN.format(name='Top')}",
        "momentum/__init__.py": "",
        "momentum/lines.py": "import backtrader as bt\n\n\nclass Line(bt.Indicator):\n    lines = ('l',)\n",
        "momentum/breakout.py": f"from my_own_desk.momentum import lines\n{PLAIN.format(name='Breakout')}",
        "reversion/deep/dip.py": f"from ...helpers import SPEED\n{PLAIN.format(name='Dip')}",
        "reversion/bad.py": "import backtrader as bt\n\n\nclass Bad(bt.Strategy):\n    x = 1 / 0\n",
        "reversion/script.py": "raise SystemExit('never run')\n",
        "tests/test_top.py": "raise SystemExit('never run')\n",
        "two-words/word.py": PLAIN.format(name="Word"),
        "lean/project/main.py": "raise SystemExit('never run')\n",
        "_shared/thing.py": PLAIN.format(name="Thing"),
    }
    for name, text in files.items():
        (desk / name).parent.mkdir(parents=True, exist_ok=True)
        (desk / name).write_text(text)
    faultless = ("top", "breakout", "dip")
    assert set(entries(desk)) == {*LIBRARY, *faultless}
    faults = {str(one.path.relative_to(desk)): one.fault for one in broken_files(desk)}
    assert sorted(faults) == ["forgotten.py", "reversion/bad.py", "two-words/word.py"]
    assert "reversion/bad.py, line 5, cannot be loaded: ZeroDivisionError" in faults["reversion/bad.py"]
    assert "'two-words' is none" in faults["two-words/word.py"]
    details: dict[str, Any] = {name: entries(desk)[name].published()["code_details"] for name in faultless}
    hashed = {name: set(details[name]["files"]) for name in faultless}
    package = {f"user_strategies{name}" for name in ("", ".top", ".helpers", ".flat_helper")}
    assert hashed["top"] == package
    assert hashed["breakout"] >= {"my_own_desk.momentum.lines", "user_strategies.momentum.breakout"}
    assert hashed["dip"] >= {"user_strategies.helpers", "user_strategies.reversion.deep.dip"}
    before = resolve("top", desk).published()["code_hash"]
    (desk / "flat_helper.py").write_text("def mean(values): return 1\n")
    assert resolve("top", desk).published()["code_hash"] != before
