"""What `backdesk up` waits for, how long, and who is named when it was in vain.

Whoever may read may hold a lock, and everybody else queues behind the statement that waits for it. So nothing
here waits for long: it gives way between tries, that those behind it get their turn, and ends with the
holder's name.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg

from runners.errors import DeskError

Answer = TypeVar("Answer")
Say = Callable[[str], None]

LOCK_SECONDS = 2.0
PAUSES = (0.5, 1.0, 1.5)

SAY_AFTER_SECONDS = 1.0
STRANGERS_TURN_SECONDS = 6.0
TURN_SECONDS = 300.0

_WHO = """
 a.pid, a.usename, nullif(a.application_name, ''), host(a.client_addr),
 date_trunc('second', clock_timestamp() - a.xact_start)
 from pg_catalog.pg_locks as l join pg_catalog.pg_stat_activity as a on a.pid = l.pid"""

_HOLDER_OF_TURN = f"""
select pg_has_role(a.usesysid, 'desk_owner', 'member'), {_WHO}
where l.locktype = 'advisory' and l.granted and l.objsubid = 1
  and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
  and l.classid = %(number)s::bigint >> 32 and l.objid = %(number)s::bigint & 4294967295
"""

# Whose transaction is older than one try, so was there all the while; null is an age that we may not see.
_HOLDERS_OF_LOCKS = f"""
select distinct on (a.xact_start, a.pid) true, {_WHO}
join pg_catalog.pg_class as c on c.oid = l.relation
where l.granted and l.pid <> pg_backend_pid() and l.locktype = 'relation'
  and l.database in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
  and (
    c.relnamespace::regnamespace::text in ('desk', 'analytics', 'marts')
    or c.relnamespace = 'pg_catalog'::regnamespace and l.mode <> 'AccessShareLock'
  )
  and (a.xact_start is null or a.xact_start < clock_timestamp() - make_interval(secs => %(tried)s))
order by a.xact_start nulls last, a.pid
limit 3
"""


class Held(DeskError):
    """Somebody holds what is waited for."""


def say_so(what: str) -> None:
    """Tells whoever waits, beside what the command itself prints."""
    print(what, file=sys.stderr, flush=True)


def take_turn(connection: psycopg.Connection[Any], number: int, say: Say = say_so) -> None:
    """Takes the session's advisory lock of this number, which its holder gives back when it is done.

    Raises Held after minutes, or within seconds where the holder is a login that never migrates.
    """
    began, said = time.monotonic(), False
    while connection.execute("select pg_try_advisory_lock(%s)", [number]).fetchone() != (True,):
        waited = time.monotonic() - began
        holder = connection.execute(_HOLDER_OF_TURN, {"number": number}).fetchone()
        if holder and not said and waited > SAY_AFTER_SECONDS:
            say(f"waiting for another migration: {_named(holder)}")
            said = True
        if holder and waited > (TURN_SECONDS if holder[0] else STRANGERS_TURN_SECONDS):
            raise Held("the lock of migrations is taken", detail=_named(holder), hint=_remedy([holder]))
        time.sleep(0.2)


def for_locks(connection: psycopg.Connection[Any], work: Callable[[], Answer], say: Say = say_so) -> Answer:
    """What `work` returns; done again, all of it, where a lock was not to be had. Raises Held in the end."""
    connection.execute("select set_config('lock_timeout', %s, false)", [f"{LOCK_SECONDS}s"])
    try:
        for pause in (*PAUSES, None):
            try:
                return work()
            except (DeskError, psycopg.Error) as error:
                if not _was_kept_waiting(error):
                    raise
                names, remedy = holders(connection)
                if pause is None:
                    raise Held("others hold a lock that is needed", detail=names, hint=remedy) from error
                if names:
                    say(f"waiting for a lock: {names}")
            time.sleep(pause)
        raise AssertionError("the last try either returns or raises")
    finally:
        if not connection.closed:
            connection.execute("reset lock_timeout")


def holders(connection: psycopg.Connection[Any]) -> tuple[str | None, str]:
    """Who has held locks of the desk's for longer than a try takes, and how to end that."""
    found = connection.execute(_HOLDERS_OF_LOCKS, {"tried": LOCK_SECONDS}).fetchall()
    return "\n".join(map(_named, found)) or None, _remedy(found)


def _was_kept_waiting(error: DeskError | psycopg.Error) -> bool:
    cause = error.__cause__ if isinstance(error, DeskError) else error
    if isinstance(cause, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
        return True
    # Two desks of one server, or two `up` of one desk, that set the same role.
    return isinstance(cause, psycopg.errors.InternalError_) and "concurrently" in str(cause)


def _named(holder: tuple[Any, ...]) -> str:
    _, pid, login, application, host, age = holder
    parts = [f"process {pid} of the login {login}"]
    if application:
        parts.append(f"application {application}")
    if host:
        parts.append(f"from {host}")
    if age is not None:
        parts.append(f"in a transaction for {age}")
    return ", ".join(parts)


def _remedy(holders: list[tuple[Any, ...]]) -> str:
    if not holders:
        return "try again, or look at pg_stat_activity as an administrator"
    ending = "; ".join(f"select pg_terminate_backend({holder[1]})" for holder in holders)
    return f"let them end it, or end it as an administrator: {ending}"
