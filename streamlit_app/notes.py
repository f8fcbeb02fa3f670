"""Words of people on a strategy, run or result: shown, and edited as the director."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from streamlit_app import director

WRITE = """
select desk.note(%(what)s, %(id)s, %(text)s) as noted, desk.tag(%(what)s, %(id)s, variadic %(tags)s::text[])
"""


def notes(what: Literal["strategy", "run", "result"], found: dict[str, Any], id: int) -> None:
    """`found` has `notes` and `tags`. Where nobody may act, they are shown and the button is grey."""
    place = f"notes of {what} {id}"
    allowed, reason = director.may_act()
    with st.container(horizontal=True, vertical_alignment="center"):
        if allowed:
            with st.popover("Note and tags", icon=":material/edit_note:", type="tertiary"):
                _form(what, found, id, place)
        else:
            st.button(
                "Note and tags",
                icon=":material/edit_note:",
                type="tertiary",
                disabled=True,
                help=reason,
                key=place,
            )
        if found["tags"]:
            st.markdown(" ".join(f":gray-badge[{_plain(tag)}]" for tag in found["tags"]))
    if found["notes"]:
        st.markdown(found["notes"])
    director.answer(place)


def _form(what: str, found: dict[str, Any], id: int, place: str) -> None:
    with st.form(f"form of {place}", border=False):
        st.text_area("Note", found["notes"] or "", key=f"text of {place}", help="Markdown.")
        st.text_input(
            "Tags", ", ".join(found["tags"] or []), key=f"tags of {place}", help="With commas between."
        )
        st.form_submit_button("Keep", type="primary", on_click=_press, args=(what, id, place))


def _press(what: str, id: int, place: str) -> None:
    tags = [tag.strip() for tag in st.session_state[f"tags of {place}"].split(",")]
    values = {
        "what": what,
        "id": id,
        "text": st.session_state[f"text of {place}"].strip() or None,
        "tags": list(dict.fromkeys(filter(None, tags))),
    }
    director.keep(place, director.call(WRITE, values))


def _plain(tag: str) -> str:
    """Without what would end the badge or begin a link."""
    return "".join(letter for letter in tag if letter not in "[]")
