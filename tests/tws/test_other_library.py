"""The link's tests once more where only ib_insync is, which ib_async continues."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ONLY = """
import importlib.machinery as machinery
find = machinery.PathFinder.find_spec
machinery.PathFinder.find_spec = classmethod(
    lambda cls, name, *more: None if name == "ib_async" else find(name, *more))
"""


@pytest.mark.long
@pytest.mark.live
def test_the_link_is_the_same_over_ib_insync(tmp_path: Path) -> None:
    packages = ("ib_insync==0.9.86", "eventkit==1.0.3", "nest_asyncio==1.6.0")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(tmp_path), *packages]
    subprocess.run(pip, check=True)
    # One of them brings a package of that name.
    shutil.rmtree(tmp_path / "tests", ignore_errors=True)
    (tmp_path / "sitecustomize.py").write_text(ONLY)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    which = "from runners.live.ib.library import library; print(library().name)"
    named = subprocess.run(
        [sys.executable, "-c", which], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert named.stdout == "ib_insync\n"
    suite = [
        f"tests/tws/test_{name}.py" for name in ("link", "connections", "figures", "process", "playback")
    ]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", "not long", *suite],
        cwd=ROOT, env=environment, check=True,
    )  # fmt: skip
