"""Sessions by their real processes: killed, edited under, and with strategies that misbehave."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg.errors import CheckViolation

from runners.engines.base import AdjustedPrices
from runners.live.auditing import audit, code_of
from runners.live.code_copy import CodeChanged, checked, copy_code
from runners.live.starting import Start, link_command, session_command, start_session
from runners.prices.load import load
from strategies import registry
from testing import paper
from testing.desks import Desk, environment
from testing.waiting import until
from tests.unit.price_samples import wandering

pytestmark = pytest.mark.sql

SERIES = [wandering("A", 1, 120), wandering("B", 2, 120)]
HEAD = "import os, random, time\nfrom strategies.base_strategy import BaseStrategy\n\n"
STRATEGIES = {
    "trades": """
        class Trades(BaseStrategy):
            def next(self):
                if len(self) % 5 == 0:
                    size = random.randint(1, 9)
                    (self.sell if self.position else self.buy)(size=self.position.size or size)
        """,
    "loops": """
        class Loops(BaseStrategy):
            def next(self):
                if len(self) == 5:
                    self.buy(size=1, exectype=2, price=1.0)
                while len(self) == 7:
                    pass
        """,
    "forks": """
        class Forks(BaseStrategy):
            def next(self):
                if len(self) == 5 and os.fork() == 0:
                    while True:
                        self.buy(size=1)
                self.buy(size=1) if len(self) == 6 else None
        """,
    "buys": """
        class Buys(BaseStrategy):
            def next(self):
                self.buy(size=1)
        """,
    "looks_at_the_clock": """
        class LooksAtTheClock(BaseStrategy):
            def next(self):
                if len(self) == 5:
                    self.buy(size=1 + time.time_ns() % 1_000_000)
        """,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("own")
    for name, text in STRATEGIES.items():
        (made / f"{name}.py").write_text(HEAD + textwrap.dedent(text))
    return made


@pytest.fixture(scope="module")
def live(desk: Desk, folder: Path) -> Iterator[Desk]:
    with environment({"BACKDESK_STRATEGIES": str(folder)}):
        registry._listed.cache_clear()
        paper.prepare(desk, SERIES, "1d")
        yield desk
    registry._listed.cache_clear()


def started(desk: Desk, strategy: str, **options: Any) -> int:
    with desk.connect("admin") as admin:
        paper.validated(admin, strategy)
    given: dict[str, Any] = {"symbols": ["A", "B"], "replay": True} | options
    wanted = Start(strategy, "PAPER", 10_000.0, **given)
    with desk.connect("director") as director:
        return start_session(director, wanted, desk.settings).session_id


@contextmanager
def running(desk: Desk, command: list[str], **more: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=os.environ | desk.environment | more)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def value(desk: Desk, statement: str, *values: object) -> Any:
    with desk.connect("admin") as admin:
        row = admin.execute(statement.encode(), values).fetchone()
    return row[0] if row else None


def orders(desk: Desk, session: int) -> list[Any]:
    with desk.connect("admin") as admin:
        return admin.execute(
            "select key, symbol, quantity, type, state, filled_value from desk.broker_orders"
            " where trading_session_id = %s order by key",
            (session,),
        ).fetchall()


def to_its_end(desk: Desk, session: int) -> None:
    with running(desk, link_command("PAPER", session)):
        assert subprocess.run(session_command(session), env=os.environ | desk.environment).returncode == 0


def seen(desk: Desk, session: int) -> int:
    return value(desk, "select seen from desk.session_processes where trading_session_id = %s", session) or 0


def killed_and_back(desk: Desk, session: int, at: int) -> None:
    """Runs a session, kills its process once it has seen so many items, and starts it again."""
    with running(desk, link_command("PAPER", session)):
        with running(desk, session_command(session)) as process:
            until(lambda: seen(desk, session) >= at)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert subprocess.run(session_command(session), env=os.environ | desk.environment).returncode == 0


def same_rows(desk: Desk, killed: int, whole: int) -> None:
    """What DBLogger wrote is there once, and each order and fill refers to the gate's."""
    for table in ("fills", "order_events", "position_history", "daily_summaries"):
        count = f"select count(*) from desk.{table} where session_id = %s"
        assert value(desk, count, killed) == value(desk, count, whole) > 0, table
    joined = (
        "select array[count(*), count(distinct order_id), count(strategy_price)] from desk.order_trail"
        " where trading_session_id = %s and state = 'filled' and abs(price - strategy_price) < 1e-12"
    )
    rows, distinct, priced = value(desk, joined, killed)
    assert rows == distinct == priced > 10
    assert value(desk, joined, whole) == [rows, distinct, priced]


