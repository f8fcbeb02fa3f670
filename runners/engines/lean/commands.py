"""The exact `lean` command of a config. What LEAN would answer with silence or a hang is refused here.

LEAN's optimizer waits for ever when a range is upside down or a step is not positive, and names no winner
where no result has its target; so ranges, targets and constraints are checked before anything is started.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from runners.engines.lean.targets import TargetError, checked_target, desk_metric, full_path, lean_name
from runners.errors import DeskError

PACKAGE = "QuantConnect.Optimizer"
GRID, EULER = "Grid Search", "Euler Search"
SEGMENTS = 4
_COMPARISON = re.compile(r"^\s*(.+?)\s*(<=|>=|==|!=|=|<|>)\s*(-?\d+(?:\.\d+)?)\s*(%?)\s*$")
_OPERATORS = {
    "<": "less",
    "<=": "lessOrEqual",
    ">": "greater",
    ">=": "greaterOrEqual",
    "==": "equals",
    "!=": "notEqual",
}
# By name, since a config may leave the direction to the metric.
_LESS_IS_BETTER = re.compile(
    r"drawdown|deviation|variance|lossrate|averageloss|fees|trackingerror|valueatrisk", re.I
)


class LeanCommandError(DeskError):
    """A config that `lean optimize` cannot run; `detail` is the JSON path of the part at fault."""


@dataclass(frozen=True)
class Range:
    """Values that LEAN steps through; `minimum_step` is where an Euler search ends."""

    name: str
    start: Decimal
    end: Decimal
    step: Decimal
    minimum_step: Decimal


@dataclass(frozen=True)
class Constraint:
    """A limit on a number of the result; `limit` is in its own unit, fractions and not per cents."""

    target: str
    comparison: str
    limit: Decimal

    def __str__(self) -> str:
        # The command line splits at the last two blanks.
        return f"{self.target} {self.comparison} {number_text(self.limit)}"


@dataclass(frozen=True)
class Optimization:
    """One `lean optimize`, checked. `constants` are parameters with one value, as texts."""

    project: str
    search: str
    target: str
    direction: str
    ranges: tuple[Range, ...]
    constants: Mapping[str, str]
    constraints: tuple[Constraint, ...]
    segments: int = SEGMENTS

    def arguments(self, config_file: str = "optimizer.json") -> list[str]:
        """Words after `lean`; an Euler search names `config_file`, which has to hold `document()`."""
        if self.search == EULER:
            return ["optimize", self.project, "--optimizer-config", config_file]
        words = ["optimize", self.project, "--strategy", self.search, "--target", self.target]
        words += ["--target-direction", self.direction]
        for one in self.ranges:
            words += ["--parameter", one.name, *map(number_text, (one.start, one.end, one.step))]
        for constraint in self.constraints:
            words += ["--constraint", str(constraint)]
        return words

    def document(self) -> dict[str, Any]:
        """The optimizer's config: the only way to tell LEAN a minimum step, without it Euler is a grid."""
        strategies = f"{PACKAGE}.Strategies"
        return {
            "optimization-strategy": f"{strategies}.{self.search.replace(' ', '')}OptimizationStrategy",
            "optimization-strategy-settings": {
                "$type": f"{PACKAGE}.Strategies.StepBaseOptimizationStrategySettings, {PACKAGE}",
                "default-segment-amount": self.segments,
            },
            "optimization-criterion": {"target": full_path(self.target), "extremum": self.direction},
            "parameters": [
                {
                    "name": one.name,
                    "min": _plain(one.start),
                    "max": _plain(one.end),
                    "step": _plain(one.step),
                    "min-step": _plain(one.minimum_step),
                }
                for one in self.ranges
            ],
            "constraints": [
                {
                    "target": full_path(one.target),
                    "operator": _OPERATORS[one.comparison],
                    "target-value": _plain(one.limit),
                }
                for one in self.constraints
            ],
        }

    def text(self, config_file: str = "optimizer.json") -> str:
        """The command as one would type it."""
        return "lean " + " ".join(_quoted(words) for words in _grouped(self.arguments(config_file)))


