"""`backdesk live` and `backdesk paper-replay`: strategies that passed trade on paper."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import Annotated, Any

import typer

from runners.cli.text_table import text_table
from runners.database.connection import connect
from runners.errors import DeskError
from runners.settings import Settings

Day = Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], show_default=False)]
Strategy = Annotated[str, typer.Argument(help="Name or code of a strategy.", show_default=False)]
Capital = Annotated[float, typer.Option(help="Money that the session begins with.", show_default=False)]
Symbols = Annotated[list[str], typer.Option(help="Separated by commas.", show_default=False)]
Timeframe = Annotated[str, typer.Option(help="Length of a bar: 1d, 1h, 5m, 1m, ...")]
Result = Annotated[
    int | None, typer.Option("--result", help="Take parameters, code and costs of this result.")
]
Parameters = Annotated[
    list[str] | None, typer.Option("--params", help="name=value, repeated or separated by commas.")
]
WarmUp = Annotated[
    int | None, typer.Option("--warm-up", min=0, help="Bars before the begin that only warm up.")
]
StepSeconds = Annotated[float, typer.Option(min=0.1, help="Time that the strategy may take for a bar.")]
SessionId = Annotated[int, typer.Argument(help="A session, as `backdesk live status` has it.")]

STATUS = """
select trading_session_id::text as session, account, strategy, state, level,
       to_char(value, 'FM999999999990.00') as value, to_char(profit, 'FM999999999990.00') as profit,
       open_orders::text as open, positions::text as holds,
       coalesce(to_char(newest_bar at time zone 'UTC', 'YYYY-MM-DD HH24:MI'), '') as "newest bar",
       coalesce(extract(epoch from clock_timestamp() - strategy_heard_of)::integer || ' s ago', 'never')
         as strategy_heard,
       coalesce(extract(epoch from clock_timestamp() - link_heard_of)::integer || ' s ago', 'never')
         as link_heard
from live_sessions
where state = 'open' or not %s
order by trading_session_id
"""
HALTS = "select coalesce(trading_session_id::text, 'all'), rule, reason from halts_now order by halt_id"
SUMMARY = """
select count(*) filter (where o.state <> 'refused'), coalesce(sum(o.times_refused), 0),
       (select count(*) from executions as e where e.trading_session_id = %(session)s),
       (select count(*) from session_stream as s
        where s.trading_session_id = %(session)s and s.kind = 'step'),
       (select l.value from session_ledgers as l where l.trading_session_id = %(session)s)
