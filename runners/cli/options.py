"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Files = Annotated[list[Path] | None, typer.Argument(help="Config files (YAML).", show_default=False)]
BatchFile = Annotated[
    Path | None, typer.Option("--batch", help="A batch file: several configs, queued all or none.")
]
Force = Annotated[
    bool, typer.Option("--force", help="Run it whatever its fees are estimated at; this is recorded.")
]
EstimateOnly = Annotated[
    bool, typer.Option("--estimate", help="Only estimate points, time, trades and fees; queue nothing.")
]
Processes = Annotated[
    int,
    typer.Option(
        "--processes",
        "-n",
        min=0,
        max=1024,
        help="Backtests at a time of a runner of its own; 0: one a processor.",
    ),
]
