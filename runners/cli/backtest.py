"""`backdesk backtest`: one backtest, now, in this process."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from runners.backtests import files
from runners.backtests.text_report import text_report
from runners.settings import Settings

Day = Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], show_default=False)]


def register(app: typer.Typer) -> None:
    app.command("backtest", short_help="Run one backtest and write what it did.")(backtest)


def backtest(
    strategy: Annotated[
        str, typer.Option(help="A registered name, a FILE.py, or FILE.py:NAME.", show_default=False)
    ],
    symbols: Annotated[list[str], typer.Option(help="Separated by commas.", show_default=False)],
    start: Day = None,
    end: Day = None,
    params: Annotated[
        list[str] | None, typer.Option(help="name=value, repeated or separated by commas.")
    ] = None,
    timeframe: Annotated[str, typer.Option(help="Length of a bar: 1d, 1h, 5m, ...")] = "1d",
    cash: Annotated[float, typer.Option(help="Starting capital.")] = 100_000.0,
    commission: Annotated[
        float, typer.Option(help="Fraction of each fill's value.", min=0.0, max=0.5)
    ] = 0.001,
    slippage: Annotated[float, typer.Option(help="Fraction of the price.", min=0.0, max=0.5)] = 0.0,
    resample: Annotated[
        str | None, typer.Option(help="Longer timeframes as further feeds, such as 1w or 1h,1d.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of whatever is random in the strategy.")] = 0,
    prices: Annotated[
        str, typer.Option(help="auto (the desk when it is up, else the sample), desk, sample, or a CSV file.")
    ] = "auto",
    export_csv: Annotated[bool, typer.Option("--export-csv", help="Write the trades.")] = False,
    export_text: Annotated[bool, typer.Option("--export-text", help="Write the report.")] = False,
    export_html: Annotated[
        bool, typer.Option("--export-html", help="Write a page with charts that needs no network.")
    ] = False,
    plot: Annotated[bool, typer.Option("--plot", help="Write a picture of equity and drawdown.")] = False,
    record_row: Annotated[
        bool, typer.Option("--record", help="Also queue it, so that the desk judges and keeps it.")
    ] = False,
    output: Annotated[Path, typer.Option(help="Folder of the files.")] = files.FOLDER,
) -> None:
    """Run one backtest without the queue, print its report and write OUTPUT/ID.json.

    Ratios are computed by the database where one is up; else the report has raw numbers.

    Examples:

      backdesk backtest --strategy sma_crossover --symbols AAPL,IBM --params fast=20,slow=100

      backdesk backtest --strategy my_strategy.py --symbols AAPL --start 2010-01-01 --export-html
    """
    # Backtrader takes a second to import, which no other command should pay for.
    from runners.backtests.execution import execute
    from runners.backtests.recording import record
    from runners.backtests.request import BacktestRequest, parameters_from, strategy_named, symbols_in

    settings = Settings.from_environment()
    entry = strategy_named(strategy)
    request = BacktestRequest(
        entry=entry,
        symbols=symbols_in(" ".join(symbols)),
        parameters=parameters_from(entry, params or []),
        timeframe=timeframe,
        start=start.date() if start else None,
        end=end.date() if end else None,
        cash=cash,
        commission=commission,
        slippage=slippage,
        seed=seed,
        resample=None if resample is None else tuple(resample.replace(",", " ").split()),
    )
    done = execute(request, prices, settings)
    recorded = record(done, settings) if record_row else None
    document = done.document()
    if recorded is not None:
        document |= {"job_id": recorded.job_id, "backtest_result_id": recorded.result_id}
    written = files.write(document, files.Exports(export_csv, export_text, export_html, plot), output)
    print(text_report(document))
    if recorded is not None:
        same = "" if recorded.same else "; ITS ENDING VALUE IS ANOTHER ONE"
        print(f"recorded as result {recorded.result_id} of job {recorded.job_id}: {recorded.summary}{same}")
    for path in written:
        print(f"wrote {path}")
