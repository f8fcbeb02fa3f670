"""What an `optimizer-config.json` says of a finished optimization, in the desk's words."""

from __future__ import annotations

from typing import Any

from runners.engines.lean.documents import find, items, number
from runners.engines.lean.targets import desk_metric

_OPERATORS = {
    "less": "<",
    "lessorequal": "<=",
    "greater": ">",
    "greaterorequal": ">=",
    "equals": "==",
    "notequal": "!=",
}


def search_type(document: object) -> str:
    strategy = find(document, "optimization-strategy")
    return "Euler Search" if isinstance(strategy, str) and "euler" in strategy.casefold() else "Grid Search"


def search_config(document: object, target: str = "") -> dict[str, Any]:
    """Target, direction and limits on metrics as a config has them, without what the desk has no metric for.

    `target` is what the optimizer's log names, for where the document is missing.
    """
    search: dict[str, Any] = {}
    stated = find(document, "optimization-criterion", "target")
    metric = desk_metric(stated if isinstance(stated, str) else target)
    if metric is not None:
        search["target_metric"] = metric
        extremum = find(document, "optimization-criterion", "extremum")
        if isinstance(extremum, str) and extremum.casefold() in ("max", "min"):
            search["target_direction"] = extremum.casefold()
    constraints = []
    for constraint in items(find(document, "constraints")):
        name, operator = find(constraint, "target"), find(constraint, "operator")
        limit = number(find(constraint, "target-value"))
        known = desk_metric(name) if isinstance(name, str) else None
        sign = _OPERATORS.get(operator.casefold()) if isinstance(operator, str) else None
        if known and sign and limit is not None and abs(limit) < 1e12:
            constraints.append(f"{known} {sign} {limit:f}")
    if constraints:
        search["constraints"] = constraints
    return {"optimization": search} if search else {}
