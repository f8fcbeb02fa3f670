"""What the director reads in psql."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from testing.desks import Desk

pytestmark = pytest.mark.sql


def typed(desk: Desk, root: Path, statement: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runners.cli", "psql", "-X", "-c", statement],
        cwd=root,
        env=os.environ | desk.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_refusal_is_a_sentence_a_path_and_a_remedy(desk: Desk, project_root: Path) -> None:
    answer = typed(desk, project_root, "insert into jobs (strategy, config) values ('x', '{\"symbls\": 1}')")
    assert answer.returncode != 0
    assert answer.stderr == 'ERROR:  Unknown key "symbls"\nDETAIL:  $.symbls\nHINT:  Did you mean symbols?\n'
