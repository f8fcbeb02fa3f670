"""Where files and state lie, in a checkout and where a wheel was installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from backdesk import data
from runners.errors import DeskError
from runners.settings import Settings


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `backdesk/data` as a wheel leaves it among other packages, with SQL and nothing else in it."""
    inside = tmp_path / "site-packages" / "backdesk" / "data"
    (inside / "db").mkdir(parents=True)
    monkeypatch.setattr(data, "_INSIDE", inside)
    monkeypatch.setattr(data, "_REPOSITORY", inside.parents[1])
    return inside


def test_a_checkout_has_its_own_files_and_keeps_its_state_beside_them(project_root: Path) -> None:
    assert data.checkout() == project_root
    for name in ("db", "dbt", "configs"):
        assert data.folder(name) == project_root / name
    assert Settings.from_environment({}).home == project_root / ".backdesk"


def test_installed_code_has_files_inside_and_its_state_in_the_users_folder(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some other package may leave such a file behind.
    (installed.parents[1] / "pyproject.toml").touch()
    assert data.checkout() is None
    assert data.folder("db") == installed / "db"
    monkeypatch.setenv("HOME", "/home/somebody")
    for environment, home in (
        ({}, "/home/somebody/.local/share/backdesk"),
        ({"XDG_DATA_HOME": "/data/of mine"}, "/data/of mine/backdesk"),
        ({"XDG_DATA_HOME": "not/absolute"}, "/home/somebody/.local/share/backdesk"),
        ({"XDG_DATA_HOME": "/data", "BACKDESK_HOME": "/desk"}, "/desk"),
    ):
        assert Settings.from_environment(environment).home == Path(home)


def test_an_installation_without_its_files_says_so(installed: Path) -> None:
    with pytest.raises(DeskError, match="lacks its folder dbt") as lacking:
        data.folder("dbt")
    assert str(installed) in lacking.value.message
    assert "pip install" in str(lacking.value.hint)
