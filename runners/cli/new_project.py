"""`backdesk new project`: a repository for strategies of one's own, which depends on backdesk."""

from __future__ import annotations

import importlib.util
import json
import shlex
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer

from backdesk.data import folder as data_folder
from runners.templates import Layout, NotMade, refuse_name, rendered, title, write, write_strategy

FIRST = "first_trend"
TEMPLATES = {
    "pyproject.toml.jinja": "pyproject.toml",
    "Makefile.jinja": "Makefile",
    "README.md.jinja": "README.md",
    "gitignore.jinja": ".gitignore",
    "init.py.jinja": "{name}/__init__.py",
}
# Folders of the project itself, and the name under which any user's strategies are imported.
TAKEN = ("configs", "tests", "user_strategies")


def project(
    name: Annotated[str, typer.Argument(help="Small letters, digits and _.", show_default=False)],
    folder: Annotated[
        Path | None, typer.Option(help="Where to write it; by default a new folder of that name.")
    ] = None,
) -> None:
    """Write a repository for strategies of your own: a package, configs, tests, a Makefile with two commands.

    Example:

      backdesk new project my_desk
    """
    root = folder or Path(name)
    for path in make_project(name, root):
        print(f"wrote {path}")
    origin = _origin()
    given = f" BACKDESK={shlex.quote(origin)}" if origin else ""
    print()
    print(f"cd {shlex.quote(str(root))}")
    print(f"make demo{given}")
    print("make test")


def make_project(name: str, root: Path) -> list[Path]:
    """Write its files; NotMade where the name will not do or the folder holds something."""
    refuse_name("a project", name)
    _refuse_shadow(name)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise NotMade(f"{root} is there already", hint="choose another name, or another --folder")
    values = {"name": name, "title": title(name), "strategy": FIRST}
    files = {
        root / path.format(name=name): rendered(f"project/{template}", values)
        for template, path in TEMPLATES.items()
    }
    configs = data_folder("configs")
    files[root / "configs" / "schema.json"] = (configs / "schema.json").read_text(encoding="utf-8")
    shown = (configs / "optimizations" / "template.yaml").read_text(encoding="utf-8")
    # The schema lies beside it here.
    shown = shown.replace("$schema=../", "$schema=").replace("configs/optimizations/", "configs/")
    files[root / "configs" / "template.yaml"] = shown
    return write(files) + write_strategy(FIRST, Layout.of_project(root, root / name))


def _refuse_shadow(name: str) -> None:
    if name in sys.stdlib_module_names:
        why = "it would hide a module of Python's own"
    elif name in TAKEN:
        why = "the desk uses that name in it"
    elif (found := importlib.util.find_spec(name)) is not None and found.origin is not None:
        why = f"it would hide the package {found.origin}"
    else:
        return
    raise NotMade(
        f"a project cannot be named {name!r}: {why}", hint="choose a name that no module has, such as my_desk"
    )


def _origin() -> str | None:
    """The wheel, checkout or address that backdesk was installed from; None where it came from an index."""
    try:
        text = distribution("backdesk").read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    if not text:
        return None
    origin = json.loads(text)
    url = str(origin["url"])
    if "vcs_info" in origin:
        return f"{origin['vcs_info']['vcs']}+{url}@{origin['vcs_info']['commit_id']}"
    return unquote(urlsplit(url).path) if url.startswith("file:") else url