def optimization(config: Mapping[str, Any]) -> Optimization:
    """The optimization of a desk config; raises LeanCommandError, or TargetError, with the path at fault."""
    search = config.get("optimization") or {}
    kind = search.get("type", GRID)
    if kind not in (GRID, EULER):
        raise LeanCommandError(
            f"`lean optimize` has no {kind}",
            detail="$.optimization.type",
            hint="use Grid Search or Euler Search, or let the desk search: one `lean backtest` a point",
        )
    target = str(search.get("target_metric", "Sharpe Ratio"))
    try:
        checked_target(target)
    except TargetError as error:
        raise TargetError(error.message, detail="$.optimization.target_metric", hint=error.hint) from error
    parameters = search.get("parameters") or {}
    ranges, constants = [], {}
    for name, spec in parameters.items():
        found = _axis(name, spec, kind)
        if isinstance(found, Range):
            ranges.append(found)
        else:
            constants[name] = found
    if not ranges:
        raise LeanCommandError(
            "there is no parameter to search",
            detail="$.optimization.parameters",
            hint="give one a range, such as rsi_period: {start: 10, end: 20, step: 2}",
        )
    less_is_better = _LESS_IS_BETTER.search(target.replace(" ", ""))
    return Optimization(
        project=str(config.get("strategy", "")),
        search=kind,
        target=target,
        direction=str(search.get("target_direction") or ("min" if less_is_better else "max")),
        ranges=tuple(ranges),
        constants=constants,
        constraints=tuple(
            _constraint(number, text, set(parameters))
            for number, text in enumerate(search.get("constraints") or ())
        ),
        segments=int(search.get("segments", SEGMENTS)),
    )


