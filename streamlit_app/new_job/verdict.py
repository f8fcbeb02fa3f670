"""What the desk says to a config before it is a job: refused and where, or valid and what it will take."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

import psycopg
import streamlit as st

from runners.configs.errors import ConfigError
from runners.configs.reader import Config
from runners.configs.refusals import explained
from runners.errors import DeskError
from runners.jobs.estimating import Estimate, estimates
from runners.settings import Settings
from runners.words import NOTHING, count, duration_text, per_cent
from streamlit_app import director
from streamlit_app.new_job import queries


@dataclass(frozen=True)
class Verdict:
    """One of the two is there, or neither where the config is valid and nobody may ask for the estimate."""

    error: ConfigError | None = None
    estimate: Estimate | None = None
    reason: str = ""
    """Why there is no estimate."""


def verdict(config: Config) -> Verdict:
    """Validates as the viewer, by the function that an insert runs, and estimates as the director."""
    try:
        queries.validate(config.data)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        return Verdict(error=explained(error, config))
    allowed, reason = director.may_act()
    if not allowed:
        return Verdict(reason=f"The estimate is the insert, taken back, and so the director's. {reason}")
    try:
        return Verdict(estimate=_estimated(Settings.from_environment(), config.path, json.dumps(config.data)))
    except ConfigError as error:
        return Verdict(error=_placed(error, config))
    except psycopg.errors.QueryCanceled:
        return Verdict(reason="The estimate takes too long; the job would be planned in the background.")
    except DeskError as error:
        return Verdict(reason=error.message)


@st.cache_data(ttl=10, show_spinner=False, max_entries=50)
def _estimated(settings: Settings, path: str, text: str) -> Estimate:
    with director.acting() as connection:
        return estimates(connection, [Config(path, json.loads(text), {})])[0]


def show_error(error: ConfigError, source: str | None) -> None:
    """The sentence, the JSON path, what would be right, and the line where there is a text."""
    st.error(_sentence(error.plain_message), icon=":material/block:")
    if error.detail:
        st.markdown(f"at `{error.detail}`")
    if error.hint:
        st.markdown(_sentence(error.hint))
    if source is not None and error.position is not None:
        lines = source.split("\n")
        number = min(error.position.line, len(lines))
        st.caption(f"line {number}, column {error.position.column}")
        st.code(lines[number - 1].rstrip() or " ", language="yaml")


def show_estimate(estimate: Estimate) -> None:
    """Points, time, trades and fees, before there is a button to press."""
    one, two = st.columns(2)
    one.metric("Combinations", f"{estimate.combinations:,}")
    two.metric("Time", _time(estimate))
    one.metric("Trades", count(estimate.trades_median))
    two.metric("Fees of the capital", per_cent(estimate.fee_pct_median))
    words = []
    if estimate.at_most != estimate.combinations:
        words.append(f"At most {estimate.at_most:,} points with refinements and tests.")
    if estimate.seconds is not None:
        words.append(
            f"On {estimate.processes} live processes."
            if estimate.wall_time is not None
            else "Of one process: no runner is alive. Start one: `backdesk work`."
        )
    if estimate.fee_pct_worst is not None:
        worst, allowed = per_cent(estimate.fee_pct_worst), per_cent(estimate.max_fee_pct)
        words.append(f"Fees at worst {worst}; allowed {allowed}.")
    words.append(
        f"Earlier results of the strategy that this is known from: {estimate.based_on:,}."
        if estimate.based_on
        else "From nothing yet: no earlier result of this strategy on such bars."
    )
    st.caption(" ".join(words))
    if estimate.verdict == "too dear":
        st.warning(estimate.message, icon=":material/payments:")
    else:
        st.markdown(estimate.message)


def _placed(error: ConfigError, config: Config) -> ConfigError:
    """The same refusal with its line: what the estimate was asked with had none."""
    position = config.position(error.detail) if error.detail else None
    return ConfigError(config.path, position, error.plain_message, detail=error.detail, hint=error.hint)


def _time(estimate: Estimate) -> str:
    if estimate.wall_time is not None:
        return duration_text(max(estimate.wall_time, dt.timedelta(seconds=1)))
    if estimate.seconds is None:
        return NOTHING
    return duration_text(dt.timedelta(seconds=max(1, round(estimate.seconds))))


def _sentence(text: str) -> str:
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."
