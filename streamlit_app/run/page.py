"""A run: how far the search is, if its best is more than noise, and why points were rejected or failed."""

from __future__ import annotations

from typing import Any

import streamlit as st

from runners.words import NOTHING, duration_text, metric_text, moment, number, per_cent, window_text
from streamlit_app import hints, links
from streamlit_app.notes import notes
from streamlit_app.run import controls, figures, queries
from streamlit_app.run.parameters import parameters
from streamlit_app.run.surface import surface
from streamlit_app.tiles import tiles

REFRESH_SECONDS = 5
# Of a run with so many points a refresh reads so much that it comes a second later.
POINTS_A_SECOND = 5000


def run() -> None:
    st.title("Run")
    with hints.explained():
        options = [links.run_option(one) for one in queries.runs()]
        if not options:
            hints.empty_desk()
            return
        worth = queries.worth_seeing()
        first = next((at for at, one in enumerate(options) if links.key_of(one) == worth), 0)
        chosen = links.choose("Run", _with_the_one_asked_for(options), "run", first)
        found = None if chosen is None else queries.run(links.key_of(chosen))
        if found is None:
            st.info("This run is not there any more: choose another.", icon=":material/inbox:")
            return
        controls.buttons(found)
        notes("run", found, found["optimization_run_id"])
        is_open = found["is_open"]
        seconds = REFRESH_SECONDS + ((found["finished"] or 0) + (found["failed"] or 0)) // POINTS_A_SECOND
        live = st.fragment(_live, run_every=seconds if is_open else None)
        live(found["optimization_run_id"], is_open)


def _with_the_one_asked_for(options: list[str]) -> list[str]:
    """A link may lead to a run that is older than those in the list."""
    number = st.query_params.get("run", "").split(" ")[0]
    if not number.isdigit() or len(number) > 18 or any(one.split()[0] == number for one in options):
        return options
    found = queries.listed(int(number))
    return options if found is None else [*options, links.run_option(found)]


def _live(run_id: int, was_open: bool) -> None:
    """Drawn again by itself while the run is open; with its end the whole page is, once."""
    with hints.explained():
        found = queries.run(run_id)
        if found is None or found["is_open"] != was_open:
            st.rerun()
        _standing(found)
        points = queries.way(run_id)
        if not points:
            st.info("No point has been recorded yet.", icon=":material/hourglass_empty:")
            return
        if found["optimization_type"] == "Walk-Forward":
            url = links.walk_forward_url(run_id, found["strategy"])
            st.markdown(f"Its folds are on the page of [walk-forwards]({url}).")
        elif any(point["target_value"] is not None for point in points):
            _best_so_far(found, points)
            surface(found)
            parameters(found)
        _best(run_id)
        _reasons(run_id, found["strategy"])


def _standing(found: dict[str, Any]) -> None:
    recorded, total = (found["finished"] or 0) + (found["failed"] or 0), found["total"] or 0
    window = window_text(found["start_date"], found["end_date"])
    words = [f"{found['optimization_type']} on {' '.join(found['symbols'])}", window]
    words.append(f"`{found['config_file']}`" if found["config_file"] else "")
    st.markdown(", ".join(filter(None, words)))
    if found["code_note"]:
        st.caption(f"Code: {found['code_note']}")
    percent = float(found["percent"] or 0)
    left = f" · about {duration_text(found['eta'])} left" if found["eta"] is not None else ""
    st.progress(min(percent / 100, 1.0), text=f"{recorded:,} of {total:,} points{left}")
    best = metric_text(found["best_value"], found["target_unit"], found["target_decimals"] or 2)
    numbers = {
        "State": "paused" if found["paused"] and found["is_open"] else found["status"],
        "Passed": f"{found['passed'] or 0:,}",
        "Failed": f"{found['failed'] or 0:,}",
        f"Best {found['target_title']}": best,
        "PBO": per_cent(found["pbo"], 0),
        "Seconds a backtest": number(found["seconds_per_backtest"]),
    }
    tiles(numbers)
    if found["error"]:
        st.error(found["error"], icon=":material/error:")
    if found["flags"]:
        st.warning("To look at: " + ", ".join(found["flags"]), icon=":material/flag:")
    run_id = found["optimization_run_id"]
    count = found["finished"] or 0
    results = "its one result" if count == 1 else f"its {count:,} results"
    rows = [f"[{results}]({links.leaderboard_url(of_run=run_id, results=True)})"]
    if found["passed"]:
        url = links.leaderboard_url(of_run=run_id, results=True, passed=True)
        rows.append(f"[the {found['passed']:,} that passed]({url})")
    if found["best_result_id"]:
        url = links.strategy_url(found["strategy"], found["best_result_id"])
        rows.append(f"[the best, result {found['best_result_id']}]({url})")
    st.markdown("On the board: " + " · ".join(rows))
    started, over = moment(found["started_at"]), moment(found["closed_at"])
    ended = "" if over == NOTHING else f", over {over}"
    st.caption(f"{found['summary'] or 'Not summed up yet'}. Started {started}{ended}.")


def _best_so_far(found: dict[str, Any], points: list[dict[str, Any]]) -> None:
    st.subheader("Best so far")
    noise = queries.noise(found["optimization_run_id"])
    st.altair_chart(figures.best_so_far(points, noise, found))
    line = "The orange line is the best so far, metric constraints left aside. "
    if not noise:
        st.caption(line + "What noise would give is known where the target is the Sharpe ratio.")
        return
    last = noise[-1]
    best = points[-1]["best_so_far"]
    verdict = "above the band" if best is not None and best > last["high"] else "not above the band"
    st.caption(
        f"{line}In the grey band lies, nine times of ten, the best of as many independent trials without any "
        f"skill; dashed is what it is on average: {number(last['expected'])} after {last['evaluation']:,} "
        f"trials, and seldom more than {number(last['high'])}. The best here, {number(best)}, is {verdict}."
    )


def _best(run_id: int) -> None:
    best = queries.best(run_id)
    if best:
        st.subheader("Its best results")
        st.dataframe(figures.best(best), column_config=figures.BEST_COLUMNS, hide_index=True)


def _reasons(run_id: int, strategy: str) -> None:
    left, right = st.columns(2, gap="large")
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
            shown = figures.errors(failures, strategy)
            st.dataframe(shown, column_config=figures.ERROR_COLUMNS, hide_index=True)
        else:
            st.caption("No point failed.")
