"""A strategy: where it stands and why, and one of its results in every light that the desk has."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from runners.words import NOTHING, count, moment, number, parameters_text, per_cent
from streamlit_app import hints, links
from streamlit_app.notes import notes
from streamlit_app.strategy import figures, queries
from streamlit_app.strategy.provenance import provenance
from streamlit_app.strategy.sections import sections
from streamlit_app.strategy.tearsheet import tearsheet
from streamlit_app.tiles import tiles

# The word says it; the color only helps.
COLORS = {
    "testing": "blue",
    "passed": "blue",
    "validated": "blue",
    "paper": "violet",
    "live": "violet",
    "rejected": "orange",
}


def strategy() -> None:
    st.title("Strategy")
    with hints.explained():
        names = queries.names()
        if not names:
            st.info("The desk knows no strategy yet. Run: backdesk up", icon=":material/inbox:")
            return
        left, right = st.columns(2)
        with left:
            name = links.choose("Strategy", names, "strategy")
        if name is None:
            return
        known = queries.strategy(name)
        results = [str(row["backtest_result_id"]) for row in queries.results(known["id"])]
        asked = st.query_params.get("result")
        if asked and asked.isdigit() and asked not in results and queries.result(name, int(asked)):
            results.append(asked)
        with right:
            chosen = links.choose("Result, by rank", results, "result") if results else None
        _standing(known)
        if chosen is None:
            st.info("No backtest of this strategy has finished yet.", icon=":material/inbox:")
            return
        found = queries.result(name, int(chosen))
        if found is not None:
            _result(name, found)


def _standing(found: dict[str, Any]) -> None:
    title = " · ".join(part for part in (found["code"], found["title"] or found["name"]) if part)
    st.subheader(title)
    events = queries.events(found["id"])
    since = f" since {moment(events[0]['happened_at'])}" if events else ""
    badge = f":{COLORS.get(found['status'], 'gray')}-badge[{found['status']}]"
    st.markdown(f"{badge}{since}" + (f": {found['reason']}" if found["reason"] else ""))
    if found["hypothesis"]:
        st.caption(found["hypothesis"])
    notes("strategy", found, found["id"])
    if events:
        with st.expander(f"History of the status ({len(events)})"):
            st.dataframe(
                _history(found["name"], events),
                hide_index=True,
                column_config={
                    "run": st.column_config.LinkColumn("run", display_text=r"run=(\d+)", width=50),
                    "why": st.column_config.TextColumn("why", width="large"),
                },
            )


def _history(name: str, events: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "when": moment(event["happened_at"]),
            "from": event["from_status"] or NOTHING,
            "to": event["to_status"],
            "why": event["reason"] or "",
            "run": links.run_url(run, name) if (run := event["optimization_run_id"]) else "",
            "by": event["actor"],
        }
        for event in events
    )


def _result(name: str, found: dict[str, Any]) -> None:
    run = found["optimization_run_id"]
    st.subheader(f"Result {found['id']}")
    st.markdown(
        f"`{parameters_text(found['parameters'])}` on {' '.join(found['symbols'])},"
        f" {found['start_date']} to {found['end_date']}, of [run {run}]({links.run_url(run, name)})"
        f" ([all its results]({links.leaderboard_url(of_run=run, results=True)}))"
    )
    notes("result", found, found["id"])
    if found["outcome"] == "failed":
        st.error(found["error"], icon=":material/error:")
    numbers = {
        "Deflated Sharpe": per_cent(found["deflated_sharpe"]),
        "Sharpe": number(found["sharpe_ratio"]),
        "Annual return": per_cent(found["annual_return"]),
        "Largest drawdown": per_cent(found["max_drawdown"]),
        "Trades": count(found["total_trades"]),
        "Fees of capital": per_cent(found["fee_pct"]),
    }
    tiles(numbers)
    left, right = st.columns([3, 2])
    with left:
        _criteria(found)
    with right:
        provenance(found)
    if found["outcome"] == "failed":
        return
    has_curve = tearsheet(found)
    sections(name, found, has_curve)


def _criteria(found: dict[str, Any]) -> None:
    st.markdown("**Criteria**")
    checks = queries.checks(found["id"])
    if not checks:
        st.caption("The run has no criteria of its own.")
        return
    open_checks = sum(check["met"] is None for check in checks)
    met = sum(check["met"] is True for check in checks)
    words = f"{met} of {len(checks)} met"
    if open_checks:
        words += f", {open_checks} open until the run is over"
    st.caption(words + ". From: who set the threshold, the config or the desk's default.")
    st.dataframe(figures.checklist(checks), hide_index=True, height="content")
