"""Orders of earlier days in any number, and what judging one more of them touches."""

from __future__ import annotations

from typing import Any

import psycopg

# As old orders are: over, a few a minute, none of them open.
FILL = """
insert into desk.broker_orders (account_id, trading_session_id, key, symbol, quantity, type, state,
  is_open, cancelled_by, decision_price, counted_at, decided_in, decided_at, changed_at)
select {account}, {session}, 'old:' || n, 'AAA', 1, 'market', 'cancelled', false, 'broker', 100, t.at, now(),
  t.at, t.at
from generate_series({first}, {last}) as n
cross join lateral (select now() - interval '1 day' - n * interval '10 seconds' as at) as t
"""
JUDGED = """
explain (analyze, buffers, format json)
select desk.order_breach(o, desk.gate_facts(o, a.id), a)
from desk.trading_sessions as t
join desk.session_ledgers as l on l.trading_session_id = t.id
join desk.accounts as a on a.id = l.account_id
cross join lateral jsonb_populate_record(null::desk.broker_orders, jsonb_build_object(
  'trading_session_id', t.id, 'key', 'e:1', 'symbol', 'AAA', 'quantity', 1, 'type', 'market',
  'time_in_force', 'gtc', 'intent', 'trade', 'decision_price', 100, 'counted_at', clock_timestamp())) as o
where t.id = {session}
"""


def buffers(admin: psycopg.Connection[Any], session: int) -> int:
    """Buffers that judging an order touches, when all plans are made."""
    for setting in ("plan_cache_mode = force_generic_plan", "enable_seqscan = off", "jit = off"):
        admin.execute(f"set {setting}".encode())
    plans = [admin.execute(JUDGED.format(session=session).encode()).fetchone() for _ in range(3)]
    for setting in ("plan_cache_mode", "enable_seqscan", "jit"):
        admin.execute(f"reset {setting}".encode())
    assert plans[-1] is not None
    plan = plans[-1][0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def fill(admin: psycopg.Connection[Any], account: int, session: int, first: int, last: int) -> None:
    """Earlier orders, numbered from first to last; their histories are left out."""
    with admin.transaction():
        admin.execute("alter table desk.broker_orders disable trigger user")
        statement = FILL.format(account=account, session=session, first=first, last=last)
        admin.execute(statement.encode())
        admin.execute("alter table desk.broker_orders enable trigger user")
    admin.execute("vacuum analyze desk.broker_orders")
