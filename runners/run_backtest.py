"""`python -m runners.run_backtest --strategy NAME_OR_FILE --symbols A,B`: what `backdesk backtest` does."""

from __future__ import annotations

import sys

import psycopg
import typer

from runners.cli.backtest import backtest
from runners.cli.errors import report
from runners.errors import DeskError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(backtest)


def main() -> None:
    try:
        app()
    except (DeskError, psycopg.Error) as error:
        report(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
