"""Buttons of a run: cancel its job, or carry its search on with more points or finer ones."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st
from psycopg.types.json import Jsonb

from runners.configs.errors import ConfigError
from runners.configs.reader import parse_config
from streamlit_app import director
from streamlit_app.director import Answer

PLACE = "run"
ORDER = ("start", "end", "step")  # as people write a range; JSON has no order


def buttons(found: dict[str, Any]) -> None:
    """In a row, with what the last press led to below."""
    allowed, reason = director.may_act()
    closed = _why_not(found)
    with st.container(horizontal=True):
        if found["job_is_open"]:
            director.button(
                "Cancel",
                "select desk.cancel_job(%(job)s)",
                {"job": found["job_id"]},
                key="cancel",
                place=PLACE,
                icon=":material/cancel:",
                confirm=f"Ends job {found['job_id']}: what is recorded stays, what is running is stopped.",
            )
        if not allowed or closed:
            help = reason if not allowed else closed
            st.button("Extend", icon=":material/add_chart:", disabled=True, help=help, key="extend")
            st.button("Refine", icon=":material/zoom_in:", disabled=True, help=help, key="refine")
        else:
            with st.popover("Extend", icon=":material/add_chart:", width="content"):
                _extend(found)
            with st.popover("Refine", icon=":material/zoom_in:", width="content"):
                _refine(found)
    director.answer(PLACE)
    director.note()


def flow_text(parameters: dict[str, Any]) -> str:
    """A config's parameters as YAML, a line each."""
    return "\n".join(f"{name}: {_flow(value)}" for name, value in parameters.items())


def _extend(found: dict[str, Any]) -> None:
    st.markdown("Add points to the search. What it has already is not run again.")
    key = f"parameters of {found['optimization_run_id']}"
    with st.form("extend", border=False):
        st.text_area(
            "Parameters",
            flow_text(found["given"] or {}),
            key=key,
            height=160,
            help="As in a config: a range, a list, or one value. Widen what the best lies on the edge of.",
        )
        st.form_submit_button("Add points", type="primary", on_click=_press_extend, args=(found, key))


def _refine(found: dict[str, Any]) -> None:
    st.markdown("Add a finer grid around the best point so far.")
    key = f"segments of {found['optimization_run_id']}"
    with st.form("refine", border=False):
        st.number_input(
            "Segments",
            min_value=2,
            max_value=20,
            value=4,
            step=1,
            key=key,
            help="Into how many parts a step is cut.",
        )
        st.form_submit_button("Add a finer grid", type="primary", on_click=_press_refine, args=(found, key))


def _press_extend(found: dict[str, Any], key: str) -> None:
    """Only what was changed is sent: the run knows the rest."""
    try:
        written = parse_config("the parameters", st.session_state[key]).data
    except ConfigError as error:
        director.keep(PLACE, Answer(False, error.message, error.detail, error.hint))
        return
    changed = {name: value for name, value in written.items() if value != (found["given"] or {}).get(name)}
    values = {"run": found["optimization_run_id"], "parameters": Jsonb(changed)}
    director.keep(PLACE, director.call("select desk.extend_run(%(run)s, %(parameters)s)", values))


def _press_refine(found: dict[str, Any], key: str) -> None:
    values = {"run": found["optimization_run_id"], "segments": st.session_state[key]}
    director.keep(PLACE, director.call("select desk.refine_run(%(run)s, %(segments)s)", values))


def _why_not(found: dict[str, Any]) -> str | None:
    """Why a run cannot be carried on; the database says the same where a press comes all the same."""
    if found["imported"]:
        return "This run was imported: only a search of the desk's own can be carried on."
    if found["optimization_type"] == "Walk-Forward":
        return "A walk-forward is not carried on: its folds follow from its config."
    if found["status"] in ("cancelled", "failed"):
        return f"This run was {found['status']}: queue its config again."
    return None


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        names = [name for name in ORDER if name in value] + [name for name in value if name not in ORDER]
        return "{" + ", ".join(f"{name}: {_flow(value[name])}" for name in names) + "}"
    return json.dumps(value)
