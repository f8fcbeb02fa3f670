"""Addresses of the pages: what a widget is bound to, so that a number can lead to its rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from urllib.parse import urlencode

import streamlit as st


def option(key: int, name: str) -> str:
    """How a run or result stands in a select box and in the address: its number, then whose it is."""
    return f"{key} {name}"


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


def choose(label: str, options: Sequence[str], key: str) -> str | None:
    """A select box bound to the address. A number alone, as a person types it, finds its option."""
    asked = st.query_params.get(key)
    if asked is not None and asked not in options:
        found = [one for one in options if one.split()[0] == asked]
        if found and key not in st.session_state:
            # In the address only: a value that is set counts as the default, which no address keeps.
            st.query_params[key] = found[0]
            st.rerun()
    return st.selectbox(label, options, key=key, bind="query-params")
