"""`backdesk lean`: LEAN's own optimizer, and data folders for it."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from runners.cli.import_ import run_import
from runners.cli.loaded import show
from runners.configs.reader import read_config
from runners.database.connection import connect
from runners.engines.lean.commands import EULER, optimization
from runners.engines.lean.data_export import export
from runners.engines.lean.data_folder import read_series, symbols_in
from runners.engines.lean.optimizations import CONFIG_FILE, SECONDS, run_lean_optimization
from runners.engines.lean.settings import LeanSettings
from runners.engines.lean.usable import check
from runners.errors import DeskError
from runners.prices.load import load
from runners.settings import Settings


class LeanUnusable(DeskError):
    """LEAN cannot be used on this machine."""


def register(app: typer.Typer) -> None:
    lean = typer.Typer(help="Run LEAN's own optimizer, and share prices with LEAN.", no_args_is_help=True)
    lean.command("optimize", short_help="Delegate a search to `lean optimize`, and import it.")(optimize)
    lean.command("load", short_help="Load raw prices and factors from a LEAN data folder.")(load_folder)
    lean.command("export", short_help="Write the desk's raw prices as a LEAN data folder.")(export_folder)
    lean.command("check", short_help="Say whether LEAN can be used here, by running it.")(check_lean)
    app.add_typer(lean, name="lean")


def optimize(
    config: Annotated[Path, typer.Argument(help="Config file (YAML).", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the command.")] = False,
    hours: Annotated[float, typer.Option(help="Time limit; LEAN's optimizer has none.", min=0.001)] = SECONDS
    / 3600,
    results: Annotated[Path, typer.Option(help="Folder that the results are kept in.")] = Path(
        "results/lean"
    ),
) -> None:
    """Hand a whole search to `lean optimize`, then import what it leaves, judged by the config's criteria.

    Targets that LEAN would look for in vain, and ranges that would hang it, are refused first. The desk's own
    search (`backdesk queue`) runs one `lean backtest` a point instead, with retries and every metric.

    Examples:

      backdesk lean optimize configs/lean/RSI_MeanReversion_ETF.yaml --dry-run
    """
    data = read_config(config).data
    plan = optimization(data)
    if dry_run:
        print(plan.text(CONFIG_FILE))
        if plan.search == EULER:
            print(f"\n{CONFIG_FILE}:\n{json.dumps(plan.document(), indent=2)}")
        for name, value in plan.constants.items():
            print(f"config.json of {plan.project}: {name} = {value}")
        return
    use = check()
    if not use.usable:
        raise LeanUnusable(f"LEAN cannot be used here: {use.problem}", hint=use.hint or None)
    with tempfile.TemporaryDirectory(prefix="lean-data-") as made:
        bars = None if LeanSettings.from_environment().data_folder else _bars(Path(made), data)
        folder = run_lean_optimization(data, results, seconds=hours * 3600, data_folder=bars)
    print(f"results: {folder}")
    run_import(folder, config=config, one_search=True)


def _bars(folder: Path, config: Mapping[str, Any]) -> Path:
    """The desk's own bars of a config's symbols, for LEAN."""
    symbols = config.get("symbols") or []
    with connect("viewer", settings=Settings.from_environment()) as viewer:
        wanted = [symbols] if isinstance(symbols, str) else list(symbols)
        for _ in export(viewer, folder, wanted, config.get("timeframe", "1d")):
            pass
    return folder


def load_folder(
    folder: Annotated[
        Path, typer.Argument(help="LEAN's data folder: the one with equity/usa.", show_default=False)
    ],
    symbols: Annotated[list[str] | None, typer.Argument(help="Symbols; without any, all.")] = None,
    timeframe: Annotated[str, typer.Option(help="1d, 1h or 1m.")] = "1d",
) -> None:
    """Load raw bars with the factors of their factor files.

    Map files are heeded: bars of a company that had the ticker before are left out, and those under an
    earlier ticker of the same company are taken along.

    Examples:

      backdesk lean load ~/lean/data SPY AAPL
    """
    began = time.perf_counter()
    wanted = symbols or symbols_in(folder, timeframe)
    if not wanted:
        raise DeskError(f"{folder} has no bars of {timeframe}", hint="name the folder that holds equity/usa")
    with connect("director", settings=Settings.from_environment()) as director:
        done = [load(director, read_series(folder, symbol, timeframe)) for symbol in wanted]
    show(done, time.perf_counter() - began)


def export_folder(
    folder: Annotated[
        Path, typer.Argument(help="Where to write; made if it is not there.", show_default=False)
    ],
    symbols: Annotated[list[str], typer.Argument(help="Symbols of the desk.", show_default=False)],
    timeframe: Annotated[str, typer.Option(help="1d, 1h or 1m.")] = "1d",
) -> None:
    """Write raw bars, factor files and map files, such that LEAN adjusts prices as the desk does.

    Examples:

      backdesk lean export lean-data AAPL IBM
    """
    with connect("director", settings=Settings.from_environment()) as director:
        for series in export(director, folder, symbols, timeframe):
            factors = len(series.factors or ())
            print(f"{series.symbol}: {len(series.bars):,} bars, {factors} factors")


def check_lean() -> None:
    """Run `lean` and `docker`, and say whether backtests can be run here."""
    use = check()
    print(use)
    if use.hint:
        print(f"  hint: {use.hint}")
    if not use.usable:
        raise typer.Exit(1)
