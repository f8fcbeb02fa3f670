"""`backdesk new strategy`: a class, a config and a test to begin with."""

from __future__ import annotations

import keyword
import os
import re
from pathlib import Path
from typing import Annotated

import typer
from jinja2 import Environment, PackageLoader, StrictUndefined

from runners.errors import DeskError

FOLDER = Path("my_strategies")
TEMPLATES = {
    "strategy.py.jinja": "{name}.py",
    "config.yaml.jinja": "configs/{name}.yaml",
    "test.py.jinja": "tests/test_{name}.py",
}


class NotMade(DeskError):
    """No file was written."""


def register(app: typer.Typer) -> None:
    new = typer.Typer(help="Files to begin with.", no_args_is_help=True)
    new.command("strategy", short_help="Write a class, a config and a test.")(strategy)
    # With a single command Typer would drop its name.
    new.callback()(lambda: None)
    app.add_typer(new, name="new")


def strategy(
    name: Annotated[str, typer.Argument(help="Small letters, digits and _.", show_default=False)],
    folder: Annotated[
        Path | None, typer.Option(help="Default: that of BACKDESK_STRATEGIES, else my_strategies.")
    ] = None,
) -> None:
    """Write a strategy that works, its config and its test; then make them yours.

    Example:

      backdesk new strategy weekly_reversal
    """
    named = os.environ.get("BACKDESK_STRATEGIES")
    target = folder or (Path(named).expanduser() if named else FOLDER)
    for path in written(name, target):
        print(f"wrote {path}")
    print()
    if named is None or Path(named).expanduser().resolve() != target.resolve():
        print(f"export BACKDESK_STRATEGIES={target.resolve()}")
    print(f"python -m pytest {target}/tests/test_{name}.py")
    print(f"backdesk check {name}")
    print("backdesk strategies sync")
    print(f"backdesk run {target}/configs/{name}.yaml")


def written(name: str, folder: Path) -> list[Path]:
    """Write the three files; NotMade where one is there already or the name will not do."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name) or keyword.iskeyword(name):
        raise NotMade(
            f"a strategy cannot be named {name!r}",
            hint="small letters, digits and _, such as weekly_reversal",
        )
    # Backtrader takes a second to import, which no other command should pay for.
    from strategies.registry import entries

    known = entries()
    if name in known:
        raise NotMade(f"there is a strategy {name} already, in {known[name].path}")
    paths = [folder / target.format(name=name) for target in TEMPLATES.values()]
    there = [path for path in paths if path.exists()]
    if there:
        raise NotMade(f"{there[0]} is there already", hint="choose another name, or delete it")
    environment = Environment(
        loader=PackageLoader("runners", "templates"), undefined=StrictUndefined, keep_trailing_newline=True,
        autoescape=False,
    )  # fmt: skip
    title = name.replace("_", " ").capitalize()
    values = {"name": name, "title": title, "class_name": "".join(part.title() for part in name.split("_"))}
    try:
        for template, path in zip(TEMPLATES, paths, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(environment.get_template(template).render(values), encoding="utf-8")
    except OSError as error:
        raise NotMade(f"{folder}: {error.strerror}") from error
    return paths