def in_leans_words(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config as the database canonicalised it, with LEAN's names for target and constraints.

    What LEAN has no name for stays, and is refused by `optimization`.
    """
    search = dict(config.get("optimization") or {})
    if "target_metric" in search:
        search["target_metric"] = lean_name(search["target_metric"]) or search["target_metric"]
    constraints = []
    for text in search.get("constraints") or ():
        found = _COMPARISON.match(text)
        name = lean_name(found[1]) if found else None
        constraints.append(f"{name} {found[2]} {found[3]}{found[4]}" if found and name else text)
    return {**config, "optimization": {**search, "constraints": constraints}}


def in_the_desks_words(config: Mapping[str, Any]) -> dict[str, Any]:
    """The other way round: LEAN's paths as metrics of the desk, without what the desk has no metric for."""
    if not isinstance(config.get("optimization"), Mapping):
        return dict(config)
    search = dict(config["optimization"])
    if "." in str(search.get("target_metric", "")):
        metric = desk_metric(search.pop("target_metric"))
        search |= {"target_metric": metric} if metric else {}
    constraints = []
    for text in search.get("constraints") or ():
        found = _COMPARISON.match(str(text))
        if found and "." in found[1]:
            metric = desk_metric(found[1])
            text = f"{metric} {found[2]} {found[3]}{found[4]}" if metric else None
        constraints.append(text)
    if constraints:
        search["constraints"] = [text for text in constraints if text is not None]
    return {**config, "optimization": search}


def number_text(value: object) -> str:
    """A number as LEAN's `get_parameter` can parse it: whole ones without a decimal point, never 1e-05."""
    number = Decimal(str(value))
    if number == number.to_integral_value():
        return str(int(number))
    return f"{number.normalize():f}"


def value_text(value: object) -> str:
    """A parameter's value as LEAN takes it; all of its parameters are texts."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return number_text(value)
    return str(value)


def _axis(name: str, spec: object, kind: str) -> Range | str:
    path = f"$.optimization.parameters.{name}"
    if isinstance(spec, Mapping):
        numbers = {}
        for key in ("start", "end", "step"):
            numbers[key] = _decimal(spec.get(key, 1 if key == "step" else None), f"{path}.{key}")
        return _range(
            name, numbers["start"], numbers["end"], numbers["step"], spec.get("min_step"), kind, path
        )
    if isinstance(spec, list) and len(spec) > 1:
        values = [_decimal(value, path) for value in spec]
        steps = {after - before for before, after in pairwise(values)}
        if len(steps) != 1:
            raise LeanCommandError(
                f"LEAN steps evenly, and {name} does not: {', '.join(map(str, spec))}",
                detail=path,
                hint="give it start, end and step, or let the desk search: one `lean backtest` a point",
            )
        return _range(name, values[0], values[-1], steps.pop(), None, kind, path)
    constant = spec[0] if isinstance(spec, list) and spec else spec
    if isinstance(constant, int | float) and not isinstance(constant, bool):
        value = _decimal(constant, path)
        return Range(name, value, value, Decimal(1), Decimal(1))
    return value_text(constant)


def _range(
    name: str, start: Decimal, end: Decimal, step: Decimal, minimum: object, kind: str, path: str
) -> Range:
    if step <= 0:
        raise LeanCommandError(
            f"the step of {name} is {step}: LEAN's optimizer would never end",
            detail=f"{path}.step",
            hint="a step is above zero",
        )
    if start > end:
        raise LeanCommandError(
            f"{name} starts at {start} and ends at {end}: LEAN's optimizer would never end",
            detail=f"{path}.end",
            hint="a range goes upwards",
        )
    whole = all(value == value.to_integral_value() for value in (start, end, step))
    least = _decimal(minimum, f"{path}.min_step") if minimum is not None else step / 10
    if minimum is None and whole:
        least = max(Decimal(1), least.to_integral_value())
    if kind == GRID:
        least = step
    if not 0 < least <= step:
        raise LeanCommandError(
            f"the minimum step of {name} is {least}, its step {step}: LEAN's optimizer would never end",
            detail=f"{path}.min_step",
            hint="a minimum step is above zero and not above the step",
        )
    return Range(name, start, end, step, least)


def _decimal(value: object, path: str) -> Decimal:
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = Decimal(str(value))
        if number.is_finite():
            return number
    raise LeanCommandError(
        f"got {value!r} where a number is needed", detail=path, hint="LEAN searches numbers only"
    )


def _constraint(number: int, text: str, parameters: set[str]) -> Constraint:
    path = f"$.optimization.constraints[{number}]"
    found = _COMPARISON.match(text)
    if found is None or found[1] in parameters:
        raise LeanCommandError(
            f"LEAN has no constraints between parameters: {text}",
            detail=path,
            hint="let the desk search, one `lean backtest` a point; LEAN limits results: Drawdown < 0.15",
        )
    try:
        target = checked_target(found[1])
    except TargetError as error:
        raise TargetError(error.message, detail=path, hint=error.hint) from error
    limit = Decimal(found[3]) / (100 if found[4] else 1)
    return Constraint(target, "==" if found[2] == "=" else found[2], limit)


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


_IN_QUOTES = frozenset(
    {"optimize", "--strategy", "--target", "--target-direction", "--constraint", "--optimizer-config"}
)


def _grouped(words: Sequence[str]) -> list[tuple[str, ...]]:
    """Each option with its values."""
    groups: list[list[str]] = []
    for word in words:
        if word.startswith("--") or not groups:
            groups.append([word])
        else:
            groups[-1].append(word)
    return [tuple(group) for group in groups]


def _quoted(words: Sequence[str]) -> str:
    option, values = words[0], words[1:]
    if option in _IN_QUOTES:
        return " ".join([option, *('"' + re.sub(r'(["$`\\])', r"\\\1", value) + '"' for value in values)])
    return " ".join([option, *map(shlex.quote, values)])
