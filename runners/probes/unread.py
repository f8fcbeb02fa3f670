"""Parameters that are declared and never read: a search over one tries the same backtest again and again."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from runners.probes.findings import ProbeFinding
from runners.probes.signals import Trace
from strategies.base_strategy import BaseStrategy
from strategies.code_hash import OWN_ROOT
from strategies.eod_strategy import EODStrategy
from strategies.parameters import Parameter, ParameterError, Value
from strategies.registry import RegisteredStrategy

ABOUT = "parameters"


def unread(
    entry: RegisteredStrategy, whole: Trace, run: Callable[[Mapping[str, object]], Trace]
) -> list[ProbeFinding]:
    """One finding for those never read, one for those whose change changed nothing on these prices."""
    framework = {parameter.name for parameter in (*BaseStrategy.parameters, *EODStrategy.parameters)}
    own = [parameter for parameter in entry.parameters if parameter.name not in framework]
    if not own:
        return [ProbeFinding("ok", ABOUT, "it has none of its own")]
    named = set(_names_read(entry))
    never: list[str] = []
    silent: list[str] = []
    for parameter in own:
        if any(run({parameter.name: value}) != whole for value in others(parameter)):
            continue
        (silent if parameter.name in named else never).append(parameter.name)
    findings = []
    if never:
        findings.append(
            ProbeFinding(
                "fault", ABOUT, f"never read: {', '.join(never)}", "read self.p.NAME, or take it out"
            )
        )
    if silent:
        findings.append(
            ProbeFinding(
                "note", ABOUT, f"other values of {', '.join(silent)} changed nothing on these prices"
            )
        )
    return findings or [ProbeFinding("ok", ABOUT, f"all {len(own)} are read and matter")]


def others(parameter: Parameter) -> Iterator[Value]:
    """A few values on both sides of the default that the parameter takes."""
    default = parameter.default
    if isinstance(default, bool):
        yield not default
        return
    if isinstance(default, str):
        return
    seen: set[Value] = {default}
    for factor, shift in ((2, 0), (0.5, 0), (1.25, 0), (1, 1), (1, -1), (5, 0), (0.1, 0), (1, 50)):
        value = default * factor + shift
        try:
            converted = parameter.convert(round(value) if parameter.type is int else value)
        except ParameterError:
            continue
        if converted not in seen:
            seen.add(converted)
            yield converted


def _names_read(entry: RegisteredStrategy) -> Iterator[str]:
    """Names that the strategy's own modules read as an attribute or ask for as a text."""
    files = entry.published()["code_details"]
    assert isinstance(files, dict)
    for module in files["files"]:
        path = _path(entry, module)
        # The framework reads its options by name for everybody, such as the kinds of sizing.
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                yield node.attr
            elif isinstance(node, ast.Call) and not _declares(node):
                yield from (
                    arg.value
                    for arg in node.args
                    if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
                )


def _declares(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "Parameter"


def _path(entry: RegisteredStrategy, module: str) -> Path:
    top, *rest = module.split(".")
    root = OWN_ROOT if top == "strategies" else entry.root
    stem = root.joinpath(*rest)
    return stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")
