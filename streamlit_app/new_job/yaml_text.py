"""A config as the text of a file that could be committed, and that reads back as the same config."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

HEAD = "# yaml-language-server: $schema=../schema.json\n"


class _Flow:
    """Written on one line: ranges, lists, and other small things."""

    def __init__(self, value: Any) -> None:
        self.value = value


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _flow(dumper: _Dumper, given: _Flow) -> yaml.Node:
    if isinstance(given.value, dict):
        return dumper.represent_mapping("tag:yaml.org,2002:map", given.value, flow_style=True)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", given.value, flow_style=True)


_Dumper.add_representer(_Flow, _flow)


def yaml_text(config: dict[str, Any]) -> str:
    """The whole file."""
    shaped = {key: _shaped(value, 1) for key, value in config.items()}
    return HEAD + yaml.dump(shaped, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def ordered(value: Any, positions: Mapping[str, int], path: str = "") -> Any:
    """The config with its keys in the order of config_keys, which JSON in the database does not keep."""
    if not isinstance(value, dict):
        return value
    known = {key: f"{path}.{key}" if path else key for key in value}
    places = {key: at if at in positions else f"{path}.*" for key, at in known.items()}
    keys = sorted(value, key=lambda key: positions.get(places[key], 0))
    return {key: ordered(value[key], positions, places[key]) for key in keys}


def file_name(config: dict[str, Any]) -> str:
    """A name for the file: that of the config, else of its strategy."""
    given = str(config.get("name") or config.get("strategy") or "job")
    return (re.sub(r"[^a-z0-9]+", "_", given.lower()).strip("_") or "job") + ".yaml"


def _shaped(value: Any, depth: int) -> Any:
    """Mappings and lists that hold no others stand on one line, those at the top a line a key."""
    if isinstance(value, list):
        return _Flow(value) if all(not isinstance(one, dict | list) for one in value) else value
    if isinstance(value, dict):
        flat = all(not isinstance(one, dict | list) for one in value.values())
        if flat and depth > 2:
            return _Flow(value)
        return {key: _shaped(one, depth + 1) for key, one in value.items()}
    return value
