"""What a client sends about orders and fills, and what it is told of them."""

from __future__ import annotations

import time

from tests.tws.broker import Execution, Order
from tests.tws.fields import COMPLETED_ORDER, CONTRACT, OPEN_ORDER, order_terms, table
from tests.tws.wire import Wire


class Orders(Wire):
    def on_3(self, v: list[str]) -> None:
        order_id, broker, gateway = int(v[1]), self.broker, self.gateway
        contract, terms = order_terms(v, self.version)
        gateway.arrived += 1
        happens = gateway.script.of_order(gateway.arrived)
        now = time.monotonic()
        if "lost" in happens or now < gateway.dropping_until:
            return
        if "dies" in happens and happens["dies"] == ("before",):
            self.transport.abort()
        elif "read-only" in happens or "read-only" in gateway.script.of_start():
            self.error(
                order_id,
                321,
                "Error validating request.-'bN' : cause - The API interface is currently in Read-Only mode.",
            )
        elif "rejected" in happens:
            broker.used[self.client] = max(broker.used.get(self.client, 0), order_id)
            self.error(order_id, int(happens["rejected"][0]), " ".join(happens["rejected"][1:]))
        elif contract["symbol"] in broker.unknown:
            self.error(order_id, 200, "No security definition has been found for the request")
        elif order_id <= broker.used.get(self.client, 0):
            self.error(order_id, 103, "Duplicate order id")
        else:
            order = broker.accept(self.client, order_id, contract["symbol"], terms)
            order.is_mute = "mute" in happens
            if "window" in happens:
                gateway.dropping_until = now + float(happens["window"][0])
                gateway.later(float(happens["window"][0]), lambda: self.tell(order))
            elif "late" in happens:
                gateway.later(float(happens["late"][0]), lambda: self.tell(order))
            elif "dies" in happens:
                self.transport.abort()
            elif not order.is_mute:
                self.tell(order)
            delay = gateway.fill_delay + float(happens.get("window", ("0",))[0])
            gateway.later(delay, lambda: gateway.work(order, happens))

    def on_4(self, v: list[str]) -> None:
        order = self.broker.find(self.client, int(v[2]))
        if "read-only" in self.gateway.script.of_start():
            self.error(
                int(v[2]), 321, "Error validating request: The API interface is currently in Read-Only mode."
            )
        elif order is None:
            self.error(int(v[2]), 10147, f"OrderId {v[2]} that needs to be cancelled is not found.")
        elif not order.is_open:
            self.error(
                order.id,
                10148,
                f"OrderId {v[2]} that needs to be cancelled cannot be cancelled, state: {order.status}.",
            )
        else:
            self.gateway.cancel(order)

    def on_58(self, v: list[str]) -> None:
        for order in [o for o in self.broker.orders.values() if o.is_open]:
            self.gateway.cancel(order)

    def on_16(self, v: list[str], client: int | None = None) -> None:
        def act(ends: bool) -> None:
            for order in self.broker.orders.values():
                if order.is_open and client in (None, order.client):
                    self.tell(order)
            if ends:
                self.send(53, 1)

        self.answer("open orders", -1, act)

    def on_5(self, v: list[str]) -> None:
        self.on_16(v, self.client)

    def on_99(self, v: list[str]) -> None:
        def act(ends: bool) -> None:
            for order in self.broker.orders.values():
                if not order.is_open and order.day == self.broker.day:
                    self.completed(order)
            if ends:
                self.send(102)

        self.answer("completed orders", -1, act)

    def on_7(self, v: list[str]) -> None:
        def act(ends: bool) -> None:
            for execution in self.broker.executions:
                if execution.day == self.broker.day:
                    self.execution(v[2], execution)
                    self.commission(execution)
            if ends:
                self.send(55, 1, v[2])

        self.answer("executions", int(v[2]), act)

    # What is said of them

    def tell(self, order: Order) -> None:
        known = {
            **order.terms,
            "clientId": order.client,
            "permId": order.perm,
            "status": order.status,
            "account": order.account,
        }
        fields = table(OPEN_ORDER, known, self.version)
        self.send(5, order.id, *[order.contract[k] for k in CONTRACT], *fields)
        self.status(order)

    def status(self, order: Order) -> None:
        average = order.cost / order.filled if order.filled else 0
        parent = order.terms.get("parentId") or 0
        self.send(
            3,
            order.id,
            order.status,
            order.filled,
            order.left,
            average,
            order.perm,
            parent,
            average,
            order.client,
            "",
            0,
        )

    def completed(self, order: Order) -> None:
        known = {
            **order.terms,
            "permId": order.perm,
            "status": order.status,
            "account": order.account,
            "filledQty": order.filled,
            "completedTime": "20260105 15:00:00 UTC",
            "completedStatus": order.ended,
        }
        fields = table(COMPLETED_ORDER, known, self.version)
        self.send(101, *[order.contract[k] for k in CONTRACT], *fields)

    def execution(self, request: int | str, e: Execution) -> None:
        o = e.order
        self.send(
            11,
            request,
            o.id,
            *[o.contract[k] for k in CONTRACT],
            e.id,
            self.gateway.stated(e.at),
            o.account,
            "ARCA",
            e.side,
            e.shares,
            e.price,
            o.perm,
            o.client,
            0,
            e.cumulative,
            e.average,
            o.terms["ref"],
            "",
            "",
            "",
            1,
            *([0] if self.version >= 178 else []),
        )

    def commission(self, e: Execution) -> None:
        self.send(59, 1, e.id, e.commission, "USD", "", "", "")
