"""`backdesk check`: does a strategy look ahead, can it be repeated, does it read what it declares?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from runners.backtests.request import RequestError, strategy_named, symbols_in
from runners.probes.findings import Finding
from runners.probes.look_ahead import look_ahead
from runners.probes.prices import probe_prices
from runners.probes.repeatable import repeatable
from runners.probes.signals import traced
from runners.probes.unread import unread
from runners.probes.warm_up import warm_up
from strategies.registry import Entry


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
    worst = 0
    for finding in findings(strategy_named(strategy), symbols_in(symbols)):
        print(f"{finding.verdict:<6} {finding.about}: {finding.found}", flush=True)
        if finding.todo:
            print(f"{'':<6} -> {finding.todo}", flush=True)
        worst = max(worst, finding.verdict == "fault")
    raise typer.Exit(worst)


def findings(entry: Entry, symbols: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Every probe's; the first says on what they were run."""
    try:
        prices, timeframe, described = probe_prices(entry, symbols)
    except LookupError as error:
        raise RequestError(str(error)) from error
    whole = traced(entry, prices, {}, timeframe=timeframe)
    if whole.error is not None:
        ahead = "[1] and the like read bars that are not there yet" if "IndexError" in whole.error else ""
        yield Finding("fault", "run", f"it fails on {described}: {whole.error}", ahead)
        return
    yield Finding("ok", "run", f"{len(whole.signals)} orders on {described}")
    yield look_ahead(prices, whole, lambda part: traced(entry, part, {}, timeframe=timeframe))
    yield warm_up(prices, whole, lambda part: traced(entry, part, {}, timeframe=timeframe))
    yield from unread(entry, whole, lambda values: traced(entry, prices, values, timeframe=timeframe))
    yield repeatable(
        whole, lambda seed, stock: traced(entry, prices, {}, timeframe=timeframe, seed=seed, stock=stock)
    )
