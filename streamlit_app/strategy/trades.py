"""The trades of a result: on the prices of their symbol, in a table, and by their excursions."""

from __future__ import annotations

from datetime import date, timedelta
from math import ceil
from typing import Any

import streamlit as st

from streamlit_app import hints
from streamlit_app.strategy import queries, trade_figures

BROKEN = {
    "max_day_trades": "{broken:,} would have been a fourth day trade within five sessions",
    "settled_cash_only": "{broken:,} would have been bought with money that had not settled",
}
"""What a rule of `result_account_rules` says of a result, in words."""

# So many days around a trade are shown at least.
AROUND = timedelta(days=30)


def trades(found: dict[str, Any]) -> None:
    st.subheader("Trades")
    symbols = queries.traded(found["id"])
    if not symbols:
        words = (
            "Its trades are those of the folds that it was stitched from, and stored with their results."
            if found["stitched"]
            else "No trades are stored of this result: keep_series decides of which they are."
        )
        st.info(words, icon=":material/receipt_long:")
        return
    _trades(found, symbols)


@st.fragment
def _trades(found: dict[str, Any], symbols: list[dict[str, Any]]) -> None:
    """Redrawn alone when a trade is ticked or another symbol is chosen."""
    with hints.explained():
        total = sum(one["trades"] for one in symbols)
        page = _page(total)
        shown = queries.trades(found["id"], page)
        key = f"trades_{found['id']}_{page}"
        # What was ticked is known before the table is drawn below the chart.
        ticked = st.session_state.get(key, {}).get("selection", {}).get("rows", [])
        close_up = shown[ticked[0]] if ticked and ticked[0] < len(shown) else None
        instruments = queries.instruments(found["optimization_run_id"])
        _prices(found["id"], [one["symbol"] for one in symbols], shown, close_up, instruments)
        st.caption(
            "Tick a trade to see it close."
            + ("" if total <= queries.TRADES else f" Shown are {len(shown):,} of {total:,} trades.")
            + f" All: `select * from desk.result_excursions({found['id']})`"
        )
        st.dataframe(
            trade_figures.table(shown),
            column_config=trade_figures.COLUMNS,
            hide_index=True,
            height=360,
            on_select="rerun",
            selection_mode="single-row",
            key=key,
        )
        _account_rules(found["id"])
        _excursions(shown, instruments)


def _account_rules(result_id: int) -> None:
    """What a small account could not have done."""
    broken = [one for one in queries.account_rules(result_id) if one["broken"]]
    words = "; ".join(BROKEN[one["rule"]].format(**one) for one in broken)
    st.caption(
        (f"In a small account: of {broken[0]['trades']:,} trades {words}." if broken else "")
        or "A small account's rules (day trades, settled cash) would have kept it from none of its trades."
    )


def _page(total: int) -> int:
    pages = ceil(total / queries.TRADES)
    if pages == 1:
        return 1
    return int(st.number_input(f"Page of trades, of {pages:,}", 1, pages, key="trades_page"))


def _prices(
    result_id: int,
    symbols: list[str],
    shown: list[dict[str, Any]],
    close_up: dict[str, Any] | None,
    instruments: dict[str, dict[str, Any]],
) -> None:
    if close_up is None:
        symbol = st.selectbox("Prices of", symbols, key="prices_of") or symbols[0]
        first, last = None, None
        st.markdown(f"**{symbol}**, entries and exits on its price")
    else:
        symbol = close_up["symbol"]
        first, last = _around(close_up)
        st.markdown(f"**{symbol}**, around trade {close_up['trade']}")
    found = queries.prices(result_id, symbol, first, last)
    if not found:
        st.info(
            f"The desk has no prices of {symbol} that this result is pinned to: it came from outside.",
            icon=":material/show_chart:",
        )
        return
    deals = [one for one in shown if one["symbol"] == symbol and _within(one, first, last)]
    currency = instruments.get(symbol, {}).get("currency") or "USD"
    st.altair_chart(trade_figures.on_prices(found, deals, currency))
    bars = max(one["bars"] for one in found)
    if bars > 1:
        st.caption(f"A point of the line stands for {bars:,} bars.")


def _around(trade: dict[str, Any]) -> tuple[date, date]:
    first, last = trade["entry_time"].date(), trade["exit_time"].date()
    margin = max(AROUND, last - first)
    return first - margin, last + margin


def _within(trade: dict[str, Any], first: date | None, last: date | None) -> bool:
    return (first is None or trade["exit_time"].date() >= first) and (
        last is None or trade["entry_time"].date() <= last
    )


def _excursions(shown: list[dict[str, Any]], instruments: dict[str, dict[str, Any]]) -> None:
    st.subheader("How far trades went against and for their holder")
    if all(one["adverse"] is None for one in shown):
        st.caption("It is worked out from the bars between entry and exit, and the desk has none of these.")
        return
    closes_only = [symbol for symbol, one in instruments.items() if one["closes_only"]]
    words = "From highs and lows of the bars between entry and exit, the exit's own left out."
    if closes_only:
        words += f" Of {', '.join(closes_only)} only closes are known: days went further than is seen here."
    st.caption(words)
    st.altair_chart(trade_figures.excursions(shown))
