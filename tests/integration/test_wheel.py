"""The wheel, installed where nothing of the checkout can be imported, works from a folder of any name."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.package

Files = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel in it, a person's home, and a project of theirs."""

    programs: Path
    packages: Path
    home: Path
    project: Path
    as_installed: Files

    @property
    def environment(self) -> dict[str, str]:
        """A person's: no setting of the desk's or of an outer make, a Python that may write bytecode."""
        ours = ("BACKDESK_", "PG", "DATABASE_", "PYTHON", "XDG_", "MAKE", "MFLAGS")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return kept | {"HOME": str(self.home)}

    def run(self, *command: str, folder: Path | None = None) -> str:
        done = subprocess.run(
            [str(self.programs / command[0]), *command[1:]] if command[0] != "make" else command,
            cwd=folder or self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, code: str) -> list[str]:
        return self.run("python", "-c", code).splitlines()

    def files(self) -> Files:
        """All that lies among the packages, with sizes and times, folders too."""
        found = {path: path.stat() for path in (self.packages, *self.packages.rglob("*"))}
        return {str(path): (stat.st_size, stat.st_mtime_ns) for path, stat in found.items()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    (built,) = folder.glob("backdesk-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The wheel beside its dependencies, and a new project in a folder with a blank; stopped at the end."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(place)}))
    # A plain line of a .pth leads to the packages there and to no other .pth, so not to the checkout.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = str(place / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", "--quiet"]
    subprocess.run([*pip, str(wheel)], check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""})
    here = tmp_path_factory.mktemp("a folder of mine")
    made = Installed(place / "bin", packages, here / "home", here / "my_desk", {})
    made.home.mkdir()
    made = Installed(made.programs, made.packages, made.home, made.project, made.files())
    said = made.run("backdesk", "new", "project", "my_desk", folder=here)
    assert f"make demo BACKDESK={wheel}" in said
    yield made
    made.run("backdesk", "down")


@pytest.fixture(scope="module")
def demo(installed: Installed) -> str:
    """What `make demo` of the project says: up, the sample, one search, the leaderboard."""
    return installed.run("make", "demo", f"BIN={installed.programs}")


def test_all_of_it_comes_from_the_wheel(installed: Installed) -> None:
    code = (
        "import backdesk, runners, strategies, streamlit_app\n"
        "from backdesk.data import checkout, folder\n"
        "from runners.cli.page import ENTRY\n"
        "for module in (backdesk, runners, strategies, streamlit_app): print(module.__file__)\n"
        "for path in (*map(folder, ('db', 'dbt', 'configs')), ENTRY): print(path)\n"
        "print(checkout())"
    )
    *paths, checkout = installed.python(code)
    assert len(paths) == 8
    assert all(Path(path).is_relative_to(installed.packages) for path in paths), paths
    assert checkout == "None"
    assert (installed.packages / "streamlit_app" / ".streamlit" / "config.toml").is_file()


def test_a_project_of_ones_own_goes_from_nothing_to_the_board(installed: Installed, demo: str) -> None:
    assert "dbt views built" in demo
    assert "11 series loaded" in demo
    assert "10 runs complete" in demo
    assert ["1", "first_trend"] in [line.split()[:2] for line in demo.splitlines()]
    assert (installed.home / ".local/share/backdesk/postgres/PG_VERSION").is_file()
    assert sorted(path.name for path in installed.home.iterdir()) == [".local"]


def test_its_tests_pass(installed: Installed) -> None:
    assert "1 passed" in installed.run("make", "test", f"BIN={installed.programs}")


def test_a_notebook_reads_by_a_connection_and_acts_by_another(installed: Installed, demo: str) -> None:
    code = (
        "import backdesk\n"
        "for role in ((), ('director',)):\n"
        "    with backdesk.connect(*role) as desk:\n"
        "        print(*desk.execute('select current_user, config_file, state from jobs').fetchone())"
    )
    assert installed.python(code) == [
        f"desk_{role} configs/first_trend.yaml done" for role in ("viewer", "director")
    ]


@pytest.mark.long
def test_the_page_shows_the_board(installed: Installed, demo: str) -> None:
    code = (
        "from runners.cli.page import ENTRY\n"
        "from streamlit.testing.v1 import AppTest\n"
        "page = AppTest.from_file(str(ENTRY), default_timeout=60).run()\n"
        "assert not page.exception, page.exception\n"
        "print(page.dataframe[0].value.to_string())"
    )
    assert any("first_trend" in line for line in installed.python(code))


def test_nothing_is_written_among_the_packages(installed: Installed, demo: str) -> None:
    after = installed.files()
    assert {path for path in after if after[path] != installed.as_installed.get(path)} == set()
