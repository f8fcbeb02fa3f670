"""Buttons of live trading: each says what will happen, asks why, and is one call of SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from streamlit_app import director

PLACE = "live"


def stop(account: str | None) -> None:
    what = f"account {account}" if account else "everything"
    _asked(
        f"Stop {account or 'everything'}",
        "stop",
        f"Halts **{what}** at once: no order is allowed, what was not sent is cancelled, the link cancels"
        " what rests. Positions stay, unless they are to be closed.",
        "select desk.emergency_stop(%(reason)s, %(account)s, %(flatten)s)",
        {"account": account},
        icon=":material/front_hand:",
        kind="primary",
        flatten=True,
    )


def reduce(account: str | None, session: int | None = None) -> None:
    what = f"session {session}" if session else f"account {account}"
    _asked(
        f"Reduce {session or account}",
        "reduce",
        f"From now on **{what}** enters nothing; exits pass. Positions stay, unless they are to be closed.",
        "select desk.reduce_trading(%(reason)s, %(account)s, %(session)s, %(flatten)s)",
        {"account": None if session else account, "session": session},
        icon=":material/trending_down:",
        flatten=True,
    )


def resume(account: str | None, session: int | None = None) -> None:
    what = f"session {session}" if session else f"account {account}" if account else "everything"
    _asked(
        f"Resume {session or account or 'everything'}",
        "resume",
        f"Lifts what was set for **{what}** itself, and counts its falls anew from here. What is set for"
        " more, or for a part of it, stays.",
        "select desk.resume_trading(%(reason)s, %(account)s, %(session)s)",
        {"account": None if session else account, "session": session},
        icon=":material/play_arrow:",
    )


def cancel(order: dict[str, Any]) -> None:
    _asked(
        f"Cancel order {order['order_id']}",
        "cancel",
        f"Cancels {order['quantity']:g} {order['symbol']} of session {order['trading_session_id']} if it was"
        " not sent, and asks its broker to cancel it if it was.",
        "select desk.cancel_live_order(%(order)s, %(reason)s)",
        {"order": order["order_id"]},
        icon=":material/cancel:",
    )


def _asked(
    label: str,
    what: str,
    words: str,
    query: str,
    values: Mapping[str, Any],
    *,
    icon: str,
    kind: Literal["primary", "secondary"] = "secondary",
    flatten: bool = False,
) -> None:
    """A popover with what will happen and a field for the reason; grey where nobody may act."""
    allowed, reason = director.may_act()
    if not allowed:
        st.button(label, icon=icon, disabled=True, help=reason, key=f"grey {label}")
        return
    with st.popover(label, icon=icon, type=kind), st.form(f"form {label}", border=False):
        st.markdown(words)
        st.text_input("Why", key=f"why {label}", placeholder="for whoever looks into it later")
        if flatten:
            st.toggle("Close positions, too", key=f"flatten {label}")
        st.form_submit_button(
            f"{what.capitalize()} now", type="primary", on_click=_press, args=(label, query, values, flatten)
        )


def _press(label: str, query: str, values: Mapping[str, Any], flatten: bool) -> None:
    given = dict(values) | {"reason": st.session_state[f"why {label}"]}
    if flatten:
        # Where it is not asked for, a stop does what the account is set to.
        given["flatten"] = st.session_state[f"flatten {label}"] or None
    director.keep(PLACE, director.call(query, given))
