"""`backdesk load instrument`: what trading an instrument needs besides prices."""

from __future__ import annotations

import psycopg

from runners.cli.text_table import text_table
from runners.database.connection import connect
from runners.prices.series import PriceError
from runners.settings import Settings

SAY = """
select desk.load_instrument(p_symbol => %(symbol)s, p_currency => upper(%(currency)s),
  p_calendar => %(calendar)s, p_multiplier => %(multiplier)s, p_tick => %(tick)s, p_lot => %(lot)s,
  p_margin => %(margin)s)
"""
SHOW = """
select symbol, currency, calendar, trim_scale(multiplier::numeric)::text, trim_scale(margin::numeric)::text,
  trim_scale(tick::numeric)::text, trim_scale(lot::numeric)::text
from desk.instruments where symbol = upper(btrim(%(symbol)s))
"""
HEADINGS = ("symbol", "currency", "calendar", "multiplier", "margin", "tick", "lot")


def describe_instrument(settings: Settings, symbol: str, **terms: float | str | None) -> None:
    """Say what is named and show all of it; PriceError where SQL refuses."""
    values = {"symbol": symbol} | terms
    with connect("director", settings=settings) as director:
        if any(value is not None for value in terms.values()):
            try:
                director.execute(SAY, values)
            except (psycopg.errors.InvalidParameterValue, psycopg.errors.ForeignKeyViolation) as error:
                said = error.diag
                raise PriceError(said.message_primary or str(error), hint=said.message_hint) from error
        row = director.execute(SHOW, values).fetchone()
    if row is None:
        raise PriceError(
            f"the desk has no instrument {symbol}", hint="say something of it, or load its prices first"
        )
    print(text_table(HEADINGS, [[value or "" for value in row]], right=HEADINGS[3:]))
