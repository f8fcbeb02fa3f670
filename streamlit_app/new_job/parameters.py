"""A parameter's row in the form: its default, one value, a range or a list of values."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

DEFAULT, ONE, RANGE, LIST = "default", "one value", "range", "list"
# Those of the framework, which few searches vary.
FRAMEWORK = ("position_share", "enable_risk_manager", "enable_db_logging")


def draw(strategy: str, published: list[dict[str, Any]], drawn: bool) -> dict[str, Any]:
    """Values by parameter, without those that stay at their default; `drawn` searches need no step."""
    chosen: dict[str, Any] = {}
    own = [one for one in published if one["name"] not in FRAMEWORK]
    for one in own:
        _row(strategy, one, drawn, chosen)
    if not own:
        st.caption("This strategy has published no parameter of its own.")
    with st.expander("Parameters of the framework"):
        for one in published:
            if one["name"] in FRAMEWORK:
                _row(strategy, one, drawn, chosen)
    return chosen


def _row(strategy: str, parameter: dict[str, Any], drawn: bool, chosen: dict[str, Any]) -> None:
    name, key = parameter["name"], f"{strategy} {parameter['name']}"
    label, how, rest = st.columns([4, 3, 6], vertical_alignment="top")
    label.markdown(f"**{name}**  \n:small[{parameter['description']} {_bounds(parameter)}]")
    number = parameter["type"] in ("integer", "number")
    ways = [DEFAULT, ONE, RANGE, LIST] if number else [DEFAULT, ONE, LIST]
    way = how.selectbox(
        f"How {name} is chosen",
        ways,
        key=f"how {key}",
        label_visibility="collapsed",
    )
    with rest:
        if way == ONE:
            chosen[name] = _one(parameter, key)
        elif way == RANGE:
            chosen[name] = _range(parameter, key, drawn)
        elif way == LIST:
            chosen[name] = _list(parameter, key)


def _one(parameter: dict[str, Any], key: str) -> Any:
    name, default = parameter["name"], parameter["default"]
    if parameter["type"] == "boolean":
        return st.selectbox(
            name,
            [True, False],
            index=int(not default),
            key=f"one {key}",
            label_visibility="collapsed",
            format_func=lambda one: "true" if one else "false",
        )
    if parameter["type"] == "text":
        return st.text_input(name, str(default), key=f"one {key}", label_visibility="collapsed")
    return _number(f"{name}", parameter, default, f"one {key}", "collapsed")


def _range(parameter: dict[str, Any], key: str, drawn: bool) -> dict[str, Any]:
    name, whole = parameter["name"], parameter["type"] == "integer"
    low, high, step = _suggested(parameter)
    columns = st.columns(3)
    with columns[0]:
        start = _number(f"{name} from", parameter, low, f"start {key}")
    with columns[1]:
        end = _number(f"{name} to", parameter, high, f"end {key}")
    with columns[2]:
        by = st.number_input(
            f"{name} step",
            value=step if whole else float(step),
            min_value=1 if whole else 0.0,
            format="%d" if whole else "%g",
            key=f"step {key}",
            help="Not needed where points are drawn." if drawn else None,
        )
    return {"start": start, "end": end, "step": by}


def _list(parameter: dict[str, Any], key: str) -> list[Any]:
    text = st.text_input(
        f"Values of {parameter['name']}",
        _text(parameter["default"]),
        key=f"list {key}",
        label_visibility="collapsed",
        placeholder="values, with commas between",
    )
    return [_value(one.strip(), parameter["type"]) for one in text.split(",") if one.strip()]


def _value(text: str, kind: str) -> Any:
    """As the config would have it; what is no value of this kind stays text, and the desk refuses it."""
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind in ("integer", "number"):
        try:
            number = float(text)
        except ValueError:
            return text
        if not math.isfinite(number):
            return text
        return int(number) if number.is_integer() and "." not in text else number
    return text


def _number(
    label: str, parameter: dict[str, Any], value: Any, key: str, visibility: Any = "visible"
) -> int | float:
    whole = parameter["type"] == "integer"
    kind = int if whole else float
    low, high = (
        None if bound is None else kind(bound) for bound in (parameter["minimum"], parameter["maximum"])
    )
    found = st.number_input(
        label,
        value=kind(value),
        min_value=low,
        max_value=high,
        key=key,
        label_visibility=visibility,
        step=1 if whole else None,
        format="%d" if whole else "%g",
    )
    assert found is not None
    return int(found) if whole else float(found)


def _suggested(parameter: dict[str, Any]) -> tuple[Any, Any, Any]:
    """A range around the default, within the bounds: five values."""
    default = parameter["default"] if isinstance(parameter["default"], int | float) else 0
    low, high = default * 0.5, default * 1.5 or 1.0
    if low > high:
        low, high = high, low
    low = low if parameter["minimum"] is None else max(low, parameter["minimum"])
    high = high if parameter["maximum"] is None else min(high, parameter["maximum"])
    if parameter["type"] == "integer":
        step = max(1, round((high - low) / 4))
        return round(low), round(low) + step * max(1, int((high - round(low)) // step)), step
    step = float(f"{max((high - low) / 4, 1e-9):.1g}")
    return low, high, step


def _bounds(parameter: dict[str, Any]) -> str:
    low, high, default = parameter["minimum"], parameter["maximum"], _text(parameter["default"])
    if low is None and high is None:
        return f"(default {default})"
    if low is None or high is None:
        return f"({f'at least {low:g}' if high is None else f'at most {high:g}'}; default {default})"
    return f"({low:g} to {high:g}; default {default})"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
