"""`backdesk check`: does a strategy look ahead, can it be repeated, does it read what it declares?"""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("check", short_help="Probe a strategy's code: look-ahead, warm-up, parameters.")(check)


def check(
    strategy: Annotated[
        str, typer.Argument(help="A registered name, a FILE.py, or FILE.py:NAME.", show_default=False)
    ],
    symbols: Annotated[str, typer.Option(help="Of the sample, separated by commas.")] = "",
) -> None:
    """Run a strategy on the sample again and again, and say what that reveals about its code.

    Look-ahead: the data are cut at 20 points, and what was decided before must stay. Warm-up: it is begun
    later. Parameters: each is changed. Determinism: it is run twice. The exit code is 1 where there is a
    fault; a note is worth a look.
    """
    # Backtrader takes a second to import, which no other command should pay for.
    from runners.backtests.request import strategy_named, symbols_in
    from runners.probes.all_probes import findings

    worst = 0
    for finding in findings(strategy_named(strategy), symbols_in(symbols)):
        print(f"{finding.verdict:<6} {finding.about}: {finding.found}", flush=True)
        if finding.todo:
            print(f"{'':<6} -> {finding.todo}", flush=True)
        worst = max(worst, finding.verdict == "fault")
    raise typer.Exit(worst)
