"""What a strategy takes: typed parameters, declared once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Value = int | float | bool | str

TYPE_NAMES: dict[type, str] = {int: "integer", float: "number", bool: "boolean", str: "text"}


class ParameterError(ValueError):
    """A parameter is declared wrongly, or a value does not suit it."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a strategy.

    `type` is int, float, bool or str; `minimum` and `maximum` are inclusive bounds, None where there is none.
    """

    name: str
    type: type
    default: Value
    minimum: int | float | None = None
    maximum: int | float | None = None
    description: str = ""

    def __post_init__(self) -> None:
        if self.type not in TYPE_NAMES:
            raise ParameterError(
                f"parameter {self.name!r}: type {self.type!r} is none of int, float, bool, str"
            )
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ParameterError(
                f"parameter {self.name!r}: minimum {self.minimum} is above maximum {self.maximum}"
            )
        self.convert(self.default)

    def convert(self, value: object) -> Value:
        """Return `value` as this parameter's type; raise ParameterError where that would change it.

        JSON knows one kind of number, so 14.0 is the integer 14 and 2 is the number 2.0; 14.5 is no integer.
        """
        converted = self._typed(value)
        if not isinstance(converted, str | bool):
            if self.minimum is not None and converted < self.minimum:
                raise ParameterError(
                    f"parameter {self.name!r}: {converted} is below its minimum {self.minimum}"
                )
            if self.maximum is not None and converted > self.maximum:
                raise ParameterError(
                    f"parameter {self.name!r}: {converted} is above its maximum {self.maximum}"
                )
        return converted

    def _typed(self, value: object) -> Value:
        if self.type is str and isinstance(value, str):
            return value
        if self.type is bool and isinstance(value, bool):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            if self.type is float and math.isfinite(value):
                return float(value)
            if self.type is int and math.isfinite(value) and value == math.floor(value):
                return int(value)
        raise ParameterError(f"parameter {self.name!r}: expected {TYPE_NAMES[self.type]}, received {value!r}")

    def published(self) -> dict[str, object]:
        """The row of this parameter that SQL keeps."""
        return {
            "name": self.name,
            "type": TYPE_NAMES[self.type],
            "default": self.default,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "description": self.description,
        }


def merged(inherited: Iterable[Parameter], own: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Inherited parameters first, each replaced by an own one of the same name."""
    by_name = {parameter.name: parameter for parameter in inherited}
    seen: set[str] = set()
    for parameter in own:
        if parameter.name in seen:
            raise ParameterError(f"parameter {parameter.name!r} is declared twice")
        seen.add(parameter.name)
        by_name[parameter.name] = parameter
    return tuple(by_name.values())


def from_params(params: Mapping[str, object]) -> tuple[Parameter, ...]:
    """Parameters read off Backtrader's own `params`: type by default value, no bounds.

    Those whose default is no number, truth value or text (None, a tuple, a class) cannot be searched over
    and are left out.
    """
    return tuple(
        Parameter(name, type(default), default)
        for name, default in params.items()
        if isinstance(default, int | float | str) and type(default) in TYPE_NAMES
    )


def convert_all(declared: Iterable[Parameter], values: Mapping[str, object]) -> dict[str, Value]:
    """Typed keyword arguments for a strategy; refuses names that it does not declare."""
    by_name = {parameter.name: parameter for parameter in declared}
    unknown = sorted(set(values) - set(by_name))
    if unknown:
        raise ParameterError(f"unknown parameter {unknown[0]!r}; known are: {', '.join(by_name) or 'none'}")
    return {name: by_name[name].convert(value) for name, value in values.items()}
