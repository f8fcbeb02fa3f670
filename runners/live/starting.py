"""How a session starts: asked of SQL, which refuses by name, with a copy of its code; then two processes."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from runners.jobs.own_code import own_code, publish
from runners.live.asking import rows, value
from runners.live.code_copy import copy_code
from runners.settings import Settings

ACCOUNT = "select desk.paper_account(%s)"
CODE = "select strategy, entry_point, code_hash, files from desk.code_to_trade(%s, %s::bigint)"
START = """
select desk.start_paper_session(
  p_strategy => %(strategy)s, p_account => %(account)s, p_capital => %(capital)s::float8,
  p_symbols => %(symbols)s, p_timeframe => %(timeframe)s, p_code_hash => %(code_hash)s,
  p_code_copy => %(code_copy)s, p_result_id => %(result_id)s::bigint, p_parameters => %(parameters)s,
  p_first => %(first)s::date, p_last => %(last)s::date, p_warm_up_bars => %(warm_up_bars)s::integer,
  p_speed => %(speed)s::float8, p_commission => %(commission)s, p_slippage => %(slippage)s::float8,
  p_seed => %(seed)s::bigint, p_memory_mb => %(memory_mb)s::float8,
  p_seconds_per_step => %(seconds_per_step)s::float8, p_on_dead_strategy => %(on_dead)s,
  p_replay => %(replay)s, p_continues => %(continues)s::bigint)
"""
LINK_ALIVE = "select desk.link_is_alive(%s)"


@dataclass(frozen=True)
class Start:
    """What is asked for. None takes what the result has, else what SQL says; `first` and `last` are the
    window of a replay."""

    strategy: str
    account: str
    capital: float
    symbols: Sequence[str]
    timeframe: str = "1d"
    result_id: int | None = None
    parameters: Mapping[str, Any] | None = None
    replay: bool = False
    first: dt.date | None = None
    last: dt.date | None = None
    warm_up_bars: int | None = None
    speed: float = 0.0
    commission: Mapping[str, float] | None = None
    slippage: float | None = None
    seed: int | None = None
    memory_mb: float = 2048.0
    seconds_per_step: float = 60.0
    on_dead: str = "hold"
    continues: int | None = None


@dataclass(frozen=True)
class Started:
    session_id: int
    code_hash: str
    code_copy: str


def start_session(director: psycopg.Connection[Any], wanted: Start, settings: Settings) -> Started:
    """Opens the account where there is none of its name, copies the code, and has SQL start the session."""
    publish(director, *own_code())
    value(director, ACCOUNT, wanted.account)
    ((strategy, _, code_hash, files),) = rows(director, CODE, wanted.strategy, wanted.result_id)
    copy = copy_code(settings.home, strategy, files or {})
    values = vars(wanted) | {
        "strategy": strategy, "symbols": list(wanted.symbols), "code_hash": code_hash, "code_copy": copy.name,
        "parameters": None if wanted.parameters is None else Jsonb(wanted.parameters),
        "commission": None if wanted.commission is None else Jsonb(wanted.commission),
    }  # fmt: skip
    return Started(int(value(director, START, values)), code_hash, copy.name)


def link_is_alive(connection: psycopg.Connection[Any], account: str) -> bool:
    return bool(value(connection, LINK_ALIVE, account))


def session_command(session_id: int) -> list[str]:
    return [sys.executable, "-m", "runners.live.session_process", str(session_id)]


def link_command(account: str, only: int | None = None) -> list[str]:
    command = [sys.executable, "-m", "runners.live.link_process", account]
    return command if only is None else [*command, str(only)]


def detached(command: Sequence[str], log: Path, settings: Settings) -> int:
    """Starts a process that outlives this one, and answers its number."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | {"BACKDESK_HOME": str(settings.home), "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
    return process.pid


def log_of(settings: Settings, name: str) -> Path:
    return settings.home / "live" / f"{name}.log"
