"""What a page says instead of an exception or an empty table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import streamlit as st

from runners.errors import DeskError

FIRST_STEPS = (
    "backdesk load sample",
    "backdesk queue configs/optimizations/rsi_etf_example.yaml",
    "backdesk work --drain",
)


@contextmanager
def explained() -> Iterator[None]:
    """Shows what went wrong with the database in a sentence, with what to do; the page ends there."""
    try:
        yield
    except DeskError as error:
        _say(error.message, error.hint)
    except psycopg.errors.QueryCanceled:
        _say("The database took too long to answer", "try again when less is running")
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        _say("The desk's views are missing, or are older than this page", "run `backdesk up`")
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        _say("The database does not answer", f"run `backdesk up` ({str(error).strip().splitlines()[0]})")


def empty_desk() -> None:
    """The first steps, where no backtest has finished yet."""
    st.info("No backtest has finished yet.", icon=":material/inbox:")
    st.markdown("Queue a search, and let a runner work on it:")
    st.code("\n".join(FIRST_STEPS), language="bash")


def _say(message: str, hint: str | None) -> None:
    sentence = message[:1].upper() + message[1:] + "."
    st.error(sentence + (f" To do: {hint}" if hint else ""), icon=":material/database_off:")
