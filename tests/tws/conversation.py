"""What a client asks at its start and about its account, and the whole of a conversation."""

from __future__ import annotations

from tests.tws.fields import CONTRACT
from tests.tws.orders import Orders


class Conversation(Orders):
    # Start

    def on_71(self, v: list[str]) -> None:
        self.client = int(v[2])
        start = self.gateway.script.of_start()
        if "busy" in start or any(
            c.client == self.client for c in self.gateway.conversations if c is not self
        ):
            self.error(-1, 326, "Unable to connect as the client id is already in use")
            self.transport.close()
            return
        self.gateway.logins += 1
        accounts = ",".join(start.get("account", self.gateway.accounts))
        if "no accounts" not in start:
            self.send(15, 1, accounts)
        if "no ids" not in start:
            self.send(9, 1, self.broker.next_id(self.client))
        self.error(-1, 2104, "Market data farm connection is OK:usfarm")
        self.error(-1, 2106, "HMDS data farm connection is OK:ushmds")

    def on_8(self, v: list[str]) -> None:
        self.send(9, 1, self.broker.next_id(self.client))

    def on_49(self, v: list[str]) -> None:
        self.answer("time", -1, lambda ends: self.send(49, 1, int(self.broker.now)))

    def on_17(self, v: list[str]) -> None:
        self.send(15, 1, ",".join(self.gateway.accounts))

    def on_15(self, v: list[str]) -> None:
        """reqAutoOpenOrders: nothing to answer."""

    # Account

    def on_62(self, v: list[str]) -> None:
        def act(ends: bool) -> None:
            for account in self.gateway.accounts:
                for key, value in self.broker.values().items():
                    self.send(63, 1, v[2], account, key, round(value, 2), "USD")
            if ends:
                self.send(64, 1, v[2])

        self.answer("account", int(v[2]), act)

    def on_63(self, v: list[str]) -> None:
        """cancelAccountSummary: nothing to answer."""

    def on_6(self, v: list[str]) -> None:
        if v[2] != "1":
            return
        for key, value in self.broker.values().items():
            self.send(6, 2, key, round(value, 2), "USD", self.broker.account)
        self.send(8, 1, "14:30")
        self.answer("account", -1, lambda ends: self.send(54, 1, v[3]) if ends else None)

    def on_76(self, v: list[str]) -> None:
        value = round(self.broker.values()["NetLiquidation"], 2)
        self.send(73, 1, v[2], self.broker.account, "", "NetLiquidation", value, "USD")
        self.send(74, 1, v[2])

    def on_61(self, v: list[str]) -> None:
        def act(ends: bool) -> None:
            self.wants_positions = True
            for symbol in self.broker.positions:
                self.position(symbol)
            if ends:
                self.send(62, 1)

        self.answer("positions", -1, act)

    def on_64(self, v: list[str]) -> None:
        self.wants_positions = False

    def position(self, symbol: str) -> None:
        shares, price = self.broker.positions[symbol]
        c = self.broker.contract(symbol)
        self.send(61, 3, self.broker.account, *[c[k] for k in CONTRACT], shares, price)

    def on_1(self, v: list[str]) -> None:
        def act(ends: bool) -> None:
            self.send(1, 6, v[2], 4, self.broker.last.get(v[4], 100.0), 1, 0)
            if ends:
                self.send(57, 1, v[2])

        self.answer("data", int(v[2]), act)

    def on_2(self, v: list[str]) -> None:
        """cancelMktData: nothing to answer."""

    def on_9(self, v: list[str]) -> None:
        def act(ends: bool) -> None:
            if v[4] in self.broker.unknown:
                self.error(int(v[2]), 200, "No security definition has been found for the request")
                return
            c = self.broker.contract(v[4])
            self.send(
                10,
                v[2],
                c["symbol"],
                "STK",
                "",
                0,
                "",
                "SMART",
                "USD",
                c["localSymbol"],
                "NMS",
                "NMS",
                c["conId"],
                0.01,
                "",
                "LMT,MKT,STP,STP LMT,TRAIL,MOC",
                "SMART,NYSE",
                1,
                0,
                c["symbol"] + " INC",
                "NASDAQ",
                "",
                "",
                "",
                "",
                "US/Eastern",
                "20260105:0400-20260105:2000",
                "20260105:0930-20260105:1600",
                "",
                0,
                0,
                1,
                "",
                "",
                "26",
                "",
                "COMMON",
                1,
                1,
                100,
            )
            if ends:
                self.send(52, 1, v[2])

        self.answer("contract", int(v[2]), act)