from broker_orders as o where o.trading_session_id = %(session)s
"""


def register(app: typer.Typer) -> None:
    live = typer.Typer(help="Trade on paper what passed.", no_args_is_help=True)
    live.command("start", short_help="Start a session, and its processes.")(start)
    live.command("status", short_help="Sessions, what they hold, and who is alive.")(status)
    live.command("run", short_help="Run a session's strategy, here and now.")(run)
    live.command("link", short_help="Feed and fill an account's sessions, here and now.")(link)
    app.add_typer(live, name="live")
    app.command("paper-replay", short_help="Trade a window of loaded bars on paper.")(paper_replay)


def start(
    strategy: Strategy,
    capital: Capital,
    symbols: Symbols,
    paper: Annotated[
        bool, typer.Option("--paper", help="On paper: orders are filled by the desk itself.")
    ] = False,
    account: Annotated[str, typer.Option(help="Paper account; opened where there is none.")] = "PAPER",
    timeframe: Timeframe = "1d",
    result: Result = None,
    params: Parameters = None,
    warm_up: WarmUp = None,
    on_dead: Annotated[
        str, typer.Option("--on-dead", help="When its strategy dies: hold what it has, or flatten.")
    ] = "hold",
    seconds_per_step: StepSeconds = 60.0,
    only_start: Annotated[
        bool, typer.Option("--only-start", help="Start no process: `backdesk live run` and `link` do.")
    ] = False,
) -> None:
    """Start a session of a strategy that was validated; it trades bars as they are loaded from now on.

    Its code is copied, and the session runs from the copy: edits and upgrades change nothing in it. A limit
    of loss, leverage and order rate is needed on the account; without one, the statement for it is printed.

    Example:

      backdesk live start sma_crossover --paper --capital 10000 --symbols SPY --result 412
    """
    from runners.live import starting

    if not paper:
        raise DeskError("a session trades on paper", hint="add --paper; real accounts are not open yet")
    settings = Settings.from_environment()
    wanted = starting.Start(
        strategy, account, capital, _symbols(symbols), timeframe, result, _values(params),
        warm_up_bars=warm_up, on_dead=on_dead, seconds_per_step=seconds_per_step,
    )  # fmt: skip
    with connect("director", settings=settings) as director:
        started = starting.start_session(director, wanted, settings)
        number = started.session_id
        print(f"session {number} of {strategy} on {account}, code {started.code_hash[:12]}")
        if only_start:
            print(f"to run it: backdesk live link {account}, and backdesk live run {number}")
            return
        if not starting.link_is_alive(director, account):
            log = starting.log_of(settings, f"link-{account}")
            pid = starting.detached(starting.link_command(account), log, settings)
            print(f"link of {account}: process {pid}, {log}")
        log = starting.log_of(settings, f"session-{number}")
        pid = starting.detached(starting.session_command(number), log, settings)
        print(f"strategy: process {pid}, {log}")
    print("see backdesk live status; to stop: backdesk stop 'why'")


def status(
    all_: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
) -> None:
    """Sessions on accounts: what each is worth, holds and may do, and when its processes were heard of."""
    with connect("viewer", settings=Settings.from_environment()) as viewer:
        cursor = viewer.execute(STATUS.encode(), (not all_,))
        names = [column.name.replace("_", " ") for column in cursor.description or ()]
        found = cursor.fetchall()
        if not found:
            print("no session is open; backdesk live start begins one")
            return
        print(text_table(names, found, right=("session", "value", "profit", "open")))
        for session, rule, reason in viewer.execute(HALTS.encode()):
            print(f"session {session}: {rule}: {reason}")


def run(session: SessionId) -> None:
    """Run a session's strategy in the foreground, until its stream ends or Ctrl-C.

    Run again after a kill, it goes through its stream first, asks for nothing twice, and is as it was.
    """
    from runners.live.session_process import SessionProcess

    _exit(SessionProcess(Settings.from_environment(), session).run())


def link(account: Annotated[str, typer.Argument(help="A paper account.", show_default=False)]) -> None:
    """Feed and fill all sessions of a paper account in the foreground, until Ctrl-C."""
    from runners.live.link_process import LinkProcess

    _exit(LinkProcess(Settings.from_environment(), account).run())


def paper_replay(
    strategy: Strategy,
    capital: Capital,
    symbols: Symbols,
    start: Day = None,
    end: Day = None,
    account: Annotated[str, typer.Option(help="Account of its own, opened if need be.")] = "REPLAY",
    timeframe: Timeframe = "1d",
    result: Result = None,
    params: Parameters = None,
    warm_up: WarmUp = None,
    speed: Annotated[float, typer.Option(min=0, help="Seconds of bars a second; 0: full speed.")] = 0.0,
    seconds_per_step: StepSeconds = 60.0,
) -> None:
    """Trade a window of loaded bars on paper: through the gate and its limits, with all processes.

    Example:

      backdesk paper-replay sma_crossover --capital 10000 --symbols AAPL,IBM --start 2012-01-01
    """
    from runners.live.starting import Start, link_command, link_is_alive, session_command, start_session

    settings = Settings.from_environment()
    wanted = Start(
        strategy, account, capital, _symbols(symbols), timeframe, result, _values(params), replay=True,
        first=start.date() if start else None, last=end.date() if end else None, warm_up_bars=warm_up,
        speed=speed, seconds_per_step=seconds_per_step,
    )  # fmt: skip
    with connect("director", settings=settings) as director:
        if link_is_alive(director, account):
            raise DeskError(
                f"another link has the account {account}",
                hint="wait for its replay, or name another --account",
            )
        number = start_session(director, wanted, settings).session_id
        feeding = subprocess.Popen(link_command(account, number))
        try:
            ended = subprocess.run(session_command(number), check=False).returncode
        finally:
            feeding.terminate()
            feeding.wait()
        found: Any = director.execute(SUMMARY.encode(), {"session": number}).fetchone()
    orders, refused, fills, steps, value = found
    print(
        f"session {number}: {steps} steps, {orders} orders allowed and {refused} refused, {fills} fills, "
        f"worth {value:.2f}"
    )
    _exit(ended == 0)


def _exit(good: bool) -> None:
    if not good:
        sys.exit(1)


def _symbols(texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(texts).replace(",", " ").upper().split()))


def _values(pairs: list[str] | None) -> dict[str, Any] | None:
    """`fast=20,slow=100` as values; what they may be, the strategy says when it runs."""
    import json

    if not pairs:
        return None
    values: dict[str, Any] = {}
    for pair in (one for text in pairs for one in text.split(",") if one.strip()):
        name, equals, text = pair.partition("=")
        if not equals:
            raise DeskError(f"--params {pair!r} has no value", hint="write name=value, such as fast=20")
        try:
            values[name.strip()] = json.loads(text)
        except json.JSONDecodeError:
            values[name.strip()] = text.strip()
    return values
