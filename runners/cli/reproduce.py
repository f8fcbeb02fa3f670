"""`backdesk reproduce`: is a recorded result what comes out when it is run again?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from runners.database.connection import connect

if TYPE_CHECKING:
    from runners.reproduction import Verdict

SHOWN = 10


def register(app: typer.Typer) -> None:
    app.command("reproduce", short_help="Run recorded results again and compare them to the bit.")(reproduce)


def reproduce(
    results: Annotated[
        list[int], typer.Argument(help="Ids of results, as the leaderboards have them.", show_default=False)
    ],
) -> None:
    """Run recorded results again, on their own prices, costs and code, and compare them to the bit.

    The verdict is kept in the table reproductions and shown on the leaderboards. Ends with 1 where a result
    differs.

    Example:

      backdesk reproduce 17
    """
    # Imported here, so that `backdesk --help` does not wait for the engines.
    from runners import reproduction

    differs = False
    with connect("runner") as runner:
        for result_id in results:
            verdict = reproduction.reproduce(runner, result_id)
            print(_line(verdict))
            for name, (recorded, again) in list(verdict.differences.items())[:SHOWN]:
                print(f"  {name}: recorded {recorded}, now {again}")
            differs = differs or not verdict.equal
    if differs:
        raise typer.Exit(1)


def _line(verdict: Verdict) -> str:
    where = "" if verdict.same_platform else " (recorded on another platform)"
    if verdict.equal:
        return f"result {verdict.backtest_result_id}: equal to the bit{where}"
    count = len(verdict.differences)
    what = "1 number differs" if count == 1 else f"{count} numbers differ"
    return f"result {verdict.backtest_result_id}: {what}{where}"
