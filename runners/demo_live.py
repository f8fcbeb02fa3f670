"""`make demo-live`: a day of minute bars on paper, with a limit that is hit and a strategy that is killed.

The bars are made by chance, so that what the strategy earns says nothing; what it may do, does.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from typing import Any

import psycopg

from runners.cli.text_table import text_table
from runners.cli.up import bring_up
from runners.database.connection import connect
from runners.errors import DeskError
from runners.live.asking import value
from runners.live.starting import Start, link_command, session_command, start_session
from runners.prices.generated import generated
from runners.prices.load import load
from runners.reporting import report
from runners.settings import Settings

STRATEGY = "sma_eod_example"
SYMBOLS = ("DEMO1", "DEMO2", "DEMO3")
BEFORE, DAY = dt.date(2024, 5, 6), dt.date(2024, 5, 7)
ACCOUNT = "DEMO"
LIMITS = {
    "max_daily_loss": 0.02, "max_leverage": 1.0, "max_orders_per_minute": 10.0, "max_orders_per_day": 49.0,
}  # fmt: skip
CAPITAL = 100_000.0

MOVE = """
select move_strategy(name, %(to)s, 'for the demonstration') from strategies
where name = %(strategy)s and status = any(%(of)s)
"""
LIMIT = """
insert into risk_limits (account_id, limit_name, threshold)
select id, %s, %s from accounts where name = %s
on conflict (strategy_id, account_id, limit_name) do update set threshold = excluded.threshold
"""
SEEN = "select coalesce(max(seen), 0) from session_processes where trading_session_id = %s"
ORDERS = """
select to_char(o.decision_bar at time zone 'America/New_York', 'HH24:MI') as bar, o.symbol,
       o.quantity::text as units, o.state, coalesce(o.reason, '') as why,
       coalesce(to_char(o.price, 'FM9990.00'), '') as price,
       coalesce(to_char(o.strategy_price, 'FM9990.00'), '') as "as the strategy saw it"
from order_trail as o
where o.trading_session_id = %s
order by o.order_id
"""
PROFIT = """
select day::text, account, strategy, to_char(start_value, 'FM999990.00') as began,
       to_char(end_value, 'FM999990.00') as ended, to_char(profit, 'FM999990.00') as profit,
       orders_allowed::text as allowed, orders_refused::text as refused, fills::text as fills,
       to_char(fees, 'FM99990.00') as fees
from live_daily_pnl
where trading_session_id = %s
"""
REFUSED = "select count(*) from live_orders where trading_session_id = %s and state = 'refused'"
HELD = "select count(*) from positions where trading_session_id = %s and quantity <> 0"
LAST = """
select to_char(max(s.bar_time) at time zone 'America/New_York', 'HH24:MI')
from session_stream as s where s.trading_session_id = %s and jsonb_array_length(s.item -> 'fills') > 0
"""


def demo(settings: Settings) -> bool:
    """Every step under its own heading; True where all came as it should."""
    began = time.perf_counter()
    _heading("The desk")
    bring_up(settings)
    _heading("A day of minute bars of three symbols, made by chance, and the day before to warm up")
    with connect("director", settings=settings) as director:
        for number, symbol in enumerate(SYMBOLS):
            load(director, generated(symbol, BEFORE, DAY, seed=20 + number))
        session = _started(director, settings)
        print(f"session {session}: {STRATEGY} on {ACCOUNT} with {CAPITAL:,.0f}")
        _heading("Traded, with a kill -9 in the middle")
        ended = _traded(director, session, settings)
        _heading("Every order, why one was refused, and what came of it")
        _show(director, ORDERS, session)
        held, last = value(director, HELD, session), value(director, LAST, session)
        refused = value(director, REFUSED, session)
        print(f"\nrefused {refused}; last fill on the bar of {last}; symbols held at the end {held}")
        _heading("The day")
        _show(director, PROFIT, session)
    command = "backdesk" if os.environ.get("VIRTUAL_ENV") else ".venv/bin/backdesk"
    _heading(f"Done in {time.perf_counter() - began:.0f} seconds. Try next")
    print(f"  {command} live audit {session}")
    print(f"  {command} psql -c 'select * from session_stream where trading_session_id = {session} limit 3'")
    return ended and held == 0 and refused == 1 and last == "15:55"


def _started(director: psycopg.Connection[Any], settings: Settings) -> int:
    for to, of in (("testing", ["backlog", "passed", "rejected"]), ("validated", ["testing"])):
        director.execute(MOVE.encode(), {"strategy": STRATEGY, "to": to, "of": of})
    value(director, "select paper_account(%s)", ACCOUNT)
    for name, threshold in LIMITS.items():
        director.execute(LIMIT.encode(), (name, threshold, ACCOUNT))
    wanted = Start(
        STRATEGY, ACCOUNT, CAPITAL, SYMBOLS, "1m", replay=True, first=DAY, last=DAY, warm_up_bars=60,
        parameters={"enable_db_logging": True},
    )  # fmt: skip
    return start_session(director, wanted, settings).session_id


def _traded(director: psycopg.Connection[Any], session: int, settings: Settings) -> bool:
    link = subprocess.Popen(link_command(ACCOUNT, session))
    try:
        first = subprocess.Popen(session_command(session))
        while value(director, SEEN, session) < 200 and first.poll() is None:
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        first.wait()
        print(f"killed after {value(director, SEEN, session)} items; it is started again", flush=True)
        return subprocess.run(session_command(session), check=False).returncode == 0
    finally:
        link.terminate()
        link.wait()


def _show(director: psycopg.Connection[Any], query: str, session: int) -> None:
    cursor = director.execute(query.encode(), (session,))
    names = [column.name for column in cursor.description or ()]
    print(text_table(names, cursor.fetchall()), flush=True)


def _heading(text: str) -> None:
    print(f"\n== {text}", flush=True)


def main() -> None:
    try:
        if not demo(Settings.from_environment()):
            sys.exit(1)
    except (DeskError, psycopg.Error) as error:
        report(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
