"""`backdesk leaderboard`: the best of what was tried."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from runners import leaderboard as board
from runners.cli.text_table import text_table
from runners.database.connection import connect
from runners.leaderboard import HEADINGS, NUMBERS, Entry

# Where there is no room, what a person can do without goes first; a strategy's name never does.
_SPARED = ("status", "symbols", "parameters", "trades", "fees", "drawdown", "annual", "passed", "Sharpe")
# These may take several lines, of so many characters at the least.
_FOLDED = {"symbols": 8, "parameters": 18}


def register(app: typer.Typer) -> None:
    app.command("leaderboard", short_help="Show the best result of each strategy.")(leaderboard)


def leaderboard(
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, help="Rows to show.")] = 10,
    strategy: Annotated[str | None, typer.Option(help="Only this strategy.")] = None,
    passed: Annotated[bool, typer.Option("--passed", help="Only results that met all criteria.")] = False,
    results: Annotated[
        bool, typer.Option("--results", help="Every result, not only the best of each strategy.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV: every column, every digit.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown table.")] = False,
) -> None:
    """Show the leaderboard, ranked by the deflated Sharpe ratio: what is left of it after all trials.

    The same in SQL: select * from strategy_leaderboard limit 10

    Examples:

      backdesk leaderboard

      backdesk leaderboard --results --strategy rsi_mean_reversion --limit 20

      backdesk leaderboard --csv > board.csv
    """
    if as_csv and as_markdown:
        raise typer.BadParameter("give one of --csv and --markdown", param_hint="--markdown")
    with connect("viewer") as viewer:
        entries = board.read(viewer, limit=limit, strategy=strategy, passed=passed, results=results)
        hint = "" if entries else _why_empty(board.read(viewer, limit=1), strategy)
        said = "" if strategy or not entries else board.of_all_tried(viewer)
    if as_csv:
        print(board.comma_separated(entries), end="")
    elif as_markdown and entries:
        print(board.markdown(entries))
    elif entries:
        show(entries)
        if said:
            print(f"\n{said}")
    if hint:
        print(hint, file=sys.stderr if as_csv or as_markdown else sys.stdout)


def show(entries: Sequence[Entry]) -> None:
    """The board as a table: drawn on a terminal, plain text in a pipe."""
    console = Console()
    if not console.is_terminal:
        print(text_table(HEADINGS, [board.cells(entry) for entry in entries], right=NUMBERS))
        return
    shown = _fitting(entries, console.width)
    table = Table(box=box.HORIZONTALS, header_style="bold", padding=(0, 0), pad_edge=False)
    for heading in shown:
        if heading in _FOLDED:
            table.add_column(heading, overflow="fold")
        else:
            table.add_column(heading, justify="right" if heading in NUMBERS else "left", no_wrap=True)
    for entry in entries:
        cells = dict(zip(HEADINGS, board.cells(entry), strict=True))
        table.add_row(*(cells[heading] for heading in shown), style=None if entry.passed else "dim")
    console.print(table)


def _fitting(entries: Sequence[Entry], width: int) -> list[str]:
    """The columns that can be shown whole, those that fold at their least width, in `width` characters."""
    least = {
        heading: _FOLDED.get(heading) or max(len(heading), *map(len, cells))
        for heading, *cells in zip(HEADINGS, *map(board.cells, entries), strict=True)
    }
    for spared in _SPARED:
        # One character stands between two columns.
        if sum(least.values()) + len(least) - 1 <= width:
            break
        del least[spared]
    return list(least)


def _why_empty(anything: Sequence[Entry], strategy: str | None) -> str:
    if not anything:
        return "No backtest has finished yet. Queue a search: backdesk queue FILE"
    if strategy:
        return f"No result of {strategy} fits. The whole board: backdesk leaderboard"
    return "No result has passed. The whole board: backdesk leaderboard"
