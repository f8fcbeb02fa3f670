"""The neighbourhood of a result: its search's target over two parameters, and over each."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import streamlit as st

from streamlit_app import hints, links
from streamlit_app.strategy import parameter_figures, queries

Slices = dict[str, list[dict[str, Any]]]


def parameters(strategy: str, found: dict[str, Any]) -> None:
    found_slices = queries.slices(found["optimization_run_id"], found["recorded"])
    values = sorted(found_slices, key=lambda one: str(one["parameter"]))
    grouped = ((name, list(group)) for name, group in groupby(values, key=lambda one: str(one["parameter"])))
    slices = {name: group for name, group in grouped if any(one["mean_target"] is not None for one in group)}
    st.subheader("Parameters")
    if found["stitched"]:
        url = links.walk_forward_url(found["optimization_run_id"], strategy)
        st.markdown(f"Each fold of its walk-forward chose its own: [what was chosen]({url}).")
        return
    if not slices:
        st.caption("Its search tried one value of each parameter: there is nothing to compare.")
        return
    edges = [one for one in found["best_on_edge"] or [] if one in slices]
    if edges:
        st.warning(
            f"The best of its search lies on the edge of what was tried: {', '.join(edges)}. "
            "A better one may lie beyond.",
            icon=":material/border_outer:",
        )
    if len(slices) > 1:
        _map(strategy, found, slices)
    _slices(found, slices)


@st.fragment
def _map(strategy: str, found: dict[str, Any], slices: Slices) -> None:
    """Redrawn alone when an axis is chosen; at first over the two parameters that matter most."""
    by_spread = sorted(slices, key=lambda one: -max(value["spread"] or 0 for value in slices[one]))
    with hints.explained():
        left, middle, right = st.columns(3)
        x = left.selectbox("Across", by_spread, key="map_x")
        others = [one for one in by_spread if one != x]
        y = middle.selectbox("Up", others, key="map_y")
        which = right.segmented_control(
            "Of the other parameters", ["mean", "best"], default="mean", key="map_which"
        )
        if x is None or y is None:
            return
        cells = queries.target_map(found["optimization_run_id"], found["recorded"], x, y)
        target = str(slices[x][0]["target_metric"]).replace("_", " ")
        drawn = parameter_figures.target_map(
            cells, (x, y), which or "mean", target, strategy, found["parameters"]
        )
        st.altair_chart(drawn)
        st.caption(
            "In the frame is this result. A cell opens the best result in it; an empty one was not tried or "
            "failed."
        )


def _slices(found: dict[str, Any], slices: Slices) -> None:
    st.caption(
        "Each value over all values of the other parameters; the dashed line is this result, the diamond the "
        "best mean. On a plateau the neighbours lose at most a quarter of the spread: worth more than "
        "a peak, which is often noise."
    )
    columns = st.columns(3)
    best = found["best_parameters"] or {}
    for place, (parameter, group) in enumerate(slices.items()):
        with columns[place % 3]:
            on_edge = parameter in (found["best_on_edge"] or [])
            shape = group[0]["shape"]
            said = "best mean on the edge" if shape == "edge" else shape
            words = ", ".join(filter(None, (said, "best on the edge" if on_edge else None)))
            st.markdown(f"**{parameter}** {words}")
            st.altair_chart(
                parameter_figures.parameter_slice(
                    group, found["parameters"].get(parameter), best.get(parameter), on_edge
                )
            )
