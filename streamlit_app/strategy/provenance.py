"""Where a result comes from, and how to get it again."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from runners.words import moment

HASHES = {
    "code": "code_hash",
    "prices": "data_hash",
    "settings": "settings_hash",
    "parameters": "parameters_hash",
    "provenance": "provenance_hash",
}
# So many letters tell hashes apart; the whole ones are below.
SHORT = 12


def provenance(found: dict[str, Any]) -> None:
    st.markdown("**Where it comes from**")
    facts = {
        **{f"{label} hash": (found[key] or "")[:SHORT] for label, key in HASHES.items()},
        "sessions a year": f"{found['sessions_a_year']:g}",
        "seed": found["seed"],
        "engine": found["engine"],
        "backdesk": found["desk_version"],
        **dict(sorted((found["libraries"] or {}).items())),
        "platform": found["platform"],
        "config": found["config_file"],
        "job": found["job_id"],
        "runner": found["runner_id"],
        "recorded": moment(found["created_at"]),
        "copied from result": found["source_result_id"],
        "reproduced": found["reproduced"],
    }
    kept = {label: str(value) for label, value in facts.items() if value not in (None, "")}
    st.dataframe(
        pd.DataFrame({"": kept.keys(), "value": kept.values()}),
        hide_index=True,
        height="content",
        column_config={"": st.column_config.TextColumn(width=150)},
    )
    if found["imported"]:
        st.caption("It was imported: the desk did not run it, and cannot run it again.")
    elif found["stitched"]:
        st.caption("It was stitched from the tests of its folds, each of which can be reproduced.")
    else:
        st.markdown(f"To get it again: `backdesk reproduce {found['id']}`")
    # Not as code: what colors that costs a browser more than a chart does.
    whole = [f"- {label} `{found[key]}`" for label, key in HASHES.items() if found[key]]
    if whole:
        with st.expander("Whole hashes"):
            st.markdown("\n".join(whole))