@pytest.mark.long
@pytest.mark.live
def test_a_killed_session_comes_back_exactly(live: Desk) -> None:
    """With random sizes, and with the rows of DBLogger written once."""
    parameters = {"enable_db_logging": True}
    whole, killed = (started(live, "trades", parameters=parameters, seed=7) for _ in range(2))
    to_its_end(live, whole)
    killed_and_back(live, killed, 60)
    assert len(orders(live, whole)) > 15
    assert orders(live, killed) == orders(live, whole)
    same_rows(live, killed, whole)


def test_an_edit_and_an_upgrade_change_no_session(live: Desk, folder: Path, tmp_path: Path) -> None:
    parameters = {"enable_db_logging": True}
    whole, session = (started(live, "trades", seed=3, parameters=parameters) for _ in range(2))
    to_its_end(live, whole)
    file = folder / "trades.py"
    before = file.read_text()
    # What stands in for the next version of the desk: its strategies would not even load.
    newer = tmp_path / "newer"
    for name, path in (("runners", None), ("backdesk", None), ("strategies", "sma_crossover.py")):
        source = Path(registry.__file__).parents[1] / name
        subprocess.run(
            ["cp", "-r", source, newer.joinpath(name).parent]
            if newer.exists()
            else ["sh", "-c", f"mkdir {newer} && cp -r {source} {newer}"],
            check=True,
        )
        if path:
            (newer / name / path).write_text("raise ImportError('of another version')\n")
    try:
        file.write_text(
            HEAD + "class Trades(BaseStrategy):\n    def next(self):\n        self.buy(size=99)\n"
        )
        with running(live, link_command("PAPER", session)):
            with running(live, session_command(session)) as process:
                until(lambda: seen(live, session) >= 40)
                process.send_signal(signal.SIGKILL)
            again = subprocess.run(
                session_command(session),
                env=os.environ | live.environment | {"PYTHONPATH": str(newer)},
                cwd=newer,
            )
        assert again.returncode == 0
    finally:
        file.write_text(before)
    assert orders(live, session) == orders(live, whole)
    same_rows(live, session, whole)


def audited(desk: Desk, session: int, *, newest: bool = False) -> Any:
    with desk.connect("director") as director:
        return audit(director, session, code_of(director, session, desk.settings, newest=newest))


@pytest.mark.long
@pytest.mark.live
def test_an_audit_finds_what_does_not_come_from_the_stream(live: Desk, folder: Path) -> None:
    session, clock = started(live, "trades", seed=5), started(live, "looks_at_the_clock")
    to_its_end(live, session)
    to_its_end(live, clock)
    again = audited(live, session)
    assert (again.differences, again.orders) == ([], len(orders(live, session)))
    (other,) = audited(live, clock).differences
    assert other["recorded"] != other["asked"]
    assert value(live, "select count(*) from desk.session_audits") == 2
    file = folder / "trades.py"
    before = file.read_text()
    try:
        file.write_text(before.replace("% 5", "% 7"))
        registry._listed.cache_clear()
        newer = audited(live, session, newest=True)
        assert newer.code_hash != again.code_hash
        assert len(newer.differences) > 10
    finally:
        file.write_text(before)
        registry._listed.cache_clear()


def test_a_copy_that_was_changed_runs_nothing(live: Desk) -> None:
    session = started(live, "trades")
    name = value(live, "select code_copy from desk.session_feeds where trading_session_id = %s", session)
    copy = checked(live.settings.home, name)
    file = copy.folder / "strategies" / "sizing.py"
    text = file.read_text()
    file.chmod(0o644)
    file.write_text(text + "\n# mended\n")
    with pytest.raises(CodeChanged, match=r"sizing\.py was changed after the session had started"):
        checked(live.settings.home, name)
    file.write_text(text)
    assert checked(live.settings.home, name) == copy
    with pytest.raises(CodeChanged, match="are not those of the code that is to trade"):
        copy_code(live.settings.home, "trades", {"user_strategies.trades": "0" * 64})


