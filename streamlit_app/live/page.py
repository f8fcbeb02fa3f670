"""Trading on accounts as it stands: levels with their reasons, links, sessions, orders, and the stop."""

from __future__ import annotations

from typing import Any

import streamlit as st

from runners.words import NOTHING, moment, number, per_cent
from streamlit_app import director, hints, links
from streamlit_app.live import controls, queries
from streamlit_app.tables import Columns, in_per_cent, table, written
from streamlit_app.tiles import tiles

REFRESH_SECONDS = 5
LEVELS = {
    "active": ":green-badge[:material/check: active]",
    "reducing": ":orange-badge[:material/trending_down: reducing]",
    "halted": ":red-badge[:material/block: halted]",
}
PER_CENT = st.column_config.NumberColumn(format="%.2f%%")
MONEY = st.column_config.NumberColumn(format="%.2f")
COLUMNS: dict[str, Any] = {
    "value": MONEY, "profit": MONEY, "price": MONEY, "price seen": MONEY,
    "of the day": PER_CENT, "most lost a day": PER_CENT, "below its peak": PER_CENT,
    "session": st.column_config.LinkColumn("session", display_text=r"session=(\d+)", width=70),
}  # fmt: skip
SESSIONS: Columns = {
    "session": lambda one: links.monitor_url(str(one["trading_session_id"]), "Orders", None),
    "account": "account",
    "strategy": "strategy",
    "symbols": written("symbols", " ".join),
    "level": "level",
    "value": "value",
    "profit": "profit",
    "of the day": in_per_cent("day_return"),
    "most lost a day": in_per_cent("max_daily_loss"),
    "below its peak": in_per_cent("fall"),
    "holds": written(
        "positions", lambda held: ", ".join(f"{size:g} {symbol}" for symbol, size in held.items()) or NOTHING
    ),
    "on their way": "open_orders",
    "strategy heard of": written("strategy_heard_of", moment),
}
ORDERS: Columns = {
    "order": "order_id",
    "decided": written("decided_at", moment),
    "account": "account",
    "session": lambda one: links.monitor_url(str(one["trading_session_id"]), "Orders", None),
    "strategy": "strategy",
    "symbol": "symbol",
    "shares": "quantity",
    "type": "type",
    "price": "price",
    "price seen": "decision_price",
    "state": "state",
    "filled": "filled",
    "tag": "tag",
}


def live() -> None:
    st.title("Live")
    with hints.explained():
        if not queries.accounts():
            st.info("No account has been opened yet.", icon=":material/account_balance:")
            st.markdown("Open one, set its limits, and start a session of a strategy that was validated:")
            st.code("select open_account('PAPER1');", language="sql")
            return
        _standing()


@st.fragment(run_every=REFRESH_SECONDS)
def _standing() -> None:
    with hints.explained():
        halts = queries.halts()
        with st.container(horizontal=True):
            controls.stop(None)
            if any(one["account"] is None for one in halts):
                controls.resume(None)
        director.answer(controls.PLACE)
        director.note()
        for one in halts:
            _halt(one)
        st.subheader("Accounts")
        for account in queries.accounts():
            _account(account, halts)
        _sessions(halts)
        _orders()


def _halt(one: dict[str, Any]) -> None:
    whose = (
        f"session {one['trading_session_id']} of {one['account']}"
        if one["trading_session_id"]
        else one["account"] or "everything"
    )
    words = f"**{whose} is {one['level']}** by {one['rule']}: {one['reason']}"
    until = "its next day" if one["lasts"] == "day" else "somebody resumes"
    said = f"{words}  \nSet {moment(one['set_at'])} by {one['set_by']}, holds until {until}."
    (st.error if one["level"] == "halted" else st.warning)(said, icon=":material/front_hand:")


def _account(one: dict[str, Any], halts: list[dict[str, Any]]) -> None:
    name = one["account"]
    with st.container(border=True):
        st.markdown(f"**{name}** {LEVELS[one['level']]} {one['kind']} at {one['broker']}, {one['currency']}")
        tiles(
            {
                "Value": number(one["value"]),
                "Profit of the day": number(one["day_profit"]),
                "Sessions": f"{one['open_sessions']:,}",
                "On their way": f"{one['open_orders']:,}",
            }
        )
        _loss(one)
        _link(one)
        with st.container(horizontal=True):
            controls.stop(name)
            controls.reduce(name)
            if any(halt["account"] == name and halt["trading_session_id"] is None for halt in halts):
                controls.resume(name)


def _loss(one: dict[str, Any]) -> None:
    most = one["max_daily_loss"]
    if most is None or one["day_return"] is None:
        return
    lost = max(0.0, -one["day_return"])
    st.progress(
        min(lost / most, 1.0) if most else 1.0,
        text=f"{per_cent(lost, 2)} lost today of {per_cent(most, 2)} at which nothing is entered any more",
    )


def _link(one: dict[str, Any]) -> None:
    if one["link"] is None:
        st.caption(":material/link_off: No link has ever carried its orders: backdesk live starts one.")
    elif one["link_alive"]:
        st.caption(f":material/link: Link {one['link']}, heard of {moment(one['link_heard_of'])}.")
    else:
        st.error(
            f"Its link was last heard of {moment(one['link_heard_of'])}: nothing is entered, and nothing that"
            " is on its way is cancelled until it is back.",
            icon=":material/link_off:",
        )


def _sessions(halts: list[dict[str, Any]]) -> None:
    st.subheader("Sessions")
    sessions = queries.sessions()
    if not sessions:
        st.caption("No session is open.")
        return
    st.dataframe(table(sessions, SESSIONS), column_config=COLUMNS, hide_index=True, placeholder=NOTHING)
    numbers = [str(one["trading_session_id"]) for one in sessions]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = int(st.selectbox("Session", numbers, key="session_of_buttons", width=140) or numbers[0])
        account = next(one["account"] for one in sessions if one["trading_session_id"] == chosen)
        controls.reduce(account, chosen)
        if any(halt["trading_session_id"] == chosen for halt in halts):
            controls.resume(account, chosen)


def _orders() -> None:
    st.subheader("Orders on their way")
    orders = queries.orders()
    if not orders:
        st.caption("None.")
        return
    st.dataframe(table(orders, ORDERS), column_config=COLUMNS, hide_index=True, placeholder=NOTHING)
    if len(orders) == queries.ORDERS:
        st.caption(f"The newest {queries.ORDERS}.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number_of = {str(one["order_id"]): one for one in orders}
        chosen = st.selectbox("Order", list(number_of), key="order_of_button", width=140)
        controls.cancel(number_of[chosen or next(iter(number_of))])
