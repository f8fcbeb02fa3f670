"""`backdesk reproduce`: is a recorded result what comes out when it is run again?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from runners.database.connection import connect

if TYPE_CHECKING:
    from runners.reproduction import Reproduction

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
            found = reproduction.reproduce(runner, result_id)
            print(_line(found))
            for name, (recorded, again) in list(found.differences.items())[:SHOWN]:
                print(f"  {name}: recorded {recorded}, now {again}")
            differs = differs or not found.equal
    if differs:
        raise typer.Exit(1)


def _line(found: Reproduction) -> str:
    where = "" if found.same_platform else " (recorded on another platform)"
    if found.equal:
        return f"result {found.backtest_result_id}: equal to the bit{where}"
    count = len(found.differences)
    what = "1 number differs" if count == 1 else f"{count} numbers differ"
    return f"result {found.backtest_result_id}: {what}{where}"
