"""A walk-forward: its folds, what was chosen in each, and what is left of it out of sample."""

from __future__ import annotations

from typing import Any

import streamlit as st

from runners.words import count, number, per_cent
from streamlit_app import curves, hints, links
from streamlit_app.tiles import tiles
from streamlit_app.walk_forward import figures, queries


def walk_forward() -> None:
    st.title("Walk-forward")
    with hints.explained():
        options = [links.run_option(one) for one in queries.walks()]
        if not options:
            st.info("No walk-forward has been started yet.", icon=":material/inbox:")
            st.markdown("Search in one window, test the best in the next, and so on through time:")
            st.code(
                "backdesk queue configs/optimizations/walk_forward_example.yaml\nbackdesk work --drain",
                language="bash",
            )
            return
        chosen = links.choose("Walk-forward", options, "walk")
        if chosen is not None:
            run_id = links.key_of(chosen)
            _walk(queries.walk(run_id), queries.folds(run_id))


def _walk(found: dict[str, Any], folds: list[dict[str, Any]]) -> None:
    numbers = {
        "Folds over": f"{found['folds_over']:,} of {found['folds']:,}",
        "Profitable folds": per_cent(found["share_profitable"], 0),
        "In cash": f"{found['folds_in_cash']:,}",
        "Efficiency": per_cent(found["efficiency"], 0),
        "Sharpe, stitched": number(found["stitched_sharpe"]),
        "Drawdown, stitched": per_cent(found["stitched_drawdown"]),
    }
    tiles(numbers)
    st.caption(
        "Efficiency is the annual return out of sample over that in sample. In cash: no point of the fold "
        "met its criteria in sample, so nothing was traded."
    )
    verdict = {True: "passed", False: "rejected", None: "not judged yet"}[found["passed"]]
    words = f"**{verdict}**" + "".join(f"; {reason}" for reason in found["rejection_reasons"] or [])
    run = found["optimization_run_id"]
    where = f"{' '.join(found['symbols'])}, [run {run}]({links.run_url(run, found['strategy'])})"
    st.markdown(f"{words}. {found['strategy']} on {where}")
    st.subheader("Folds")
    st.altair_chart(figures.strip(folds))
    st.dataframe(
        figures.table(folds),
        column_config=figures.COLUMNS,
        hide_index=True,
        height="content" if len(folds) <= 20 else 560,
    )
    st.subheader("In sample beside out of sample")
    sharpes = figures.sharpes(folds)
    if sharpes is None:
        st.caption("No fold has been tested yet.")
    else:
        st.caption("The grey line is what a fold lost on the days after its choice. In cash there is none.")
        st.altair_chart(sharpes)
    _stitched(found)
    left, right = st.columns(2)
    with left:
        st.subheader("What was chosen")
        drift = figures.drift(folds)
        if drift is None:
            st.caption("No fold has chosen a point yet.")
        else:
            share = per_cent(found["parameter_drift"], 0)
            st.caption(f"From fold to fold {share} of the parameters changed on average.")
            st.altair_chart(drift)
    with right:
        st.subheader("What was lost out of sample")
        scatter = figures.degradation(folds)
        if scatter is None:
            st.caption("No fold has been tested yet.")
        else:
            st.caption("A fold on the dashed line did out of sample as it did in sample.")
            st.altair_chart(scatter)


def _stitched(found: dict[str, Any]) -> None:
    st.subheader("Out of sample, stitched together")
    result = found["stitched_result_id"]
    frame = None if result is None else curves.curve(result)
    if frame is None or frame.empty:
        st.info("The tests are stitched together when the last fold is over.", icon=":material/timeline:")
        return
    st.caption(_benchmark(found))
    for chart in curves.equity_and_drawdown(frame):
        st.altair_chart(chart)
    trades = count(found["stitched_trades"])
    annual = per_cent(found["stitched_annual_return"])
    url = links.strategy_url(found["strategy"], result)
    st.caption(f"{annual} a year over {trades} trades: [result {result}]({url})")


def _benchmark(found: dict[str, Any]) -> str:
    if found["benchmark"] == "buy and hold":
        return f"Benchmark: buy and hold of {' '.join(found['symbols'])} over the same sessions, no fees."
    if found["benchmark"]:
        return f"Benchmark: {found['benchmark']} over the same sessions, held without fees."
    return "There is no benchmark: its run has no prices of the desk's to compare with."
