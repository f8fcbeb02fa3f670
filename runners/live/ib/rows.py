"""The link's side of the database: one connection in a thread of its own, one function of SQL a call."""

from __future__ import annotations

import asyncio
import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from psycopg.errors import DeadlockDetected, LockNotAvailable
from psycopg.types.json import Jsonb

from runners.live.ib.orders import AllowedOrder
from runners.live.ib.words import Fee, Fill, Said, Value

ORDER = (
    "id, symbol, quantity, type, limit_price, stop_price, trail_amount, trail_part, time_in_force,"
    " valid_until, parent_id, oco_id"
)
AGAIN = 0.1
"""Seconds before what a lock held up is tried again: a word of the broker is never dropped."""


class Rows:
    """Every call carries the token: one that another link has replaced writes nothing (SQLSTATE 55000)."""

    def __init__(self, connection: psycopg.Connection[Any], account: str) -> None:
        self._connection, self.account, self.token = connection, account, ""
        self._thread = ThreadPoolExecutor(1, "rows")

    async def begin(self, host: str, pid: int) -> dict[str, Any]:
        """Takes the account over; answers what a link has to know (link_terms)."""
        self.token = str(await self._value("select desk.begin_link(%s, %s, %s)", self.account, host, pid))
        terms: dict[str, Any] = await self._value("select desk.link_terms(%s)", self.account)
        return terms

    async def check_account(self, names: list[str]) -> None:
        await self._value("select desk.check_broker_account(%s, %s)", self.account, names)

    async def begin_connection(self) -> int:
        return int(await self._call("begin_connection(%s, %s)"))

    async def beat(self, state: str) -> dict[str, Any]:
        answer: dict[str, Any] = await self._call(
            "beat_connection(%s, %s, %s, %s)", state, dt.datetime.now(dt.UTC)
        )
        return answer

    async def take_orders(self, limit: int) -> list[AllowedOrder]:
        taken = await self._rows(
            f"select {ORDER} from desk.take_orders(%s, %s, %s)", self.account, self.token, limit
        )
        return [AllowedOrder(*row) for row in taken]

    async def take_cancels(self, *, again: bool) -> list[int]:
        statement = "select id from desk.take_cancels(%s, %s, %s)"
        return [row[0] for row in await self._rows(statement, self.account, self.token, again)]

    async def record_status(self, order_id: int, status: str, handle: int, permanent_id: int) -> str:
        return str(
            await self._call(
                "record_broker_status(%s, %s, %s::bigint, %s, %s::bigint, %s::bigint)",
                order_id, status, handle, permanent_id,
            )
        )  # fmt: skip

    async def record_code(self, said: Said, subject: str, order_id: int | None = None) -> str:
        return str(
            await self._call(
                "record_broker_code(%s, %s, %s::integer, %s, %s, %s::bigint)",
                said.code, said.text, subject, order_id,
            )
        )  # fmt: skip

    async def record_fill(self, fill: Fill) -> str:
        stated = {"time": fill.stated_at, "quantity": repr(fill.quantity), "price": repr(fill.price)}
        return str(
            await self._call(
                "record_broker_fill(%s, %s, %s, %s, %s, %s::float8, %s::float8, %s, %s, %s)",
                fill.execution, fill.reference, fill.symbol, fill.quantity, fill.price, fill.at, fill.is_live,
                Jsonb(stated),
            )
        )  # fmt: skip

    async def record_fee(self, fee: Fee) -> str:
        key = fee.execution.rpartition(".")[0]
        return str(await self._call("record_commission(%s, %s, %s, %s::float8)", key, fee.commission))

    async def record_values(self, values: list[Value]) -> None:
        for value in values:
            await self._call(
                "record_account_value(%s, %s, %s, %s, %s, clock_timestamp())",
                value.name, value.stated, value.currency or None,
            )  # fmt: skip

    async def record_look(
        self, connection: int, cause: str, seconds: float, answers: dict[str, Any] | None
    ) -> dict[str, Any]:
        found: dict[str, Any] = await self._call(
            "record_look(%s, %s, %s::bigint, %s, %s::float8, %s)",
            connection, cause, seconds, None if answers is None else Jsonb(answers),
        )  # fmt: skip
        return found

    async def parent_state(self, order_id: int) -> str:
        return str(await self._call("parent_state(%s, %s, %s::bigint)", order_id))

    async def never_left(self, order_id: int, reason: str) -> None:
        await self._call("never_left(%s, %s, %s::bigint, %s)", order_id, reason)

    async def record_event(self, kind: str, message: str, *, is_alert: bool = True) -> None:
        await self._call("record_link_event(%s, %s, %s, %s, %s)", kind, message, is_alert)

    def close(self) -> None:
        self._thread.submit(self._connection.close)
        self._thread.shutdown()

    async def _call(self, function: str, *values: object) -> Any:
        return await self._value(f"select desk.{function}", self.account, self.token, *values)

    async def _value(self, statement: str, *values: object) -> Any:
        rows = await self._rows(statement, *values)
        return rows[0][0]

    async def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    self._thread, self._execute, statement, values
                )
            except (LockNotAvailable, DeadlockDetected):
                await asyncio.sleep(AGAIN)

    def _execute(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement.encode(), values).fetchall()
