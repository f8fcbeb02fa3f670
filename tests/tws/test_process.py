"""The link as a process: what the command line starts, what kill -9 leaves, and what its check finds."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from runners.live.ib import checking
from testing.desks import Desk
from tests.tws.scene import Scene, run

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def _link(here: Scene, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "runners.cli", "link", *words, here.account.name,
        env=os.environ | here.desk.environment, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def test_a_link_may_be_killed_and_stopped(desk: Desk) -> None:
    async def act(here: Scene) -> None:
        for last in (False, True):
            async with _link(here, "start") as process:
                await here.until(lambda: here.count("account_links where state = 'ready' and pid > 1"), 20)
                order = await here.buys({"filled"})
                if last:
                    async with _link(here, "start") as other:
                        said, _ = await asyncio.wait_for(other.communicate(), 20)
                        assert b"is running on this host already" in said
                process.send_signal(signal.SIGTERM if last else signal.SIGKILL)
                said, _ = await asyncio.wait_for(process.communicate(), 20)
                assert process.returncode == (0 if last else -9), said
            assert here.state(order) == "filled"
            # Who is stopped tells the gate; who is killed leaves it to the beats.
            assert here.count("account_links where state = 'connecting'") == last
            here.admin.execute("update desk.account_links set state = 'connecting'")
        here.agrees()

    run(desk, act, starts=False)


@pytest.mark.parametrize(
    ("script", "wrong"),
    [
        ("", []),
        ("start: read-only", ["read-only"]),
        ("start: account U7", ["logged in for U7"]),
        ("request data: error 10168 not subscribed", ["prices of SPY: 10168"]),
        ("request contract: error 200 No security definition", ["contract of SPY: 200"]),
        ("start: busy", ["no gateway at"]),
        ("request positions: no end", ["what the broker knows: no end"]),
    ],
)
def test_the_check_says_what_is_wrong_and_places_nothing(desk: Desk, script: str, wrong: list[str]) -> None:
    async def act(here: Scene) -> None:
        found = [f async for f in checking.check(connection, here.account.name, "SPY", deadline=0.3)]
        bad = [f.what for f in found if not f.is_good]
        assert len(bad) == len(wrong)
        assert all(part in what for part, what in zip(wrong, bad, strict=True))
        assert not here.broker.orders
        assert (
            here.value("select state from desk.account_links where account_id = %s", here.account.id)
            == "ready"
        )

    with desk.connect("link") as connection:
        run(desk, act, script, starts=False)
