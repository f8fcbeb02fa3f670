"""The kernel is compiled once a machine and kept; where nothing can be kept it works all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runners.settings import Settings

pytest.importorskip("numba", reason="the kernel needs the extra `bulk`")
pytestmark = pytest.mark.engine

SMALL = """
import sys
from runners.engines.signals import compiling
def twice(x):
    return 2.0 * x
sys.modules["__main__"].__file__ = __file__
made = compiling.entry("f8(f8)")(twice)
print(made(21.0), len(made.stats.cache_hits) + sum(made.stats.cache_hits.values()) > 0)
"""


def started(home: Path | str, script: Path, **variables: str) -> tuple[str, str]:
    """What a process of its own prints, and says on stderr."""
    environment = os.environ | {"BACKDESK_HOME": str(home), "PYTHONPATH": str(Path.cwd())} | variables
    ran = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip(), ran.stderr


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "small.py"
    path.write_text(SMALL)
    return path


def test_a_second_start_compiles_nothing_and_another_processor_anew(tmp_path: Path, script: Path) -> None:
    first = started(tmp_path / "home", script)
    assert first[0] == "42.0 False"
    assert "compiling the kernel of signals into" in first[1]
    assert started(tmp_path / "home", script) == ("42.0 True", "")
    assert (
        started(tmp_path / "home", script, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")[0] == "42.0 False"
    )


def test_a_home_that_cannot_be_written_to_is_said(tmp_path: Path, script: Path) -> None:
    (tmp_path / "file").touch()
    found, said = started(tmp_path / "file", script)
    assert found == "42.0 False"
    assert "nothing can be kept in the desk's home" in said


def test_what_a_runner_starts_with_has_no_numba_and_its_children_have_the_kernel(tmp_path: Path) -> None:
    path = tmp_path / "engines.py"
    path.write_text(
        "import sys\n"
        "from runners.engines.registry import load_engines\n"
        "engines = load_engines()\n"
        "print('numba' in sys.modules)\n"
        "engines['bulk'].prepare()\n"
        "print('runners.engines.signals.kernel' in sys.modules)\n"
    )
    home = Settings.from_environment().home
    assert started(home, path)[0].split() == ["False", "True"]


@pytest.mark.long
def test_a_second_start_of_the_whole_kernel(tmp_path: Path) -> None:
    script = tmp_path / "whole.py"
    script.write_text(
        "import runners.engines.signals.kernel as k; print(bool(k.run_points.stats.cache_hits))"
    )
    assert started(tmp_path / "home", script)[0] == "False"
    assert started(tmp_path / "home", script) == ("True", "")
