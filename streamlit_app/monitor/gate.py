"""A session on an account: what it may do, who is alive, its orders, and why some were refused."""

from __future__ import annotations

from typing import Any

import streamlit as st

from runners.words import moment, number, per_cent
from streamlit_app.monitor import queries, tables
from streamlit_app.tables import table
from streamlit_app.tiles import tiles

SHOWN = ("All", "Refused", "On their way")
LEVELS = {
    "active": (":green-badge[:material/check: active]", ""),
    "reducing": (
        ":orange-badge[:material/trending_down: reducing]",
        "only what reduces a position is allowed",
    ),
    "halted": (":red-badge[:material/block: halted]", "no order is allowed but the desk's own flattening"),
}


def gate(session: int) -> None:
    """Nothing where the session is on no account, as a backtest's."""
    found = queries.on_account(session)
    if found is None:
        return
    level, words = LEVELS[found["level"]]
    st.markdown(f"On the account **{found['account']}** {level} {words}")
    for halt in found["halts"]:
        st.warning(f"{halt['rule']}: {halt['reason']}", icon=":material/front_hand:")
    _numbers(found)
    link = found["link"] or "there is none"
    st.caption(
        f"Strategy last heard of {moment(found['strategy_heard_of'])}. Link: {link}, last heard of"
        f" {moment(found['link_heard_of'])}. Newest bar: {tables.bar(found['newest_bar'])}."
    )
    st.subheader("Orders at the gate")
    shown = st.segmented_control(
        "Which", SHOWN, default=SHOWN[0], required=True, key="gate", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    orders = queries.gate_orders(session, shown)
    if not orders:
        st.caption({"Refused": "No order was refused.", "All": "No order was asked for."}.get(
            shown, "No order is on its way."
        ))  # fmt: skip
        return
    tables.shown(table(orders, tables.GATE))
    if shown != "On their way" and found["refused_by"]:
        rules = ", ".join(f"{one['rule']} {one['times']:,}" for one in found["refused_by"])
        st.caption(f"Refused so far: {rules}.")


def _numbers(found: dict[str, Any]) -> None:
    tiles(
        {
            "Value": number(found["value"]),
            "Profit": number(found["profit"]),
            "Of the day": per_cent(found["day_return"], 2),
            "Orders allowed": f"{found['allowed']:,}",
            "Refused": f"{found['refused']:,}",
            "On their way": f"{found['open_orders']:,}",
        }
    )