def test_a_strategy_that_loops_for_ever_keeps_no_cancel_back(live: Desk) -> None:
    session = started(live, "loops", seconds_per_step=4.0)
    with running(live, link_command("PAPER", session)), running(live, session_command(session)) as process:
        state = "select state from desk.broker_orders where trading_session_id = %s"
        until(lambda: value(live, state, session) == "working")
        began = time.monotonic()
        value(live, "select desk.emergency_stop('it loops', 'PAPER')")
        until(lambda: value(live, state, session) == "cancelled")
        assert process.poll() is None, "it loops still"
        assert time.monotonic() - began < 3.5
        assert process.wait(20) == 1
    rule = "select rule from desk.halts_now where trading_session_id = %s"
    assert value(live, rule, session) == "strategy hangs"
    with live.connect("director") as director:
        director.execute("select desk.resume_trading('seen', 'PAPER')")


@pytest.mark.long
@pytest.mark.live
def test_a_strategy_that_forks_speaks_once(live: Desk) -> None:
    session = started(live, "forks")
    to_its_end(live, session)
    assert [order[0].partition(":")[2] for order in orders(live, session)] == ["1"]
    left = subprocess.run(["pgrep", "-f", "strategy_child"], capture_output=True, text=True).stdout.split()
    assert not [pid for pid in left if _is_of(int(pid), live)], "what it has forked ends with it"


def _is_of(pid: int, desk: Desk) -> bool:
    try:
        return str(desk.settings.home) in Path(f"/proc/{pid}/environ").read_text()
    except OSError:
        return False


def minutes(symbol: str, first: int, last: int) -> AdjustedPrices:
    """Bars that begin at these minutes since 1970."""
    epochs = [60 * minute for minute in range(first, last + 1)]
    prices = [100.0 + minute % 7 for minute in range(first, last + 1)]
    return AdjustedPrices.from_rows(symbol, epochs, prices, prices, prices, prices, [1000.0] * len(prices))


def test_a_session_trades_bars_as_they_are_loaded(live: Desk) -> None:
    """What was loaded before warms up; decided on a bar that is old, an order is refused."""
    this = int(time.time()) // 60
    paper.prepare(live, [minutes("W", this - 40, this - 6)], "1m")
    session = started(live, "buys", timeframe="1m", symbols=["W"], replay=False, warm_up_bars=20)
    with live.connect("admin") as admin:
        # As if it had begun some minutes ago.
        admin.execute(
            "update desk.trading_sessions set created_at = to_timestamp(%s) where id = %s",
            (60 * (this - 5) + 30, session),
        )
    kinds = (
        "select string_agg(kind, ' ' order by number) from desk.session_stream where trading_session_id = %s"
    )
    with running(live, link_command("PAPER")), running(live, session_command(session)) as process:
        until(lambda: seen(live, session) > 20)
        with live.connect("director") as director:
            load(director, paper.series_of(minutes("W", this - 5, this - 1), "1m"))
        until(lambda: (value(live, kinds, session) or "").count(" step") == 5)
        until(lambda: len(orders(live, session)) >= 2)
        assert process.poll() is None, "it waits for more"
    # Whole days warm up, so that it may be more than was asked for.
    assert re.fullmatch("begin( history){20,35}( step){5}", value(live, kinds, session))
    rules = (
        "select array_agg(coalesce(rule, state) order by id) from desk.broker_orders"
        " where trading_session_id = %s"
    )
    found = value(live, rules, session)
    assert found[0] == "decision_bar"
    assert found[-1] in ("allowed", "sending", "filled")


def test_without_limits_the_statement_that_sets_them_is_told(live: Desk) -> None:
    with live.connect("admin") as admin:
        paper.validated(admin, "trades")
    with live.connect("director") as director, pytest.raises(CheckViolation, match="has no limit") as refusal:
        start_session(director, Start("trades", "BARE", 1.0, ["A"]), live.settings)
    hint = refusal.value.diag.message_hint
    assert "insert into risk_limits (account_id, limit_name, threshold) values" in str(hint)
