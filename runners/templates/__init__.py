"""Files to begin with: the templates of this folder, filled in and written."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from jinja2 import Environment, PackageLoader, StrictUndefined

from backdesk.data import checkout
from backdesk.data import folder as data_folder
from backdesk.project import here
from runners.errors import DeskError


class NotMade(DeskError):
    """No file was written."""


@dataclass(frozen=True)
class Layout:
    """Where a strategy's files go, and where its config says that every key is shown."""

    strategies: Path
    configs: Path
    tests: Path
    template: str

    @classmethod
    def of(cls, folder: Path) -> Self:
        """All in this folder; or as the project has them that one stands in, where it is its folder."""
        project = here()
        if project and folder.resolve() == project.strategies:
            return cls.of_project(project.root, folder)
        shown = data_folder("configs") / "optimizations" / "template.yaml"
        repository = checkout()
        template = shown.relative_to(repository) if repository else shown
        return cls(folder, folder / "configs", folder / "tests", str(template))

    @classmethod
    def of_project(cls, root: Path, strategies: Path) -> Self:
        return cls(strategies, root / "configs", root / "tests", "configs/template.yaml")


def write_strategy(name: str, layout: Layout) -> list[Path]:
    """Write class, config and test; their paths in that order."""
    source = layout.strategies / f"{name}.py"
    test = layout.tests / f"test_{name}.py"
    values = {
        "name": name,
        "title": title(name),
        "class_name": "".join(part.title() for part in name.split("_")),
        "template": layout.template,
        "source": source.relative_to(test.parents[1]).as_posix(),
    }
    return write(
        {
            source: rendered("strategy.py.jinja", values),
            layout.configs / f"{name}.yaml": rendered("config.yaml.jinja", values),
            test: rendered("test.py.jinja", values),
        }
    )


def write(files: Mapping[Path, str]) -> list[Path]:
    """Write all files, or none where one is there already."""
    there = [path for path in files if path.exists()]
    if there:
        raise NotMade(f"{there[0]} is there already", hint="choose another name, or delete it")
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise NotMade(f"{path}: {error.strerror}") from error
    return list(files)


def rendered(template: str, values: Mapping[str, str]) -> str:
    environment = Environment(
        loader=PackageLoader("runners", "templates"), undefined=StrictUndefined, keep_trailing_newline=True,
        autoescape=False,
    )  # fmt: skip
    return environment.get_template(template).render(values)


def refuse_name(what: str, name: str) -> None:
    """NotMade where the name is none of a Python module."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name) or keyword.iskeyword(name):
        raise NotMade(
            f"{what} cannot be named {name!r}", hint="small letters, digits and _, such as weekly_reversal"
        )


def title(name: str) -> str:
    return name.replace("_", " ").capitalize()
