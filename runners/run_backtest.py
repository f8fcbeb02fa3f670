"""`python -m runners.run_backtest --strategy NAME_OR_FILE --symbols A,B`: what `backdesk backtest` does."""

from __future__ import annotations

import typer

from runners.cli.backtest import backtest
from runners.reporting import exit_codes

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(backtest)


def main() -> None:
    with exit_codes():
        app()


if __name__ == "__main__":
    main()
