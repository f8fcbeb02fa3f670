"""From a config file to plain data, with the place of every part of it.

Only shape is checked here: that the file is YAML without traps. What a config may say, the database knows.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from runners.configs.errors import ConfigError, Position
from runners.configs.rendered import MAX_CHARACTERS, Rendered

MAX_NODES = 20_000
MAX_DEPTH = 32

_STR, _INT, _FLOAT, _BOOL, _NULL = (
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null")
)
_PLAIN_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_STEP = re.compile(r"\.[A-Za-z_][A-Za-z0-9_]*|\[[0-9]+\]|\[\"(?:[^\"\\]|\\.)*\"\]")
JSON_PATH = re.compile(rf"\$(?:{_STEP.pattern})*")


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2's core schema: `ON` and `NO` stay symbols, 1:30 and dates stay text, 1e-3 is a number."""

    yaml_implicit_resolvers: dict[str, Any] = {}


CoreLoader.add_implicit_resolver(_BOOL, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
CoreLoader.add_implicit_resolver(_NULL, re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
CoreLoader.add_implicit_resolver(_INT, re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
CoreLoader.add_implicit_resolver(
    _FLOAT,
    re.compile(r"^[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


@dataclass(frozen=True)
class Config:
    """A config as written: plain data, and positions by JSON path (`$.optimization.parameters.fast`)."""

    path: str
    data: dict[str, Any]
    positions: Mapping[str, Position]

    def position(self, json_path: str) -> Position:
        """Position of a part; where the config does not have it, of the nearest part around it."""
        path = json_path
        while path not in self.positions and path != "$":
            path = _parent(path)
        return self.positions.get(path, Position(1, 1))


def read_config(path: Path, *, name: str | None = None) -> Config:
    """Reads a file; `name` is what messages call it. Raises ConfigError."""
    shown = name or str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_CHARACTERS + 1)
    except OSError as error:
        raise ConfigError(shown, None, f"cannot be read: {error.strerror}") from error
    if len(raw) > MAX_CHARACTERS:
        raise ConfigError(
            shown, None, f"is larger than {MAX_CHARACTERS // 1024} KiB", hint="is this a config?"
        )
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(shown, None, "is not UTF-8 text", detail=str(error)) from error
    return parse_config(shown, source)


def parse_config(path: str, source: str) -> Config:
    """Parses the text of a config. Raises ConfigError."""
    found = _rendered(path, source.replace("\r\n", "\n"))
    if len(found.text) > MAX_CHARACTERS:
        raise ConfigError(path, None, f"its template makes more than {MAX_CHARACTERS // 1024} KiB")
    builder = _Builder(path, found)
    root = builder.compose()
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(
            path, Position(1, 1), "is not a config: at its top stand keys with values",
            hint="begin with `strategy: NAME`; configs/optimizations/template.yaml explains all keys",
        )  # fmt: skip
    data = builder.value(root, "$")
    assert isinstance(data, dict)
    return Config(path, data, MappingProxyType(builder.positions))


def child(path: str, key: str) -> str:
    """JSON path of a member; names that are no plain names are quoted, as the validator in SQL does."""
    return f"{path}.{key}" if _PLAIN_NAME.match(key) else f"{path}[{json.dumps(key, ensure_ascii=False)}]"


def _parent(path: str) -> str:
    steps = list(_STEP.finditer(path))
    return path[: steps[-1].start()] if steps else "$"


def _rendered(path: str, source: str) -> Rendered:
    """The source itself where nothing in it is a template. Raises ConfigError."""
    if not any(sign in source for sign in ("{{", "{%", "{#")):
        return Rendered(source, tuple(range(1, source.count("\n") + 2)))
    # Imported here, since Jinja2 takes longer to import than most configs to be read.
    from runners.configs.template import render

    return render(path, source)


class _Builder:
    """Builds plain data from YAML's nodes; counts them, since an alias may stand for many."""

    def __init__(self, path: str, rendered: Rendered) -> None:
        self.path = path
        self.rendered = rendered
        self.positions: dict[str, Position] = {}
        self._nodes = 0
        self._open: list[yaml.Node] = []

    def compose(self) -> yaml.Node | None:
        try:
            self._check_size()
            return yaml.compose(self.rendered.text, Loader=CoreLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            what = ", ".join(part for part in (error.context, error.problem) if part)
            raise ConfigError(
                self.path, self._at(mark) if mark else None, f"is not YAML: {what}",
                hint="check indentation, colons and quotes; {{ }} needs quotes where it is a whole value",
            ) from error  # fmt: skip
        except yaml.YAMLError as error:
            raise ConfigError(self.path, None, f"is not YAML: {error}") from error

    def _check_size(self) -> None:
        """Events come one by one, so that a text that would take long to compose ends here."""
        depth = 0
        for count, event in enumerate(yaml.parse(self.rendered.text, Loader=CoreLoader)):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise ConfigError(
                    self.path, self._at(event.start_mark), f"is nested deeper than {MAX_DEPTH} levels"
                )
            if count > 3 * MAX_NODES:
                raise ConfigError(self.path, self._at(event.start_mark), f"has more than {MAX_NODES:,} parts")

    def value(self, node: yaml.Node, json_path: str) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._error(
                node, f"its aliases make more than {MAX_NODES:,} parts", "write less, or a range"
            )
        if len(self._open) >= MAX_DEPTH:
            raise self._error(node, f"is nested deeper than {MAX_DEPTH} levels")
        if any(node is other for other in self._open):
            raise self._error(node, "an alias contains itself")
        self.positions.setdefault(json_path, self._at(node.start_mark))
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, json_path)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, f"{json_path}[{number}]") for number, item in enumerate(node.value)]
            return self._scalar(node)
        finally:
            self._open.pop()

    def _mapping(self, node: yaml.MappingNode, json_path: str) -> dict[str, Any]:
        data: dict[str, Any] = {}
        lines: dict[str, int] = {}
        if node.tag != "tag:yaml.org,2002:map":
            raise self._error(node, f"has the tag {node.tag!r}", "configs are plain data: take the tag away")
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error(
                    key_node, "a key is not a name", "{{ }} needs quotes where it is a whole value"
                )
            key, at = str(key_node.value), self._at(key_node.start_mark)
            if key in data:
                raise self._error(
                    key_node,
                    f"the key {key!r} is there twice, first on line {lines[key]}",
                    "keep one of them",
                )
            lines[key] = at.line
            path = child(json_path, key)
            self.positions[path] = at
            data[key] = self.value(value_node, path)
        return data

    def _scalar(self, node: yaml.Node) -> Any:
        text = str(node.value)
        if node.tag == _STR:
            return text
        if node.tag == _NULL:
            return None
        if node.tag == _BOOL:
            return text.lower() == "true"
        try:
            if node.tag == _INT:
                return int(text)
            if node.tag == _FLOAT and math.isfinite(float(text)):
                return float(text)
        except ValueError:
            raise self._error(node, f"{text!r} is not a number") from None
        if node.tag == _FLOAT:
            raise self._error(node, f"{text} is not a finite number")
        raise self._error(node, f"has the tag {node.tag!r}", "configs are plain data: take the tag away")

    def _at(self, mark: Any) -> Position:
        if mark is None:
            return Position(1, 1)
        lines = self.rendered.source_lines
        return Position(lines[min(mark.line, len(lines) - 1)], mark.column + 1)

    def _error(self, node: yaml.Node, message: str, hint: str | None = None) -> ConfigError:
        return ConfigError(self.path, self._at(node.start_mark), message, hint=hint)
