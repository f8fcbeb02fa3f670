"""What the page of live trading reads: the desk's own views, so that it works before dbt has ever run."""

from __future__ import annotations

from typing import Any

from streamlit_app.database import rows

ORDERS = 100
"""Orders on their way at the most; the newest."""


def accounts() -> list[dict[str, Any]]:
    return rows("select * from desk.live_accounts order by kind = 'live' desc, account")


def halts() -> list[dict[str, Any]]:
    """What reduces or halts now, the widest first."""
    return rows(
        "select halt_id, level, account, trading_session_id, rule, reason, lasts, set_by, set_at"
        " from desk.halts_now order by account is not null, trading_session_id is not null, halt_id"
    )


def sessions() -> list[dict[str, Any]]:
    """Open sessions, with the loss of a day that is left to them."""
    return rows(
        "select l.*, m.threshold as max_daily_loss from desk.live_sessions as l"
        " left join lateral (select o.threshold from desk.limits_of(l.trading_session_id) as o"
        " where o.keeper = 'session' and o.limit_name = 'max_daily_loss') as m on true"
        " where l.state = 'open' order by l.account, l.trading_session_id"
    )


def orders() -> list[dict[str, Any]]:
    """Orders that may still be filled, the newest first."""
    return rows(
        "select order_id, decided_at, account, trading_session_id, strategy, symbol, quantity, type, price,"
        " decision_price, state, filled, tag from desk.live_orders where is_open"
        f" order by order_id desc limit {ORDERS}"
    )
