"""A run: how far the search is, how its best grew, and why points were rejected or failed."""

from __future__ import annotations

from typing import Any

import streamlit as st

from streamlit_app import hints, links
from streamlit_app.run import figures, queries
from streamlit_app.values import NOTHING, duration_text, moment, number, per_cent

REFRESH_SECONDS = 5


def run() -> None:
    st.title("Run")
    with hints.explained():
        options = [links.option(one["optimization_run_id"], one["strategy"]) for one in queries.runs()]
        if not options:
            hints.empty_desk()
            return
        chosen = links.choose("Run", options, "run")
        if chosen is not None:
            _live(links.key_of(chosen))


@st.fragment(run_every=REFRESH_SECONDS)
def _live(run_id: int) -> None:
    with hints.explained():
        found = queries.run(run_id)
        if found is None:
            st.info(f"Run {run_id} is not there any more.", icon=":material/inbox:")
            return
        _standing(found)
        points = queries.progress(run_id)
        if not points:
            st.info("No point has been recorded yet.", icon=":material/hourglass_empty:")
            return
        if found["optimization_type"] == "Walk-Forward":
            url = links.walk_forward_url(run_id, found["strategy"])
            st.markdown(f"Its folds are on the page of [walk-forwards]({url}).")
        elif any(point["target_value"] is not None for point in points):
            st.subheader("Best so far")
            st.altair_chart(figures.best_so_far(points))
            st.caption("The line is the best value of the target so far; metric constraints are left aside.")
        _reasons(run_id)


def _standing(found: dict[str, Any]) -> None:
    recorded, total = (found["finished"] or 0) + (found["failed"] or 0), found["total"] or 0
    words = f"{found['optimization_type']} on {' '.join(found['symbols'])}"
    if found["start_date"] and found["end_date"]:
        words += f", {found['start_date']} to {found['end_date']}"
    st.markdown(words + (f", `{found['config_file']}`" if found["config_file"] else ""))
    percent = float(found["percent"] or 0)
    left = f" · about {duration_text(found['eta'])} left" if found["eta"] is not None else ""
    st.progress(min(percent / 100, 1.0), text=f"{recorded:,} of {total:,} points{left}")
    target = str(found["target_metric"]).replace("_", " ")
    numbers = {
        "State": found["status"],
        "Passed": f"{found['passed'] or 0:,}",
        "Failed": f"{found['failed'] or 0:,}",
        f"Best {target}": number(found["best_value"]),
        "PBO": per_cent(found["pbo"], 0),
        "Seconds a backtest": number(found["seconds_per_backtest"]),
    }
    for column, (label, value) in zip(st.columns(len(numbers)), numbers.items(), strict=True):
        column.metric(label, value)
    if found["error"]:
        st.error(found["error"], icon=":material/error:")
    if found["flags"]:
        st.warning("To look at: " + ", ".join(found["flags"]), icon=":material/flag:")
    started, over = moment(found["started_at"]), moment(found["closed_at"])
    ended = "" if over == NOTHING else f", over {over}"
    st.caption(f"{found['summary'] or 'Not summed up yet'}. Started {started}{ended}.")


def _reasons(run_id: int) -> None:
    best = queries.best(run_id)
    if best:
        st.subheader("Its best results")
        st.dataframe(figures.best(best), column_config=figures.BEST_COLUMNS, hide_index=True)
    left, right = st.columns(2)
    with left:
        st.subheader("Why points were rejected")
        rejections = queries.rejections(run_id)
        if rejections:
            st.altair_chart(figures.reasons(rejections))
        else:
            st.caption("No point was rejected.")
    with right:
        st.subheader("Points that failed")
        failures = queries.failures(run_id)
        if failures:
            st.dataframe(figures.errors(failures), hide_index=True)
        else:
            st.caption("No point failed.")
