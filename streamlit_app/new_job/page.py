"""A new job: a form or YAML, judged by the SQL of an insert, with what it will take before the button."""

from __future__ import annotations

from typing import Any

import streamlit as st
from psycopg.types.json import Jsonb

from runners.configs.errors import ConfigError
from runners.configs.reader import Config, parse_config
from streamlit_app import director, hints, links
from streamlit_app.new_job import form, queries
from streamlit_app.new_job.verdict import Verdict, show_error, show_estimate, verdict
from streamlit_app.new_job.yaml_text import file_name, ordered, yaml_text

FORM, YAML = "Form", "YAML"
START = """strategy: rsi_mean_reversion
symbols: [AAPL, IBM, MSFT]
commission: 0.001

optimization:
  type: Grid Search
  target_metric: Sharpe Ratio
  parameters:
    rsi_period: {start: 10, end: 20, step: 2}

success_criteria:
  min_trades: 50
  max_fee_pct: 0.30
"""
PLACE = "new job"


def new_job() -> None:
    st.title("New job")
    with hints.explained():
        _take_over()
        way = st.radio(
            "Written as",
            [FORM, YAML],
            key="as",
            bind="query-params",
            horizontal=True,
            label_visibility="collapsed",
        )
        left, right = st.columns([3, 2], gap="large")
        with left:
            config, source, error = _editor() if way == YAML else _form()
        with right:
            if error is not None:
                show_error(error, source)
            elif config is not None:
                _judged(config, source)


def _form() -> tuple[Config | None, str | None, ConfigError | None]:
    data = form.draw()
    return (None if data is None else Config("the form", data, {})), None, None


def _editor() -> tuple[Config | None, str | None, ConfigError | None]:
    """The text is kept while other pages are looked at."""
    st.session_state.setdefault("yaml", st.session_state.get("draft", START))
    st.html("<style>.st-key-yaml textarea {font-family: monospace; font-size: 0.875rem}</style>")
    source: str = st.text_area("YAML", key="yaml", height=520)
    st.session_state["draft"] = source
    st.caption("Press Ctrl+Enter, or click elsewhere, to have it judged. Jinja2 works as in a file.")
    try:
        return parse_config("the text", source), source, None
    except ConfigError as error:
        return None, source, error


def _judged(config: Config, source: str | None) -> None:
    said: Verdict | None = None
    if not config.data.get("symbols") and source is None:
        st.info("Choose at least one symbol.", icon=":material/edit:")
    else:
        said = verdict(config)
        if said.error is not None:
            show_error(said.error, source)
        elif said.estimate is not None:
            st.subheader("What it will take")
            show_estimate(said.estimate)
        else:
            st.success("The config is valid.", icon=":material/check_circle:")
            st.caption(said.reason)
    if said is not None and said.error is None:
        _queue(config, said)
    if source is None:
        _as_text(config.data)


def _queue(config: Config, said: Verdict) -> None:
    """Drawn after everything else is read, so that what is queued is what stands there now."""
    allowed, reason = director.may_act()
    dear = said.estimate is not None and said.estimate.verdict == "too dear"
    priority = st.number_input("Priority", -1000, 1000, 0, key="priority", help="Higher is worked on first.")
    note = st.text_input("Note", key="note", placeholder="kept with the job; may stay empty")
    force = dear and st.checkbox("Run it whatever its fees", key="force")
    pressed = st.button(
        "Queue this job",
        key="queue job",
        type="primary",
        icon=":material/add_task:",
        disabled=not allowed or (dear and not force),
        help=None if allowed else reason,
    )
    if pressed:
        values = {
            "config": Jsonb(config.data),
            "file": None,
            "priority": int(priority),
            "notes": note or None,
            "force": bool(force),
        }
        director.keep(PLACE, director.call(queries.INSERT, values, done="Job {value} is queued"))
    said_last = director.answer(PLACE)
    if said_last is not None and said_last.done:
        _lead_on(int(said_last.value))


def _lead_on(job: int) -> None:
    run = queries.run_of(job)
    its_run = f" · [Its run]({links.run_url(run['id'], run['strategy'])})" if run else ""
    st.markdown(f"[Watch the queue](/queue){its_run}")


def _as_text(data: dict[str, Any]) -> None:
    st.subheader("As a file")
    text = yaml_text(data)
    st.code(text, language="yaml")
    one, two = st.columns(2)
    one.button("Go on in YAML", key="to yaml", icon=":material/edit_note:", on_click=_to_yaml, args=(text,))
    two.download_button(
        "Download", text, file_name(data), "application/yaml", key="download", icon=":material/download:"
    )


def _to_yaml(text: str) -> None:
    st.session_state["yaml"] = st.session_state["draft"] = text
    st.session_state["as"] = YAML


def _take_over() -> None:
    """A link with `?job=7` begins with the config of that job."""
    asked = st.query_params.get("job")
    if asked is None or st.session_state.get("taken over") == asked:
        return
    st.session_state["taken over"] = asked
    config = queries.job_config(int(asked)) if asked.isdecimal() else None
    if config is None:
        st.info(f"There is no search with the number {asked}.", icon=":material/search_off:")
        return
    _to_yaml(yaml_text(ordered(config, queries.key_positions())))
