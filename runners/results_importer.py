"""`python -m runners.results_importer --optimization-dir DIR`: import what `lean optimize` left on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runners.cli.import_ import ConfigFile, CreateStrategy, Strategy, run_import
from runners.reporting import exit_codes

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def import_optimization(
    optimization_dir: Annotated[
        Path, typer.Option("--optimization-dir", help="Folder of one optimization.", show_default=False)
    ],
    config: ConfigFile = None,
    strategy: Strategy = None,
    create_strategy: CreateStrategy = False,
) -> None:
    """Import the results of an optimization as one run, judged by the config's criteria."""
    run_import(
        optimization_dir, strategy=strategy, config=config, create_strategy=create_strategy, one_search=True
    )


def main() -> None:
    with exit_codes():
        app()


if __name__ == "__main__":
    main()
