"""The same bars on both sides: from the desk to a LEAN data folder and back."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from runners.engines.lean.data_export import export, stored_series
from runners.engines.lean.data_folder import read_series
from runners.prices import load, sample
from runners.prices.series import PriceError
from testing.desks import Desk


@pytest.fixture(scope="module")
def stocked(desk: Desk) -> Desk:
    with desk.connect("director") as director:
        for one in sample.read_sample().series:
            if one.symbol in ("AAPL", "MTUM"):
                load.load(director, one)
    return desk


@pytest.mark.parametrize("symbol", ["AAPL", "MTUM"])
def test_exported_bars_load_again_as_unchanged(stocked: Desk, tmp_path: Path, symbol: str) -> None:
    with stocked.connect("director") as director:
        [written] = export(director, tmp_path, [symbol])
        found = read_series(tmp_path, symbol)
        assert [replace(bar, line=None) for bar in found.bars] == list(written.bars)
        assert sorted(found.factors or (), key=str) == sorted(written.factors or (), key=str)
        loaded = load.load(director, found)
    assert (loaded.status, loaded.new_bars, loaded.changed_bars) == ("unchanged", 0, 0)


def test_a_symbol_without_prices_is_refused(stocked: Desk) -> None:
    with stocked.connect("director") as director, pytest.raises(PriceError, match="has no 1d prices of NOPE"):
        stored_series(director, "nope")


def test_the_commands(stocked: Desk, tmp_path: Path, project_root: Path) -> None:
    def backdesk(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "runners.cli", "lean", *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=project_root, timeout=60)

    exported = backdesk("export", str(tmp_path), "AAPL")
    assert exported.returncode == 0, exported.stderr
    assert exported.stdout.startswith("AAPL: 3,")
    loaded = backdesk("load", str(tmp_path))
    assert "0 series loaded, 1 unchanged" in loaded.stdout
    missing = backdesk("load", str(tmp_path / "nothing"))
    assert (missing.returncode, "Traceback" in missing.stderr) == (1, False)
    shown = backdesk("optimize", "configs/lean/RSI_MeanReversion_ETF.yaml", "--dry-run")
    assert shown.stdout.startswith('lean optimize "RSI_MeanReversion_ETF" --strategy "Grid Search"')
