"""What buttons do: one call of SQL as the director, on a connection that is closed at once.

Everything else on the pages is read as the viewer. Whether there are buttons, `backdesk app` decides by where
it listens, and the database by who may act as desk_director.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
import streamlit as st

from runners.database.connection import connect
from runners.errors import DeskError
from runners.settings import Settings

BUTTONS = "BACKDESK_BUTTONS"
"""Set to `on` or `off` by `backdesk app`; what is not `on` is off."""
STATEMENT_SECONDS = 20
ANSWER_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What PostgreSQL said to a call: the function's own sentence, or why it refused and what is right."""

    done: bool
    sentence: str
    detail: str | None = None
    hint: str | None = None
    value: Any = None
    """First column of the first row; None where it was refused."""

    def text(self) -> str:
        hint = f" {_stopped(self.hint)}" if self.hint else ""
        return f"{_stopped(self.sentence)}{hint}"


def may_act() -> tuple[bool, str]:
    """Whether buttons work here; where not, why, and what to do about it."""
    if os.environ.get(BUTTONS) != "on":
        return False, (
            "Buttons are off, since others may reach this page and it has no login. "
            "Start it with `backdesk app --with-buttons` where only the director can reach it."
        )
    return _accepted(Settings.from_environment())


@contextmanager
def acting() -> Iterator[psycopg.Connection[Any]]:
    """A connection as desk_director in autocommit, closed at the end; raises DeskError."""
    director = connect("director", application_name="backdesk app", connect_timeout=5)
    try:
        director.execute("select set_config('statement_timeout', %s, false)", [f"{STATEMENT_SECONDS}s"])
        yield director
    finally:
        director.close()


def call(query: str, values: Mapping[str, Any] | None = None, done: str | None = None) -> Answer:
    """Runs one statement as the director; whatever goes wrong is an answer, never an exception.

    The sentence of success is `done`, in which {value} is the first column of the first row, or that column
    itself, which the desk's functions write for people; notices that PostgreSQL adds follow it.
    """
    allowed, reason = may_act()
    if not allowed:  # A disabled button is only a picture: a browser may send its press all the same.
        return Answer(False, reason)
    notices: list[str] = []
    try:
        with acting() as director:
            director.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
            cursor = director.execute(query, values)
            row = cursor.fetchone() if cursor.description else None
    except DeskError as error:
        return Answer(False, error.message, error.detail, error.hint)
    except psycopg.errors.QueryCanceled:
        return Answer(False, "The database took too long, and nothing was changed", hint="press again")
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).strip() or type(error).__name__
        return Answer(False, said, error.diag.message_detail, error.diag.message_hint)
    value = row[0] if row else None
    sentence = done.format(value=value) if done else (str(value) if value is not None else "Done")
    return Answer(True, " ".join([_stopped(sentence), *map(_stopped, notices)]), value=value)


def button(
    label: str,
    query: str,
    values: Mapping[str, Any] | None = None,
    *,
    key: str,
    place: str | None = None,
    done: str | None = None,
    icon: str | None = None,
    help: str | None = None,
    kind: Literal["primary", "secondary", "tertiary"] = "secondary",
    confirm: str | None = None,
) -> None:
    """A button that runs a statement as the director before the page, or its fragment, is drawn again.

    `place` names where the answer is shown: by default right below; buttons in a row share one and the page
    calls `answer(place)`. `confirm` is a sentence that a second button asks for, for what cannot be undone.
    Where nobody may act the button is grey and says why.
    """
    allowed, reason = may_act()
    target = place or key
    if confirm is not None and allowed:
        with st.popover(label, icon=icon, help=help):
            st.markdown(confirm)
            _button(label, "primary", key, query, values, target, done, icon, None, False)
    else:
        _button(label, kind, key, query, values, target, done, icon, help if allowed else reason, not allowed)
    if place is None:
        answer(target)


def keep(place: str, said: Answer) -> None:
    """Has `answer(place)` show this one: for calls that need what the page reads on its way."""
    st.session_state[_kept(place)] = (time.monotonic(), said)


def answer(place: str) -> Answer | None:
    """Shows what the last press at this place led to; for a while, so that no refresh wipes it away."""
    found: tuple[float, Answer] | None = st.session_state.get(_kept(place))
    if found is None or time.monotonic() - found[0] > ANSWER_SECONDS:
        return None
    said = found[1]
    if said.done:
        st.success(said.text(), icon=":material/check_circle:")
    else:
        st.error(said.text(), icon=":material/block:")
    return said


def note() -> None:
    """Once a page: why its buttons are grey."""
    allowed, reason = may_act()
    if not allowed:
        st.caption(f":material/lock: {reason}")


@st.cache_data(ttl=30, show_spinner=False)
def _accepted(settings: Settings) -> tuple[bool, str]:
    """Tries it, since what a login may is the database's to say."""
    try:
        with connect("director", settings=settings, application_name="backdesk app", connect_timeout=5):
            return True, ""
    except DeskError as error:
        if "permission denied to set role" in (error.detail or ""):
            return False, (
                "Buttons are off: the page's login may not act as desk_director. "
                "Give it that role with `backdesk login NAME --role viewer --role director`."
            )
        return False, f"Buttons are off: {_stopped(error.message)} {error.hint or ''}".strip()


def _button(
    label: str,
    kind: Literal["primary", "secondary", "tertiary"],
    key: str,
    query: str,
    values: Mapping[str, Any] | None,
    target: str,
    done: str | None,
    icon: str | None,
    help: str | None,
    disabled: bool,
) -> None:
    st.button(
        label,
        key=key,
        type=kind,
        icon=icon,
        help=help,
        disabled=disabled,
        on_click=_press,
        args=(target, query, values, done),
    )


def _press(target: str, query: str, values: Mapping[str, Any] | None, done: str | None) -> None:
    keep(target, call(query, values, done))


def _kept(place: str) -> str:
    return f"answer of {place}"


def _stopped(text: str) -> str:
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."
