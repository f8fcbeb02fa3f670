"""What a strategy writes lands in a folder of its point, and of what wrote nothing nothing is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from backdesk.project import stay, strategies_folder
from runners.worker.point_folder import PointFolder


def test_each_point_writes_into_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = PointFolder(tmp_path / "output", 7)
    for ordinal in (1, 2, 3):
        folder.enter(ordinal)
        if ordinal != 2:
            Path("trades.csv").write_text(str(ordinal))
    folder.leave()
    found = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*.csv")}
    assert found == {"output/run-7/point-1/trades.csv": "1", "output/run-7/point-3/trades.csv": "3"}
    assert not (tmp_path / "output/run-7/point-2").exists()
    silent = PointFolder(tmp_path / "output", 8)
    silent.enter(1)
    silent.leave()
    assert not (tmp_path / "output/run-8").exists()


def test_the_users_strategies_stay_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKDESK_STRATEGIES", "mine")
    stay()
    PointFolder(tmp_path / "output", 7).enter(1)
    assert strategies_folder() == tmp_path / "mine"


def test_a_folder_that_cannot_be_made_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "output").write_text("a file")
    folder = PointFolder(tmp_path / "output", 7)
    folder.enter(1)
    assert Path.cwd() == tmp_path
    folder.leave()
