"""A strategy: where it stands and why, and one of its results in every light that the desk has."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pandas as pd
import streamlit as st

from runners.leaderboard import parameters_text
from streamlit_app import curves, hints, links
from streamlit_app.strategy import figures, queries
from streamlit_app.values import NOTHING, moment, number, per_cent


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
        results = [str(row["backtest_result_id"]) for row in queries.results(name)]
        asked = st.query_params.get("result")
        if asked and asked.isdigit() and asked not in results and queries.result(name, int(asked)):
            results.append(asked)
        with right:
            chosen = links.choose("Result, by rank", results, "result") if results else None
        _standing(queries.strategy(name))
        if chosen is None:
            st.info("No backtest of this strategy has finished yet.", icon=":material/inbox:")
            return
        found = queries.result(name, int(chosen))
        if found is not None:
            _result(name, found)


def _standing(found: dict[str, Any]) -> None:
    title = " · ".join(part for part in (found["code"], found["title"] or found["name"]) if part)
    st.subheader(title)
    st.markdown(f"**{found['status']}**" + (f": {found['reason']}" if found["reason"] else ""))
    if found["hypothesis"]:
        st.caption(found["hypothesis"])
    events = queries.events(found["id"])
    if events:
        with st.expander("History of the status"):
            st.dataframe(
                pd.DataFrame(
                    {
                        "when": moment(event["happened_at"]),
                        "from": event["from_status"] or NOTHING,
                        "to": event["to_status"],
                        "why": event["reason"] or "",
                        "run": event["optimization_run_id"],
                        "by": event["actor"],
                    }
                    for event in events
                ),
                hide_index=True,
            )


def _result(name: str, found: dict[str, Any]) -> None:
    st.subheader(f"Result {found['id']}")
    st.markdown(
        f"`{parameters_text(found['parameters'])}` on {' '.join(found['symbols'])},"
        f" {found['start_date']} to {found['end_date']},"
        f" [run {found['optimization_run_id']}]({links.run_url(found['optimization_run_id'], name)})"
    )
    if found["outcome"] == "failed":
        st.error(found["error"], icon=":material/error:")
    numbers = {
        "Deflated Sharpe": per_cent(found["deflated_sharpe"]),
        "Sharpe": number(found["sharpe_ratio"]),
        "Annual return": per_cent(found["annual_return"]),
        "Largest drawdown": per_cent(found["max_drawdown"]),
        "Trades": NOTHING if found["total_trades"] is None else f"{found['total_trades']:,}",
        "Fees of capital": per_cent(found["fee_pct"]),
    }
    for column, (label, value) in zip(st.columns(len(numbers)), numbers.items(), strict=True):
        column.metric(label, value)
    left, right = st.columns([3, 2])
    with left:
        st.markdown("**Criteria**")
        checks = queries.checks(found["id"])
        if checks:
            st.dataframe(figures.checklist(checks), hide_index=True)
        else:
            st.caption("The run has no criteria of its own.")
    with right:
        _provenance(found)
    _curve(found)
    _slices(found)
    _trades(found["id"])


def _curve(found: dict[str, Any]) -> None:
    st.subheader("Equity and drawdown")
    frame = curves.curve(found["id"])
    if frame.empty:
        st.info(
            "No curve is stored of this result: by keep_series a run keeps those of passed results, of the "
            f"best, or of all. To see it: backdesk reproduce {found['id']}",
            icon=":material/show_chart:",
        )
        return
    if found["benchmark"]:
        st.caption(f"Benchmark: {found['benchmark']}")
    for chart in curves.equity_and_drawdown(frame):
        st.altair_chart(chart)
    st.subheader("Months")
    st.altair_chart(figures.months(queries.months(found["id"])))
    periods = queries.periods(found["id"])
    left, right = st.columns(2)
    with left:
        st.subheader("Years")
        st.altair_chart(figures.years([one for one in periods if one["kind"] == "year"]))
    costs = queries.costs(found["id"])
    if costs:
        with right:
            st.subheader("Had fees been different")
            st.altair_chart(figures.fees(costs))
            if not all(one["exact"] for one in costs):
                st.caption("An approximation: sizes follow equity, which other fees would have changed.")
    crises = [one for one in periods if one["kind"] == "crisis"]
    if crises:
        st.subheader("Crises")
        st.dataframe(figures.crises(crises), hide_index=True)


def _slices(found: dict[str, Any]) -> None:
    values = sorted(queries.slices(found["optimization_run_id"]), key=lambda one: str(one["parameter"]))
    if not values:
        return
    st.subheader("Parameters")
    st.caption(
        "Each value over all values of the other parameters; the dashed line is this result. A plateau is "
        "worth more than a peak, which is often noise."
    )
    columns = st.columns(3)
    for place, (parameter, group) in enumerate(groupby(values, key=lambda one: one["parameter"])):
        found_values = list(group)
        if all(one["mean_target"] is None for one in found_values):
            continue
        with columns[place % 3]:
            words = [found_values[0]["shape"] or ""]
            if parameter in (found["best_on_edge"] or []):
                words.append("the best lies on the edge of what was searched")
            st.markdown(f"**{parameter}** " + ", ".join(filter(None, words)))
            st.altair_chart(figures.parameter_slice(found_values, found["parameters"].get(parameter)))


def _trades(result_id: int) -> None:
    st.subheader("Trades")
    trades = queries.trades(result_id)
    if trades:
        st.dataframe(
            pd.DataFrame(trades, columns=list(figures.TRADE_COLUMNS)),
            column_config=figures.TRADE_COLUMNS,
            hide_index=True,
            height=360,
        )
    else:
        st.info("No trades are stored of this result.", icon=":material/receipt_long:")


def _provenance(found: dict[str, Any]) -> None:
    st.markdown("**Where it comes from**")
    facts = {
        "code": (found["code_hash"] or "")[:12],
        "prices": (found["data_hash"] or "")[:12],
        "settings": (found["settings_hash"] or "")[:12],
        "all of it": (found["provenance_hash"] or "")[:12],
        "seed": found["seed"],
        "engine": found["engine"],
        "platform": found["platform"],
        "config": found["config_file"],
        "job": found["job_id"],
        "runner": found["runner_id"],
        "recorded": moment(found["created_at"]),
        "copied from result": found["source_result_id"],
        "reproduced": found["reproduced"],
    }
    kept = {label: str(value) for label, value in facts.items() if value not in (None, "")}
    st.dataframe(pd.DataFrame({"": kept.keys(), "value": kept.values()}), hide_index=True, height="content")
