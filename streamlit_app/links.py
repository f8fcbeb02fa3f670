"""Addresses of the pages: what a widget is bound to, so that a number can lead to its rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

import streamlit as st


def option(key: int, name: str) -> str:
    """How a run or result stands in a select box and in the address: its number, then whose it is."""
    return f"{key} {name}"


def run_option(found: dict[str, Any]) -> str:
    """A search in a select box: whose it is, how and on what it searched, when, and what came of it."""
    symbols = found["symbols"]
    on = " ".join(symbols) if len(symbols) <= 4 else f"{' '.join(symbols[:3])} and {len(symbols) - 3} more"
    day = f"{found['day']}" if found["day"] else ""
    parts = (found["strategy"], found["optimization_type"], on, day, found["verdict"])
    return option(found["optimization_run_id"], " · ".join(filter(None, parts)))


def key_of(chosen: str) -> int:
    return int(chosen.split()[0])


def strategy_url(strategy: str, result: int | None = None) -> str:
    wanted = {"strategy": strategy} | ({} if result is None else {"result": str(result)})
    return "/strategy?" + urlencode(wanted)


def run_url(run: int, strategy: str) -> str:
    return "/run?" + urlencode({"run": option(run, strategy)})


def walk_forward_url(run: int, strategy: str) -> str:
    return "/walk_forward?" + urlencode({"walk": option(run, strategy)})


def monitor_url(session: str, rows: str, day: date | None) -> str:
    """A session with one kind of its rows, as of a day where one is asked for."""
    wanted = {"session": session, "rows": rows} | ({} if day is None else {"day": day.isoformat()})
    return f"/monitor?{urlencode(wanted)}#{rows.lower().replace(' ', '-')}"


def leaderboard_url(**filters: str | int | bool) -> str:
    """The board with these filters, by the names that they have in the address."""
    words = {name: str(value).lower() for name, value in filters.items()}
    return "/?" + urlencode(words)


def choose(label: str, options: Sequence[str], key: str, first: int = 0) -> str | None:
    """A select box bound to the address; at first it shows the option at place `first`.

    Its number says which option is meant: a person types it alone, and what follows it in an older address,
    or in a choice made a minute ago, may be said differently now.
    """
    held = st.session_state.get(key)
    asked = held if held is not None else st.query_params.get(key)
    if asked and asked not in options:
        found = [one for one in options if one.split()[0] == asked.split()[0]]
        if found and held is not None:
            st.session_state[key] = found[0]
        elif found:
            # In the address only: a value that is set counts as the default, which no address keeps.
            st.query_params[key] = found[0]
            st.rerun()
    return st.selectbox(label, options, first, key=key, bind="query-params")
