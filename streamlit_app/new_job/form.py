"""The form: what it draws is a config, key by key in the order of a file.

What stands above a field never comes and goes: all below would be drawn anew, and lose what is being typed.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import streamlit as st

from streamlit_app.new_job import parameters, queries


def draw() -> dict[str, Any] | None:
    """The config as it is filled in; None where there is nothing to test yet, which the page then says."""
    strategies, coverage = queries.strategies(), queries.coverage()
    if not strategies:
        st.info("The desk knows no strategy yet. Run: backdesk up", icon=":material/inbox:")
        return None
    if not coverage:
        st.info("No prices are loaded yet. Run: backdesk load sample", icon=":material/inbox:")
        return None
    config = _what(strategies)
    config |= _prices(coverage)
    config |= _account()
    config["optimization"] = _search(config["strategy"])
    config["success_criteria"] = _criteria()
    return config


def _what(strategies: list[str]) -> dict[str, Any]:
    st.subheader("What is tested")
    left, right = st.columns(2)
    at_hand = queries.at_hand() or strategies[0]
    strategy = left.selectbox(
        "Strategy", strategies, strategies.index(at_hand), key="strategy", bind="query-params"
    )
    name = right.text_input("Name", key="name", placeholder="for people; may stay empty")
    known = queries.strategy(strategy)
    st.caption(known["hypothesis"] or "Nothing is known of what it bets on.")
    return {**({"name": name} if name else {}), "strategy": strategy}


def _prices(coverage: list[dict[str, Any]]) -> dict[str, Any]:
    timeframes = sorted({one["timeframe"] for one in coverage}, key=lambda one: (one != "1d", one))
    left, right = st.columns([3, 1])
    timeframe = right.selectbox("Length of a bar", timeframes, key="timeframe")
    offered = {one["symbol"]: one for one in coverage if one["timeframe"] == timeframe}
    symbols = left.multiselect(
        "Symbols", list(offered), key=f"symbols {timeframe}", placeholder="traded together as one portfolio"
    )
    known = [offered[symbol] for symbol in symbols] or list(offered.values())
    first, last = max(one["first_day"] for one in known), min(one["last_day"] for one in known)
    for_each = st.checkbox("A search of each symbol, instead of one portfolio of all", key="for each")
    start, end = st.columns(2)
    begin = _day(start, "First day", first, min(one["first_day"] for one in known), last)
    over = _day(end, "Last day", last, first, max(one["last_day"] for one in known))
    st.caption(
        f"All of them have prices from {first} to {last}; a day that stays empty takes these."
        if symbols
        else "A day that stays empty takes the first, or the last, that all symbols have."
    )
    return {
        "symbols": symbols,
        **({"for_each": "symbols"} if for_each else {}),
        "timeframe": timeframe,
        **({"start_date": begin.isoformat()} if begin else {}),
        **({"end_date": over.isoformat()} if over else {}),
    }


def _day(place: Any, label: str, default: dt.date, low: dt.date, high: dt.date) -> dt.date | None:
    found: dt.date | None = place.date_input(
        label,
        value=None,
        min_value=min(low, default),
        max_value=max(high, default),
        key=label,
        format="YYYY-MM-DD",
    )
    return found


def _account() -> dict[str, Any]:
    columns = st.columns(3)
    cash = columns[0].number_input("Cash", 1, 1_000_000_000_000, 100_000, 10_000, key="cash")
    with columns[1]:
        commission = _cost("Commission (%)", 0.1, "Of the value of each fill.")
    with columns[2]:
        slippage = _cost("Slippage (%)", 0.05, "By which each fill is worse than the price.")
    return {"cash": int(cash), "commission": commission, "slippage": slippage}


def _cost(label: str, default: float, help: str) -> float:
    """Asked for in per cent, as a fraction."""
    return round(st.number_input(label, 0.0, 50.0, default, 0.01, "%g", key=label, help=help) / 100, 10)


def _search(strategy: str) -> dict[str, Any]:
    st.subheader("The search")
    left, right = st.columns(2)
    known = {one["name"]: one for one in queries.searches()}
    kind = left.selectbox("Search", list(known), key="search", bind="query-params")
    titles = [one["title"] for one in queries.metrics()]
    target = right.selectbox("Target", titles, index=titles.index("Sharpe Ratio"), key="target")
    search: dict[str, Any] = {"type": kind}
    inner = kind
    if known[kind]["windows"]:
        inside = [name for name, one in known.items() if not one["windows"]]
        inner = left.selectbox("Search in each window", inside, key="inner")
        search |= {"search": inner, "walk_forward": _windows()}
    search["target_metric"] = target
    for one in queries.search_numbers(inner):
        key, label = one["key"], one["key"].replace("_", " ").capitalize()
        chosen = right.number_input(
            label, one["low"], one["high"], one["value"], key=key, help=one["description"]
        )
        search[key] = int(chosen)
    st.markdown("**Parameters**")
    search["parameters"] = parameters.draw(strategy, queries.parameters(strategy), known[inner]["draws"])
    constraints = st.text_area(
        "Constraints, a line each", key="constraints", height=80, placeholder="fast < slow\nDrawdown < 0.40"
    )
    lines = [line.strip() for line in constraints.splitlines() if line.strip()]
    return search | ({"constraints": lines} if lines else {})


def _windows() -> dict[str, Any]:
    mode, unit, embargo = st.columns(3)
    inside, outside = st.columns(2)
    units = queries.choices("optimization.walk_forward.unit")
    return {
        "mode": mode.selectbox("Windows", queries.choices("optimization.walk_forward.mode"), key="mode"),
        "unit": unit.selectbox("Unit", units, index=units.index("months"), key="unit"),
        "in_sample": int(inside.number_input("In sample", 1, 100_000, 24, key="in sample")),
        "out_of_sample": int(outside.number_input("Out of sample", 1, 100_000, 6, key="out of sample")),
        "embargo": int(embargo.number_input("Embargo (sessions)", 0, 10_000, 5, key="embargo")),
    }


def _criteria() -> dict[str, float]:
    """Thresholds; the desk's own to begin with, written out so that a file says what it was judged by."""
    st.subheader("When a result passes")
    defaults = queries.default_criteria()
    units = {
        key: (one["title"], one["unit"])
        for one in queries.metrics()
        for key in (one["min_key"], one["max_key"])
        if key is not None
    }
    chosen = st.multiselect(
        "Criteria", sorted(units), [key for key in defaults if key in units], key="criteria"
    )
    found: dict[str, float] = {}
    columns = st.columns(4, vertical_alignment="bottom")
    for number, key in enumerate(chosen):
        title, unit = units[key]
        word = "at least" if key.startswith("min_") else "at most"
        with columns[number % 4]:
            found[key] = _threshold(key, f"{title} {word}", unit, defaults.get(key))
    return found


def _threshold(key: str, label: str, unit: str, default: float | None) -> float:
    fraction = unit == "fraction"
    shown = 0.0 if default is None else default * (100 if fraction else 1)
    value = st.number_input(
        f"{label} (%)" if fraction else label, value=float(shown), format="%g", key=f"criterion {key}"
    )
    assert value is not None
    value = round(value / 100, 10) if fraction else value
    return int(value) if float(value).is_integer() and unit in ("count", "sessions") else value
