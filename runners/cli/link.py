"""`backdesk link`: the process that carries an account's orders to Interactive Brokers, and its checks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runners.database.connection import connect
from runners.settings import Settings

Account = Annotated[str, typer.Argument(help="Name of the account, as the broker and the desk have it.")]


def register(app: typer.Typer) -> None:
    link = typer.Typer(help="Carry orders to Interactive Brokers.", no_args_is_help=True)
    link.command("start", short_help="Carry an account's orders to its gateway, until it is stopped.")(start)
    link.command("check", short_help="See whether a gateway is fit for an account; places nothing.")(check)
    link.command("record", short_help="Record a gateway's answers, without accounts; places nothing.")(record)
    app.add_typer(link, name="link")


def start(account: Account) -> None:
    """Carry an account's orders to TWS or IB Gateway, and write down what the broker says.

    It runs until it is stopped, connects again by itself, and may be killed at any moment: the next one asks
    the broker what happened. One an account. Where it connects: accounts.gateway and accounts.client_id.

    Example:

      backdesk link start DU1234567
    """
    from runners.live.ib.serving import serve

    serve(account)


def check(
    account: Account,
    symbol: Annotated[str, typer.Option(help="Whose contract and prices are asked for.")] = "SPY",
) -> None:
    """Ask a gateway everything that a link will ask, place nothing, and say what is wrong.

    Example:

      backdesk link check DU1234567
    """
    from runners.live.ib.checking import Finding, checked
    from runners.live.ib.serving import use_utc

    def say(finding: Finding) -> None:
        print(f"{'ok  ' if finding.is_good else 'FAIL'} {finding.what}", flush=True)

    use_utc()
    with connect("link", settings=Settings.from_environment()) as connection:
        raise typer.Exit(0 if checked(connection, account, symbol, say) else 1)


def record(
    account: Account,
    file: Annotated[Path, typer.Argument(help="File to write, a line a message.")],
    symbol: Annotated[str, typer.Option(help="Whose contract is asked for.")] = "SPY",
    seconds: Annotated[float, typer.Option(min=0, help="How long to listen after the last answer.")] = 10,
) -> None:
    """Ask a gateway everything that a link asks, and write down what it says; place nothing.

    Names of accounts are replaced, and references that are not a desk's. Symbols, sizes and prices stay:
    read the file before you hand it on. Tests play such files back.

    Example:

      backdesk link record DU1234567 gateway.jsonl --seconds 60
    """
    import asyncio

    from runners.errors import DeskError
    from runners.live.ib import recording
    from runners.live.ib.serving import use_utc
    from runners.live.ib.wire import Refused

    use_utc()
    with connect("link", settings=Settings.from_environment()) as connection:
        terms = connection.execute("select desk.link_terms(%s)", (account,)).fetchone()
    assert terms
    try:
        number = asyncio.run(recording.record(terms[0], file, symbol, seconds))
    except Refused as refused:
        raise DeskError(
            f"no gateway at {terms[0]['gateway']}: {refused}", hint="log it in first"
        ) from refused
    print(f"{number} messages in {file}")
