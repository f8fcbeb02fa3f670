"""A batch file: several configs in one, with what they share said once.

    name: Mean reversion
    defaults:                  # beneath every config; what a config says itself comes first
      symbols: [MTUM, QUAL]
    configs:
      - strategy: rsi_mean_reversion
      - strategy: bollinger_reversion
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runners.configs.errors import ConfigError, Position
from runners.configs.reader import Config, child, read_config

KEYS = ("name", "notes", "defaults", "configs")
# Below these a config's keys join those of the defaults; anything else, such as a range, is replaced whole.
JOINED = frozenset(
    {
        "$",
        "$.optimization",
        "$.optimization.parameters",
        "$.optimization.walk_forward",
        "$.success_criteria",
        "$.in_sample_criteria",
    }
)


@dataclass(frozen=True)
class Batch:
    """Configs that are queued all or none, each complete, with its positions in the one file."""

    path: str
    name: str
    notes: str | None
    configs: tuple[Config, ...]


def read_batch(path: Path) -> Batch:
    """Reads a batch file. Raises ConfigError."""
    return batch_of(read_config(path))


def batch_of(whole: Config) -> Batch:
    """The batch in a file that was read as one document. Raises ConfigError."""
    data = whole.data
    for key in data:
        if key not in KEYS:
            raise _refused(whole, child("$", key), f"a batch has no key {key!r}", _WAY_OUT)
    for key in ("name", "notes"):
        if data.get(key) is not None and not isinstance(data[key], str):
            raise _refused(whole, f"$.{key}", f"{key} is {data[key]!r}, not a text", "put it in quotes")
    defaults = data.get("defaults") or {}
    if not isinstance(defaults, dict):
        raise _refused(whole, "$.defaults", "defaults are not keys with values", _WAY_OUT)
    configs = data.get("configs")
    if not isinstance(configs, list) or not configs:
        raise _refused(whole, "$.configs", "a batch needs a list of configs", _WAY_OUT)
    for number, config in enumerate(configs):
        if not isinstance(config, dict):
            raise _refused(
                whole, f"$.configs[{number}]", f"config {number + 1} is not keys with values", _WAY_OUT
            )
    return Batch(
        path=whole.path,
        name=data.get("name") or Path(whole.path).stem,
        notes=data.get("notes"),
        configs=tuple(_completed(whole, defaults, number) for number in range(len(configs))),
    )


_WAY_OUT = "a batch has name, notes, defaults and configs; see configs/batches/mean_reversion_batch.yaml"


def _completed(whole: Config, defaults: dict[str, Any], number: int) -> Config:
    own, base = f"$.configs[{number}]", "$.defaults"
    positions = {"$": whole.position(own)}
    data = _joined(whole, defaults, whole.data["configs"][number], "$", positions, base, own)
    return Config(whole.path, data, MappingProxyType(positions))


def _joined(
    whole: Config,
    below: dict[str, Any],
    above: dict[str, Any],
    at: str,
    positions: dict[str, Position],
    base: str,
    own: str,
) -> dict[str, Any]:
    """The two mappings as one; `at` is where it stands in the config, `base` and `own` where in the file."""
    joined: dict[str, Any] = {}
    for key in (*above, *(key for key in below if key not in above)):
        here = child(at, key)
        both = key in above and key in below
        if both and here in JOINED and isinstance(above[key], dict) and isinstance(below[key], dict):
            positions[here] = whole.position(child(own, key))
            joined[key] = _joined(
                whole, below[key], above[key], here, positions, child(base, key), child(own, key)
            )
            continue
        joined[key] = above[key] if key in above else below[key]
        source = child(own if key in above else base, key)
        for path, position in whole.positions.items():
            if path == source or path.startswith((f"{source}.", f"{source}[")):
                positions[here + path[len(source) :]] = position
    return joined


def _refused(whole: Config, json_path: str, message: str, hint: str) -> ConfigError:
    return ConfigError(whole.path, whole.position(json_path), message, hint=hint)
